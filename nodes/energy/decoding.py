"""The park view out of a message, whatever the version of the node that wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from nodes.rpc import energy_pb2 as pb
from park.charging.report import ReportedFault, ReportedGrant, ReportedSession
from park.load.report import LimitReported, ShareReported
from park.model.access import ConnectorStatus
from park.model.electric import PHASE_NAMES, PerPhase
from park.model.evse import PilotState
from park.model.grant import Reason
from park.model.metering import Quality
from park.model.time import Now
from park.view import (
    ActorRow,
    BackendRow,
    ChargePointRow,
    CircuitPhase,
    CircuitRow,
    MeterRow,
    NodeReported,
    ParkView,
)

_STATES = {pb.PilotState.Value(f"PILOT_STATE_{state.value}"): state for state in PilotState}
_QUALITIES = {pb.Quality.Value(f"QUALITY_{quality.name}"): quality for quality in Quality}
_STATUSES = {status.value: status for status in ConnectorStatus}


def decode(park: pb.Park) -> ParkView:
    """Read a view back; its monotonic clock stands at 0, so that ages are what was told.

    States this version does not know are unknown.
    """
    return ParkView(
        park=park.name,
        now=Now(0.0, _datetime(park.at)),
        epoch=park.epoch if park.HasField("epoch") else None,
        nodes=tuple(_node_row(node) for node in park.nodes),
        circuits=tuple(_circuit_row(circuit) for circuit in park.circuits),
        charge_points=tuple(_charge_point_row(point) for point in park.charge_points),
        meters=tuple(_meter_row(meter) for meter in park.meters),
        backend=_backend_row(park.backend, _datetime(park.at)) if park.HasField("backend") else None,
        actors=tuple(_actor_row(actor) for actor in park.actors),
        limits=tuple(limit_row(limit) for limit in park.limits),
    )


def _node_row(node: pb.Node) -> NodeReported:
    return NodeReported(
        name=node.name,
        role=node.role,
        state=node.state,
        last_seen=-node.last_seen_seconds if node.HasField("last_seen_seconds") else None,
        version=node.version if node.HasField("version") else None,
        restarts=node.restarts if node.HasField("restarts") else None,
        lag_seconds=node.lag_seconds if node.HasField("lag_seconds") else None,
        standing=node.standing if node.HasField("standing") else None,
        why=node.why if node.HasField("why") else None,
    )


def _circuit_row(circuit: pb.Circuit) -> CircuitRow:
    found = {phase.name: _phase(phase) for phase in circuit.phases}
    l1, l2, l3 = (found.get(name, CircuitPhase()) for name in PHASE_NAMES)
    return CircuitRow(
        name=circuit.name,
        parent=circuit.parent if circuit.HasField("parent") else None,
        meter=circuit.meter if circuit.HasField("meter") else None,
        phases=(l1, l2, l3),
        holding=circuit.holding if circuit.HasField("holding") else None,
        unconfirmed=tuple(circuit.unconfirmed),
        silent=tuple(circuit.silent),
    )


def _phase(phase: pb.CircuitPhase) -> CircuitPhase:
    return CircuitPhase(
        limit_ma=phase.limit_ma if phase.HasField("limit_ma") else None,
        available_ma=phase.available_ma if phase.HasField("available_ma") else None,
        committed_ma=phase.committed_ma if phase.HasField("committed_ma") else None,
        measured_ma=phase.measured_ma if phase.HasField("measured_ma") else None,
        external_ma=phase.external_ma if phase.HasField("external_ma") else None,
        bound_by=phase.bound_by if phase.HasField("bound_by") else None,
    )


def _charge_point_row(point: pb.ChargePoint) -> ChargePointRow:
    return ChargePointRow(
        name=point.name,
        node=point.node,
        connector=point.connector if point.HasField("connector") else None,
        circuit=point.circuit if point.HasField("circuit") else None,
        phases=tuple(point.phases),
        state=_STATES.get(point.state),
        ocpp_status=_STATUSES.get(point.ocpp_status),
        grant=_grant_row(point.grant) if point.HasField("grant") else None,
        contactor_closed=point.contactor_closed if point.HasField("contactor_closed") else None,
        signalled_ma=point.signalled_ma if point.HasField("signalled_ma") else None,
        measured_ma=_per_phase(tuple(point.measured_ma)),
        fallback_ma=point.fallback_ma if point.HasField("fallback_ma") else None,
        energy_wh=point.energy_wh if point.HasField("energy_wh") else None,
        share=_share_row(point.name, point.share) if point.HasField("share") else None,
        physical_ma=point.physical_ma if point.HasField("physical_ma") else None,
        session=_session_row(point.session) if point.HasField("session") else None,
        faults=tuple(
            ReportedFault(fault.code, _datetime(fault.since), fault.cause, fault.remedy) for fault in point.faults
        ),
    )


def _grant_row(grant: pb.Grant) -> ReportedGrant:
    reason = _reason_chain(grant.reason)
    return ReportedGrant(grant.amps_ma, tuple(grant.phases), grant.epoch, grant.sequence, grant.left_seconds, reason)


def _share_row(charge_point: str, share: pb.Share) -> ShareReported:
    reason = _reason_chain(share.reason)
    return ShareReported(charge_point, share.target_ma, share.granted_ma, share.committed_ma, share.confirmed, reason)


def _reason_chain(links: Iterable[pb.Reason]) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            limit=link.limit,
            source=link.source,
            circuit=link.circuit if link.HasField("circuit") else None,
            phase=link.phase if link.HasField("phase") else None,
            available_ma=link.available_ma if link.HasField("available_ma") else None,
        )
        for link in links
    )


def _session_row(session: pb.Session) -> ReportedSession:
    return ReportedSession(
        id=session.id,
        transaction=session.transaction if session.HasField("transaction") else None,
        started_at=_datetime(session.started_at),
        energy_wh=session.energy_wh if session.HasField("energy_wh") else None,
        authorized_by=session.authorized_by,
    )


def _meter_row(meter: pb.Meter) -> MeterRow:
    return MeterRow(
        name=meter.name,
        node=meter.node,
        quality=_QUALITIES.get(meter.quality, Quality.STALE),
        taken=-meter.age_seconds if meter.HasField("age_seconds") else None,
        currents_ma=_per_phase(tuple(meter.currents_ma)),
        power_w=meter.power_w if meter.HasField("power_w") else None,
        energy_wh=meter.energy_wh if meter.HasField("energy_wh") else None,
        failures=meter.failures if meter.HasField("failures") else None,
        problem=meter.problem if meter.HasField("problem") else None,
    )


def _backend_row(backend: pb.Backend, at: datetime) -> BackendRow:
    return BackendRow(
        state=backend.state,
        queue_depth=backend.queue_depth if backend.HasField("queue_depth") else None,
        oldest_at=at - timedelta(seconds=backend.oldest_seconds) if backend.HasField("oldest_seconds") else None,
        dead_letters=backend.dead_letters if backend.HasField("dead_letters") else None,
        wire_repeats=backend.wire_repeats if backend.HasField("wire_repeats") else None,
        unanswered=backend.unanswered if backend.HasField("unanswered") else None,
        why=backend.why if backend.HasField("why") else None,
    )


def _actor_row(actor: pb.Actor) -> ActorRow:
    return ActorRow(
        actor.name, actor.node, actor.state, actor.restarts, actor.dropped, actor.quarantined, actor.mailbox
    )


def limit_row(limit: pb.Limit) -> LimitReported:
    """A limit read back; its end is on a clock that stands at 0."""
    return LimitReported(
        target=limit.target,
        kind=limit.kind,
        source=limit.source,
        limit_ma=_per_phase(tuple(limit.limit_ma)),
        limit_w=limit.limit_w if limit.HasField("limit_w") else None,
        priority=limit.priority,
        until=limit.left_seconds if limit.HasField("left_seconds") else None,
    )


def _per_phase(currents: tuple[int, ...]) -> PerPhase | None:
    match currents:
        case (l1, l2, l3):
            return (l1, l2, l3)
        case _:
            return None


def _datetime(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
