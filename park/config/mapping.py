"""From a validated file to the settings of each part of the domain; amperes become milliamperes, names full names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import TypeAlias, TypeVar

from msgspec.structs import replace

from park.authorization.presets import Preset, behaviour
from park.authorization.settings import (
    EVERY_CHARGE_POINT,
    AuthorizerSettings,
    AuthorizingInput,
    Mode,
    OfflineRule,
    ReaderSettings,
    Several,
    WhitelistEntry,
)
from park.charging.settings import ChargePointSettings, Outlet, StopMode
from park.config.access import LONGEST_WAIT_SECONDS
from park.config.autocharging import autocharge_of
from park.config.devices import ChargePointSection, MeterSection, ReaderSection
from park.config.electrical import CircuitSection, PlacementSection
from park.config.groups import placed_at, placed_group, placed_loads, refused_as_group
from park.config.limiting import DAYS, InputSection, LimitingSection, minutes
from park.config.node_config import NodeConfig
from park.config.quantities import milliamperes
from park.config.suns import suns
from park.load.algorithms import Algorithm
from park.load.circuit import Circuit, Placement
from park.load.conditions import Conditions, InputLimit, TimetableEntry
from park.load.group import loads
from park.load.startup import refusals
from park.load.state import CoordinatorSettings
from park.metering.maps import register_map
from park.metering.meter import MeterSettings
from park.model.electric import ZERO, PerPhase, Wiring, add, highest, on_phases
from park.model.evse import EvseTraits
from park.model.placement import Placed

T = TypeVar("T")
TraitsOf: TypeAlias = Callable[[ChargePointSection], EvseTraits]
"""What the driver of a charge point declares of its electronics."""

PLACED_RESOLUTION_MA = 1_000  # of a board's charge point before the board said better: rounding down is safe


def full_name(node: str, charge_point: str) -> str:
    """NODE/CHARGE_POINT: how messages name a charge point, unique in the park."""
    return charge_point if "/" in charge_point else f"{node}/{charge_point}"


def meter_of_point(charge_point: str) -> str:
    """How the park calls the meter of a client board's charge point; its own board may call it as it likes."""
    return f"{charge_point}/meter"


def meter_in_park(node: str, meter: str, owners: Mapping[str, str]) -> str:
    """How the park calls a meter of a client board. `owners`: charge points by the meter of their own."""
    return meter_of_point(owners[meter]) if meter in owners else full_name(node, meter)


def placed_boards(config: NodeConfig) -> dict[str, dict[str, Placed]]:
    """What the server places on each client board, by node and charge point."""
    boards: dict[str, dict[str, Placed]] = {}
    for section in config.placement:
        placement = _placement(section)
        boards.setdefault(placement.node, {})[placement.charge_point] = placed_at(placement, section.connector)
    for group in (placed_group(section) for section in config.group):
        boards[group.node] = placed_loads(group)
    return boards


def charge_point_settings(
    config: NodeConfig, traits_of: TraitsOf, boot_id: str, new_session_id: Callable[[], str]
) -> tuple[ChargePointSettings, ...]:
    """Settings of this board's charge points, in the order of the file.

    On a client, connector 0 and circuit "" stand for what the server's placement says.
    """
    return tuple(_charge_point(config, point, traits_of, boot_id, new_session_id) for point in config.charge_point)


def coordinator_settings(
    config: NodeConfig, traits_of: TraitsOf, server_id: str, epoch: int = 1
) -> CoordinatorSettings:
    """Circuits, placements and times of the park this node leads."""
    return CoordinatorSettings(
        circuits=circuits(config),
        placements=placements(config, traits_of),
        server_id=server_id,
        epoch=epoch,
        interval_seconds=config.load.interval_seconds,
        lease_seconds=config.load.lease_seconds,
        renew_seconds=config.load.renew_seconds,
        rotation_seconds=config.load.rotation_seconds,
        unused_seconds=config.load.seconds_unused(),
        switch_seconds=config.load.phase_switch_seconds,
        solar=suns(config),
        algorithm=Algorithm(config.load.algorithm),
    )


def conditions(config: NodeConfig, zone: tzinfo, draw: Callable[[str], float]) -> Conditions:
    """Limits by the clock and by inputs. `draw`: in [0, 1) for a name, always the same on this site (B-086)."""
    timetable = tuple(
        TimetableEntry(
            target=_limited(config, each),
            source=f"{each.begins} to {each.ends}{_on(each.days)}",
            limit_ma=_per_phase(each.limit_amps),
            begins=minutes(each.begins),
            ends=minutes(each.ends),
            days=frozenset(DAYS.index(day) for day in each.days),
            lag_seconds=int(draw(_limited(config, each)) * each.lag_seconds),
        )
        for each in config.timetable
    )
    inputs = tuple(
        InputLimit(
            target=_limited(config, each),
            limit_ma=_input_limit(config, each),
            node=each.node or config.node.name,
            number=each.number,
            active_high=each.active == "high",
        )
        for each in config.input
    )
    return Conditions(timetable, inputs, zone)


def refused_at_start(config: NodeConfig, source: str, traits_of: TraitsOf) -> tuple[str, ...]:
    """Why this park must not start although its file is well-formed: lapse and boot currents against the fuses."""
    if not config.circuit:
        return ()
    network, points = circuits(config), placements(config, traits_of)
    found = refusals(network, points) or refused_as_group(config.above, network, points)
    return tuple(f"{source}: {text}" for text in found)


def circuits(config: NodeConfig) -> tuple[Circuit, ...]:
    """The circuit tree, in the order of the file."""
    meters = {meter.name: meter for meter in config.meter}
    return tuple(_circuit(circuit, meters) for circuit in config.circuit)


def placements(config: NodeConfig, traits_of: TraitsOf) -> tuple[Placement, ...]:
    """Where this board's own charge points hang, then those of other boards, then the loads of groups."""
    own = tuple(
        _own_placement(config.node.name, point, traits_of(point))
        for point in config.charge_point
        if point.circuit is not None
    )
    groups = tuple(load for section in config.group for load in loads(placed_group(section)))
    return own + tuple(_placement(placement) for placement in config.placement) + groups


def meter_settings(config: NodeConfig) -> tuple[MeterSettings, ...]:
    """Settings of this board's meters, in the order of the file. Raises `RegisterMapUnknown`."""
    return tuple(_meter(config, meter) for meter in config.meter)


def authorizer_settings(config: NodeConfig) -> AuthorizerSettings:
    """Who decides, the whitelist, and the readers with the full names of what they serve.

    Of a client: its readers, and the rules it has before its server sent any: a whitelist without entries.
    """
    section, node = config.authorization, config.node.name
    mode = Mode(section.mode)
    return AuthorizerSettings(
        mode=mode,
        offline=OfflineRule(section.offline),
        whitelist=tuple(WhitelistEntry(each.tag, each.name, each.expires, each.allowed) for each in section.whitelist),
        readers=tuple(_reader(config, reader) for reader in config.reader),
        free_tag=section.free_tag,
        stop_with_card=section.stop_with_card,
        node=node,
        charge_points=_charge_points(config),
        with_cards=mode if mode is not Mode.FREE else Mode.BACKEND if config.backend else Mode.WHITELIST,
        known_offline=section.offline != OfflineRule.REFUSE.value,
        inputs=tuple(
            AuthorizingInput(node, each.number, _served(node, each.charge_point), each.active == "high", each.stops)
            for each in config.authorization_input
        ),
        autocharge=autocharge_of(section),
    )


def _charge_point(
    config: NodeConfig, point: ChargePointSection, traits_of: TraitsOf, boot_id: str, new_session_id: Callable[[], str]
) -> ChargePointSettings:
    return ChargePointSettings(
        name=full_name(config.node.name, point.name),
        node=config.node.name,
        connector=point.connector or 0,
        circuit=point.circuit or "",
        boot_id=boot_id,
        traits=_traits(point, traits_of),
        new_session_id=new_session_id,
        wiring=Wiring(point.wiring),
        phases=point.phases,
        minimum_ma=milliamperes(point.min_amps),
        maximum_ma=milliamperes(point.max_amps),
        fallback_ma=milliamperes(point.fallback_amps),
        boot_ma=milliamperes(point.boot_amps),
        outlet=Outlet(point.outlet),
        cable_rating_ma=None if point.cable_amps is None else milliamperes(point.cable_amps),
        reject_cables_below_ma=milliamperes(point.reject_cables_below_amps),
        meter=point.meter,
        plug_timeout_seconds=config.authorization.plug_timeout_seconds,
        card_timeout_seconds=config.authorization.card_timeout_seconds,
        accept_state_d=point.accept_ventilation,
        slac_seconds=point.slac_seconds,
        wake_up_seconds=point.wake_up_seconds,
        stop_mode=StopMode(point.stop_mode),
        phase_pause_seconds=point.phase_switching_pause_seconds,
    )


def _traits(point: ChargePointSection, traits_of: TraitsOf) -> EvseTraits:
    """What of its electronics is in use."""
    traits = traits_of(point)
    return replace(traits, switchable_phases=traits.switchable_phases and point.phase_switching)


def _circuit(circuit: CircuitSection, meters: Mapping[str, MeterSection]) -> Circuit:
    mapped = Circuit(
        name=circuit.name,
        limit_ma=_per_phase(circuit.limit_amps),
        parent=circuit.parent,
        limit_watts=circuit.limit_watts,
        imbalance_ma=None if circuit.imbalance_amps is None else milliamperes(circuit.imbalance_amps),
        imbalance_counts_external=circuit.imbalance_includes_external,
        headroom_ma=milliamperes(circuit.headroom_amps),
        meter=circuit.meter,
        meter_sees_charging=circuit.meter_sees_charging,
        external_fallback_ma=_per_phase(circuit.external_fallback_amps),
        external_window_seconds=circuit.external_window_seconds,
        expired_limit_ma=None if circuit.expired_limit_amps is None else _per_phase(circuit.expired_limit_amps),
    )
    if circuit.meter is None:
        return mapped
    meter = meters[circuit.meter]
    return replace(mapped, meter_period_seconds=meter.poll_seconds, meter_stale_seconds=meter.stale_after_seconds)


def _own_placement(node: str, point: ChargePointSection, traits: EvseTraits) -> Placement:
    return Placement(
        charge_point=full_name(node, point.name),
        node=node,
        circuit=point.circuit or "",
        wiring=Wiring(point.wiring),
        phases=point.phases,
        minimum_ma=milliamperes(point.min_amps),
        maximum_ma=milliamperes(point.max_amps),
        fallback_ma=milliamperes(point.fallback_amps),
        boot_ma=milliamperes(point.boot_amps),
        priority=point.priority,
        weight=point.weight,
        has_deadman=traits.has_deadman,
        meter=point.meter,
        resolution_ma=traits.resolution_ma,
        expired_limit_ma=None if point.expired_limit_amps is None else milliamperes(point.expired_limit_amps),
    )


def _placement(placement: PlacementSection) -> Placement:
    return Placement(
        charge_point=placement.charge_point,
        node=placement.charge_point.partition("/")[0],
        circuit=placement.circuit,
        wiring=Wiring(placement.wiring),
        phases=placement.phases,
        minimum_ma=milliamperes(placement.min_amps),
        maximum_ma=milliamperes(placement.max_amps),
        fallback_ma=milliamperes(placement.fallback_amps),
        boot_ma=milliamperes(placement.boot_amps),
        priority=placement.priority,
        weight=placement.weight,
        meter=meter_of_point(placement.charge_point) if placement.metered else None,
        resolution_ma=PLACED_RESOLUTION_MA,
        expired_limit_ma=None if placement.expired_limit_amps is None else milliamperes(placement.expired_limit_amps),
    )


def _limited(config: NodeConfig, section: LimitingSection) -> str:
    """The target of a limit by its full name."""
    return section.circuit or full_name(config.node.name, section.charge_point or "")


def _on(days: tuple[str, ...]) -> str:
    return "" if len(set(days)) == len(DAYS) else f" on {' '.join(day for day in DAYS if day in days)}"


def _input_limit(config: NodeConfig, section: InputSection) -> PerPhase:
    if section.limit_amps is not None:
        return _per_phase(section.limit_amps)
    offset = _per_phase(section.offset_amps or (0, 0, 0))
    return highest(add(_design_ma(config, _limited(config, section)), offset), ZERO)


def _design_ma(config: NodeConfig, target: str) -> PerPhase:
    """What a circuit or a charge point is made for."""
    circuits = {each.name: _per_phase(each.limit_amps) for each in config.circuit}
    points = {full_name(config.node.name, each.name): milliamperes(each.max_amps) for each in config.charge_point}
    points |= {each.charge_point: milliamperes(each.max_amps) for each in config.placement}
    return circuits.get(target) or on_phases(points[target], (1, 2, 3))


def _meter(config: NodeConfig, meter: MeterSection) -> MeterSettings:
    windows = [circuit.external_window_seconds for circuit in config.circuit if circuit.meter == meter.name]
    meter_type = register_map(meter.map)
    return MeterSettings(
        name=meter.name,
        stale_after=meter.stale_after_seconds,
        window=max(windows, default=0.0),
        maximum_ma=meter_type.rated_ma if meter.max_amps is None else milliamperes(meter.max_amps),
        resolution_ma=meter_type.resolution_ma,
        frozen_after=meter.frozen_after_polls,
    )


def _reader(config: NodeConfig, reader: ReaderSection) -> ReaderSettings:
    """What its preset stands for, and what the file says otherwise."""
    everything = EVERY_CHARGE_POINT in reader.serves
    park_of_one = config.node.role != "client" and len(_charge_points(config)) == 1
    shared = not park_of_one if everything else len(set(reader.serves)) > 1
    preset = behaviour(Preset(reader.preset), shared=shared)
    remember = (config.authorization.plug_timeout_seconds or LONGEST_WAIT_SECONDS) if preset.remembers else 0.0
    return ReaderSettings(
        name=reader.name,
        serves=tuple(_served(config.node.name, served) for served in reader.serves),
        stop_with_card=_either(reader.stop_with_card, preset.stop_with_card),
        needs_vehicle=_either(reader.needs_vehicle, preset.needs_vehicle),
        remember_seconds=float(_either(reader.remember_seconds, remember)),
        last_plugged_seconds=float(reader.last_plugged_seconds),
        several=Several(reader.several),
    )


def _either(given: T | None, otherwise: T) -> T:
    return otherwise if given is None else given


def _charge_points(config: NodeConfig) -> tuple[str, ...]:
    own = (full_name(config.node.name, point.name) for point in config.charge_point)
    return (*own, *(placement.charge_point for placement in config.placement))


def _served(node: str, served: str) -> str:
    return served if served == EVERY_CHARGE_POINT else full_name(node, served)


def _per_phase(amperes: tuple[float, float, float]) -> PerPhase:
    return (milliamperes(amperes[0]), milliamperes(amperes[1]), milliamperes(amperes[2]))
