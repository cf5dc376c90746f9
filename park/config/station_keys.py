"""What the configuration file says of the keys a backend may read and change: their defaults here, and plain facts."""

from __future__ import annotations

from collections.abc import Iterator

from park.config.autocharging import autocharge_keys
from park.config.devices import ChargePointSection
from park.config.electrical import CircuitSection, PlacementSection
from park.config.mapping import full_name
from park.config.node_config import NodeConfig

SWITCHES = "ConnectorSwitch3to1PhaseSupported"  # OCPP 1.6 §9.4.4
SWITCHED_PHASES = 3  # B-285
UNKNOWN_WIRING = "unknown"
STOP_MODES = {"normal": "Normal", "after unplugging": "AfterUnplugging", "card or remote": "CardOrRemote"}
UNKNOWN_OFFLINE = {"accept": "true", "plugged": "ImmediatelyWhenPlugged"}


def connectors_of(config: NodeConfig) -> dict[int, str]:
    """Full names of the charge points by connector: of this board and those placed."""
    own = {point.connector: full_name(config.node.name, point.name) for point in config.charge_point if point.connector}
    return own | {each.connector: each.charge_point for each in config.placement}


def phases_of(config: NodeConfig) -> dict[int, int]:
    """Phases by connector."""
    own = {point.connector: point.phases for point in config.charge_point if point.connector}
    return own | {each.connector: each.phases for each in config.placement}


def station_keys(config: NodeConfig, version: str) -> dict[str, str]:
    """By key, or `Key[connector]` where charge points differ."""
    return {
        **_authorization(config),
        **_load(config),
        **_backend(config),
        **dict(_points(config)),
        **_switching(config),
        "FirmwareVersion": version,
        "ConnectorPhaseRotation": _rotations(config),
    }


def _authorization(config: NodeConfig) -> dict[str, str]:
    section = config.authorization
    return {
        "ConnectionTimeOut": str(round(section.plug_timeout_seconds)),
        "PlugPresentTimeout": str(round(section.card_timeout_seconds)),
        "LocalAuthorizeOffline": _word(section.offline != "refuse"),
        "AllowOfflineTxForUnknownId": UNKNOWN_OFFLINE.get(section.offline, "false"),
        "FreeCharging": _word(section.mode == "free"),
        "RfidTagFreeCharging": section.free_tag,
        **autocharge_keys(section),
    }


def _load(config: NodeConfig) -> dict[str, str]:
    root = next((circuit for circuit in config.circuit if circuit.parent is None), None)
    return {"DlmRecalcInterval": _number(config.load.interval_seconds), **({} if root is None else _circuit(root))}


def _circuit(root: CircuitSection) -> dict[str, str]:
    found = {
        "DlmExtLoadAvgLen": _number(root.external_window_seconds),
        **{f"DlmExtLoadHeadroomPhase{phase}": _number(root.headroom_amps) for phase in (1, 2, 3)},
    }
    for phase, (limit, fallback) in enumerate(zip(root.limit_amps, root.external_fallback_amps, strict=True), start=1):
        found[f"DlmPhase{phase}Limit"] = _number(limit)
        found[f"DlmExtMeterLoadFallbackPhase{phase}"] = _number(fallback)
    return found


def _backend(config: NodeConfig) -> dict[str, str]:
    if config.backend is None:
        return {}
    return {"CentralSystemURI": config.backend.url, "ChargeBoxIdentity": config.backend.identity}


def _points(config: NodeConfig) -> Iterator[tuple[str, str]]:
    calibrated = {meter.name for meter in config.meter if meter.calibrated}
    for point in config.charge_point:
        if point.connector:
            yield from _point(point.connector, point)
            yield f"StopTransactionModeUnplug[{point.connector}]", STOP_MODES[point.stop_mode]
            yield f"PauseChargingStateD[{point.connector}]", _word(not point.accept_ventilation)
            yield f"EichrechtActive[{point.connector}]", _word(point.meter in calibrated)
    for placed in config.placement:
        yield from _point(placed.connector, placed)
        yield f"EichrechtActive[{placed.connector}]", _word(placed.calibrated)


def _switching(config: NodeConfig) -> dict[str, str]:
    """Of the whole park where all are alike; else false, and true for those that do."""
    does = {point.connector: _switches(point) for point in config.charge_point if point.connector}
    does |= {placed.connector: _switches(placed) for placed in config.placement}
    if does and all(does.values()):
        return {SWITCHES: _word(on=True)}
    return {f"{SWITCHES}[{connector}]": _word(on=True) for connector, switches in does.items() if switches}


def _switches(section: ChargePointSection | PlacementSection) -> bool:
    """Behind unknown wiring nobody does (docs/decisions/0014)."""
    return section.phase_switching and section.phases == SWITCHED_PHASES and section.wiring != UNKNOWN_WIRING


def _point(connector: int, section: ChargePointSection | PlacementSection) -> Iterator[tuple[str, str]]:
    yield f"HardwareCurrentLimit[{connector}]", _number(section.max_amps)
    yield f"PhasesConnected[{connector}]", str(section.phases)


def _rotations(config: NodeConfig) -> str:
    wired: dict[int, str] = {point.connector: point.wiring for point in config.charge_point if point.connector}
    wired |= {each.connector: each.wiring for each in config.placement}
    each = ",".join(f"{connector}.{_rotation(wiring)}" for connector, wiring in wired.items())
    return f"0.Unknown,{each}"


def _rotation(wiring: str) -> str:
    return "Unknown" if wiring == UNKNOWN_WIRING else wiring


def _number(value: float) -> str:
    return f"{value:g}"


def _word(on: bool) -> str:  # noqa: FBT001 - the value itself
    return "true" if on else "false"
