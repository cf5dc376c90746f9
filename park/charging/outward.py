"""What the rest of the park is told of a charge point, each only when it changed."""

from __future__ import annotations

from park.charging import life, phases_in_use
from park.charging.energy import limit_ma
from park.charging.faults import Fault, Impact
from park.charging.lease import Lease
from park.charging.report import ChargePointReported, ReportedFault, ReportedGrant, ReportedSession
from park.charging.session import Phase
from park.charging.state import NOT_RESERVED, ChargePointState, Effect, Status
from park.model.access import (
    RESIDUAL,
    TEMPERATURE,
    BackendQueue,
    ConnectorStatus,
    ConnectorStatusChanged,
    OccupancyChanged,
)
from park.model.demand import CurrentSignalled, DemandChanged
from park.model.evse import EvseReported
from park.model.grant import Reason
from park.model.time import Now

NO_ERROR = "NoError"  # OCPP 1.6 §7.6
TENTH_OF_A_MILLIAMPERE_UA = 100


def tell(before: ChargePointState, state: ChargePointState, now: Now, effects: list[Effect]) -> None:
    """Append what changed for coordinator, authorizer, backend and view since `before`; remember it as told."""
    circumstances = _changed(before, state)
    pilot = circumstances or _levels(before.evse) != _levels(state.evse)
    if pilot or state.told_demand is None:
        demand = _demand(state, now)
        if demand is not state.told_demand:
            effects.append(demand)
            state.told_demand = demand
    if circumstances or (before.evse is None) != (state.evse is None) or state.told_occupancy is None:
        occupancy = _occupancy(state)
        if occupancy != state.told_occupancy:
            effects.append(occupancy)
            state.told_occupancy = occupancy
    signals = pilot or before.signalling.offer is not state.signalling.offer
    if (signals or state.told_status is None) and (state.lost is not None or state.commands(now.mono)):
        _tell_status(state, now, effects)
        _tell_temperature(state, now, effects)
        _tell_residual(state, now, effects)
    _tell_current(state, now, effects)
    figures = before.reading is not state.reading or before.lease is not state.lease or _lapsed(before, state, now)
    if signals or figures or state.told_report is None:
        report = _report(state, now.mono)
        if report != state.told_report:
            effects.append(report)
            state.told_report = report


def repeat(state: ChargePointState, effects: list[Effect]) -> None:
    """Append wish and occupancy as told last; `tell`, which follows, says the rest anew."""
    if state.told_demand is not None:
        effects.append(state.told_demand)
    if state.told_occupancy is not None:
        effects.append(state.told_occupancy)
    state.told_status = state.told_current = state.told_report = None


def tell_reading(state: ChargePointState, effects: list[Effect]) -> None:
    """Append the view after a reading that changed nothing but the figures."""
    told, reading = state.told_report, state.reading
    sample = None if reading is None else reading.sample
    if told is None or sample is None:
        return
    if told.measured_ma == sample.currents_ma and told.energy_wh == sample.energy_wh:
        return
    state.told_report = told.with_figures(sample.currents_ma, sample.energy_wh, _reported_session(state))
    effects.append(state.told_report)


def _changed(before: ChargePointState, state: ChargePointState) -> bool:
    return (
        before.session is not state.session
        or before.vehicle is not state.vehicle
        or before.faults is not state.faults
        or before.lost is not state.lost
        or before.recovered is not state.recovered
        or before.contactor.closed is not state.contactor.closed
        or before.settings is not state.settings
        or before.reserved_ends != state.reserved_ends
        or before.phases_in_use.learned != state.phases_in_use.learned
    )


def _levels(report: EvseReported | None) -> tuple[object, ...]:
    if report is None:
        return ()
    return (
        report.pilot,
        report.signalled_ma,
        report.contactor_closed,
        report.lock_closed,
        report.temperature_c,
        report.residual_ua,
    )


def _lapsed(before: ChargePointState, state: ChargePointState, now: Now) -> bool:
    """The lease ran out since the view was told."""
    told = before.told_report
    grant = None if told is None else told.grant
    return grant is not None and now.mono >= state.lease.ends and grant.reason != _lapse_reason(state.lease)


def _tell_status(state: ChargePointState, now: Now, effects: list[Effect]) -> None:
    status = _status(state)
    if status != state.told_status:
        effects.append(_status_changed(state, status, now))
        state.told_status = status


def _tell_temperature(state: ChargePointState, now: Now, effects: list[Effect]) -> None:
    """B-038: a notification of its own, when it changed by so much since it was told; the first is only noted."""
    delta, report = state.settings.temperature_delta_c, state.evse
    if report is None or report.temperature_c is None or not delta:
        return
    temperature, before = report.temperature_c, state.told_temperature_c
    if before is not None and abs(temperature - before) < delta:
        return
    state.told_temperature_c = temperature
    if before is not None:
        _tell_measured(state, f"{TEMPERATURE}: {temperature:+.1f} C", now, effects)


def _tell_residual(state: ChargePointState, now: Now, effects: list[Effect]) -> None:
    """B-037: as the temperature, by so many tenths of a milliampere."""
    delta, report = state.settings.residual_delta, state.evse
    if report is None or report.residual_ua is None or not delta:
        return
    residual, before = report.residual_ua, state.told_residual_ua
    if before is not None and abs(residual - before) < delta * TENTH_OF_A_MILLIAMPERE_UA:
        return
    state.told_residual_ua = residual
    if before is not None:
        _tell_measured(state, f"{RESIDUAL}: {residual / 1000:.1f} mA", now, effects)


def _tell_measured(state: ChargePointState, info: str, now: Now, effects: list[Effect]) -> None:
    """A notice beside the status; of a connector with an error the error is told."""
    told = state.told_status
    if told is not None and told[1] == NO_ERROR:
        effects.append(ConnectorStatusChanged(state.settings.connector, told[0], NO_ERROR, info, now.wall))


def _tell_current(state: ChargePointState, now: Now, effects: list[Effect]) -> None:
    """The read-back current with the newest grant it obeys.

    `lapse_ma` is the higher of what the device's deadman holds and what this point would fall to.
    """
    report = state.evse
    if report is None or state.lost is not None:
        return
    fence = state.signalling.confirmed_fence
    phases = 0 if state.poles is None else state.poles.promised
    key = (report.signalled_ma, max(report.lapse_ma, state.lease.lapse_ma), fence, not report.contactor_closed, phases)
    if key == state.told_current:
        return
    state.told_current = key
    effects.append(CurrentSignalled(state.settings.name, key[0], key[1], fence[0], fence[1], key[3], now.mono, phases))


def connector_status(state: ChargePointState) -> ConnectorStatus:
    """OCPP 1.6 §4.9 and §7.7."""
    session, vehicle = state.session, state.vehicle
    if (state.evse is None and state.lost is None) or not state.settings.connector:
        return ConnectorStatus.UNAVAILABLE
    if is_faulted(state):
        return ConnectorStatus.FAULTED
    match session.phase:
        case Phase.RUNNING:
            return _energy_status(state)
        case Phase.AUTHORIZED if not vehicle.present and state.settings.prepares_with_both:
            return ConnectorStatus.AVAILABLE
        case Phase.AUTHORIZED | Phase.STARTING:
            return ConnectorStatus.PREPARING
        case Phase.STOPPING | Phase.ENDING | Phase.FINISHED:
            return ConnectorStatus.FINISHING
        case Phase.IDLE if vehicle.present and session.expired_vehicle == vehicle.since:
            return ConnectorStatus.FINISHING
        case Phase.IDLE:
            return _idle_status(state)


def _idle_status(state: ChargePointState) -> ConnectorStatus:
    """B-185: what is out of service says so once nobody is there; B-039: whether the plug alone is Preparing."""
    vehicle, settings = state.vehicle, state.settings
    if not settings.operative and not vehicle.present:
        return ConnectorStatus.UNAVAILABLE
    if (vehicle.present or vehicle.cable_in) and not settings.prepares_with_both:
        return ConnectorStatus.PREPARING
    kept = state.reserved_ends != NOT_RESERVED and not (vehicle.present or vehicle.cable_in)
    return ConnectorStatus.RESERVED if kept else ConnectorStatus.AVAILABLE


def is_faulted(state: ChargePointState) -> bool:
    """A fault stops energy, or forbids the session that is not there yet."""
    if not state.faults:
        return False
    return state.energy_stopped or (state.start_prevented and state.session.phase is not Phase.RUNNING)


def _energy_status(state: ChargePointState) -> ConnectorStatus:
    """B-177: SuspendedEV when the vehicle lets the contactor open, SuspendedEVSE when the station does."""
    if state.signalling.amps_ma == 0 and state.vehicle.present and not state.is_waking:
        return ConnectorStatus.SUSPENDED_EVSE
    if not state.ready:
        return ConnectorStatus.SUSPENDED_EV
    return ConnectorStatus.CHARGING if state.contactor.closed else ConnectorStatus.SUSPENDED_EVSE


def _demand(state: ChargePointState, now: Now) -> DemandChanged:
    """The wish towards the coordinator; the very object told last while nothing changed."""
    settings, last = state.settings, state.told_demand
    maximum_ma = limit_ma(state)
    wants = _wants(state) and maximum_ma >= settings.minimum_ma
    phases = phases_in_use.count(state.phases_in_use, settings)
    drawing = state.ready  # with the electronics away the last levels stand: current may still flow
    if (
        last is not None
        and last.wants == wants
        and last.drawing == drawing
        and last.maximum_ma == maximum_ma
        and last.minimum_ma == settings.minimum_ma
        and last.phases_used == phases
    ):
        return last
    return DemandChanged(
        charge_point=settings.name,
        wants=wants,
        phases_used=phases,
        minimum_ma=settings.minimum_ma,
        maximum_ma=maximum_ma,
        drawing=drawing,
        since=last.since if last is not None and last.wants == wants else now.mono,
    )


def _wants(state: ChargePointState) -> bool:
    session = state.session
    return (
        session.phase in {Phase.AUTHORIZED, Phase.STARTING, Phase.RUNNING}
        and not session.deauthorized
        and state.vehicle.present
        and state.lost is None
        and not state.energy_stopped
    )


def _occupancy(state: ChargePointState) -> OccupancyChanged:
    session, vehicle = state.session, state.vehicle
    placed = state.settings.connector > 0
    operable = placed and state.settings.operative and state.settings.backend_queue is BackendQueue.ROOM
    available = operable and state.evse is not None and state.recovered and not state.start_prevented
    expired = vehicle.present and session.expired_vehicle == vehicle.since
    tagged = session.held or session.phase in {Phase.AUTHORIZED, Phase.STARTING, Phase.RUNNING}
    return OccupancyChanged(
        charge_point=state.settings.name,
        connector=state.settings.connector,
        plugged_since=vehicle.since if vehicle.present or session.held else None,  # its owner comes back for the plug
        waiting_for_card=session.phase is Phase.IDLE and not expired,
        session_tag=session.id_tag if tagged else None,
        charging=session.phase is Phase.RUNNING,
        available=available,
    )


def _named_fault(state: ChargePointState) -> Fault | None:
    """The fault a status notification names: the first that matters, else the first noted (B-204)."""
    for fault in state.faults:
        if fault.kind.impact is not Impact.NOTE:
            return fault
    return state.faults[0] if state.faults else None


def _status(state: ChargePointState) -> Status:
    fault = _named_fault(state)
    if fault is None:
        return (connector_status(state), NO_ERROR, "", "")
    return (connector_status(state), fault.kind.error_code, fault.kind.info, fault.vendor_code)


def _status_changed(state: ChargePointState, status: Status, now: Now) -> ConnectorStatusChanged:
    """B-174: when an error clears, the notification names what cleared."""
    before = state.told_status
    info = status[2]
    if status[1] == NO_ERROR and before is not None and before[1] != NO_ERROR:
        info = f"{before[2]} cleared"
    return ConnectorStatusChanged(
        connector=state.settings.connector,
        status=status[0],
        error_code=status[1],
        info=info,
        at=now.wall,
        vendor_code=status[3],
    )


def _report(state: ChargePointState, mono: float) -> ChargePointReported:
    settings, vehicle, evse = state.settings, state.vehicle, state.evse
    there = evse is not None and state.lost is None
    sample = state.reading.sample if state.reading is not None else None
    return ChargePointReported(
        name=settings.name,
        node=settings.node,
        connector=settings.connector,
        circuit=settings.circuit,
        state=evse.pilot if evse is not None and there else None,
        ocpp_status=connector_status(state),
        grant=_reported_grant(state, mono),
        signalled_ma=evse.signalled_ma if evse is not None and there else None,
        measured_ma=sample.currents_ma if sample is not None and state.meter_fresh else None,
        fallback_ma=settings.fallback_ma,
        energy_wh=None if sample is None else sample.energy_wh,
        session=_reported_session(state),
        faults=tuple(
            ReportedFault(fault.kind.code, fault.since, fault.cause, fault.kind.remedy) for fault in state.faults
        ),
        contactor_closed=evse.contactor_closed if evse is not None and there else None,
        lock_closed=evse.lock_closed if evse is not None and there else None,
        cable_ma=vehicle.cable_ma if vehicle.cable_in else None,
        plugged_since=vehicle.since if vehicle.present else None,
        charging_since=vehicle.ready_since,
        charging_seconds=vehicle.charging_seconds,
        refused_grant=state.lease.refused,
    )


def _reported_grant(state: ChargePointState, mono: float) -> ReportedGrant | None:
    lease, grant = state.lease, state.lease.grant
    if grant is None:
        return None
    lapsed = mono >= lease.ends
    reason = _lapse_reason(lease) if lapsed else grant.reason
    amps_ma = lease.lapse_ma if lapsed else grant.amps_ma
    return ReportedGrant(amps_ma, grant.phases, grant.epoch, grant.sequence, lease.ends, reason)


def _lapse_reason(lease: Lease) -> tuple[Reason, ...]:
    source = "" if lease.grant is None else f"server {lease.grant.server_id}"
    return (Reason("lapse", source),)


def _reported_session(state: ChargePointState) -> ReportedSession | None:
    session = state.session
    started = session.started
    if started is None or not session.is_open:
        return None
    energy_wh = None if state.settings.meter is None else life.energy_wh(state) - started.meter_start_wh
    return ReportedSession(started.session, session.transaction, started.at, energy_wh, session.authorized_by)
