"""The park view on the wire and back: ages instead of clock readings, since the reader has another clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from nodes.rpc import energy_pb2 as pb
from park.charging.report import ReportedFault, ReportedGrant, ReportedSession
from park.load.report import ShareReported
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

_STATES = {state: pb.PilotState.Value(f"PILOT_STATE_{state.value}") for state in PilotState}
_STATE_OF = {number: state for state, number in _STATES.items()}
_QUALITIES = {quality: pb.Quality.Value(f"QUALITY_{quality.name}") for quality in Quality}
_QUALITY_OF = {number: quality for quality, number in _QUALITIES.items()}


def encode(view: ParkView) -> pb.Park:
    """Write a view as a message."""
    mono = view.now.mono
    return pb.Park(
        name=view.park,
        at=_timestamp(view.now.wall),
        epoch=view.epoch,
        nodes=[_node(row, mono) for row in view.nodes],
        circuits=[_circuit(row) for row in view.circuits],
        charge_points=[_charge_point(row, mono) for row in view.charge_points],
        meters=[_meter(row, mono) for row in view.meters],
        backend=None if view.backend is None else _backend(view.backend, view.now),
        actors=[_actor(row) for row in view.actors],
    )


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
    )


def _node(row: NodeReported, mono: float) -> pb.Node:
    return pb.Node(
        name=row.name,
        role=row.role,
        state=row.state,
        last_seen_seconds=_age(row.last_seen, mono),
        version=row.version,
        restarts=row.restarts,
    )


def _node_row(node: pb.Node) -> NodeReported:
    return NodeReported(
        name=node.name,
        role=node.role,
        state=node.state,
        last_seen=-node.last_seen_seconds if node.HasField("last_seen_seconds") else None,
        version=node.version if node.HasField("version") else None,
        restarts=node.restarts if node.HasField("restarts") else None,
    )


def _circuit(row: CircuitRow) -> pb.Circuit:
    phases = [
        pb.CircuitPhase(
            name=name,
            limit_ma=phase.limit_ma,
            available_ma=phase.available_ma,
            committed_ma=phase.committed_ma,
            measured_ma=phase.measured_ma,
            external_ma=phase.external_ma,
            bound_by=phase.bound_by,
        )
        for name, phase in zip(PHASE_NAMES, row.phases, strict=True)
    ]
    return pb.Circuit(
        name=row.name,
        parent=row.parent,
        meter=row.meter,
        phases=phases,
        holding=row.holding,
        unconfirmed=row.unconfirmed,
        silent=row.silent,
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


def _charge_point(row: ChargePointRow, mono: float) -> pb.ChargePoint:
    return pb.ChargePoint(
        name=row.name,
        node=row.node,
        connector=row.connector,
        circuit=row.circuit,
        phases=row.phases,
        state=pb.PILOT_STATE_UNSPECIFIED if row.state is None else _STATES[row.state],
        ocpp_status=None if row.ocpp_status is None else row.ocpp_status.value,
        grant=None if row.grant is None else _grant(row.grant, mono),
        contactor_closed=row.contactor_closed,
        signalled_ma=row.signalled_ma,
        measured_ma=row.measured_ma or (),
        fallback_ma=row.fallback_ma,
        session=None if row.session is None else _session(row.session),
        faults=[
            pb.Fault(code=fault.code, since=_timestamp(fault.since), cause=fault.cause, remedy=fault.remedy)
            for fault in row.faults
        ],
        energy_wh=row.energy_wh,
        share=None if row.share is None else _share(row.share),
    )


def _charge_point_row(point: pb.ChargePoint) -> ChargePointRow:
    return ChargePointRow(
        name=point.name,
        node=point.node,
        connector=point.connector if point.HasField("connector") else None,
        circuit=point.circuit if point.HasField("circuit") else None,
        phases=tuple(point.phases),
        state=_STATE_OF.get(point.state),
        ocpp_status=_status(point.ocpp_status),
        grant=_grant_row(point.grant) if point.HasField("grant") else None,
        contactor_closed=point.contactor_closed if point.HasField("contactor_closed") else None,
        signalled_ma=point.signalled_ma if point.HasField("signalled_ma") else None,
        measured_ma=_per_phase(tuple(point.measured_ma)),
        fallback_ma=point.fallback_ma if point.HasField("fallback_ma") else None,
        energy_wh=point.energy_wh if point.HasField("energy_wh") else None,
        share=_share_row(point.name, point.share) if point.HasField("share") else None,
        session=_session_row(point.session) if point.HasField("session") else None,
        faults=tuple(
            ReportedFault(fault.code, _datetime(fault.since), fault.cause, fault.remedy) for fault in point.faults
        ),
    )


def _grant(grant: ReportedGrant, mono: float) -> pb.Grant:
    return pb.Grant(
        amps_ma=grant.amps_ma,
        phases=grant.phases,
        epoch=grant.epoch,
        sequence=grant.sequence,
        left_seconds=grant.ends - mono,
        reason=_reason(grant.reason),
    )


def _grant_row(grant: pb.Grant) -> ReportedGrant:
    reason = _reason_chain(grant.reason)
    return ReportedGrant(grant.amps_ma, tuple(grant.phases), grant.epoch, grant.sequence, grant.left_seconds, reason)


def _share(share: ShareReported) -> pb.Share:
    return pb.Share(
        target_ma=share.target_ma,
        granted_ma=share.granted_ma,
        committed_ma=share.committed_ma,
        confirmed=share.confirmed,
        reason=_reason(share.reason),
    )


def _share_row(charge_point: str, share: pb.Share) -> ShareReported:
    reason = _reason_chain(share.reason)
    return ShareReported(charge_point, share.target_ma, share.granted_ma, share.committed_ma, share.confirmed, reason)


def _reason(chain: tuple[Reason, ...]) -> list[pb.Reason]:
    return [
        pb.Reason(
            limit=link.limit, source=link.source, circuit=link.circuit, phase=link.phase, available_ma=link.available_ma
        )
        for link in chain
    ]


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


def _session(session: ReportedSession) -> pb.Session:
    return pb.Session(
        id=session.id,
        transaction=session.transaction,
        started_at=_timestamp(session.started_at),
        energy_wh=session.energy_wh,
        authorized_by=session.authorized_by,
    )


def _session_row(session: pb.Session) -> ReportedSession:
    return ReportedSession(
        id=session.id,
        transaction=session.transaction if session.HasField("transaction") else None,
        started_at=_datetime(session.started_at),
        energy_wh=session.energy_wh if session.HasField("energy_wh") else None,
        authorized_by=session.authorized_by,
    )


def _meter(row: MeterRow, mono: float) -> pb.Meter:
    return pb.Meter(
        name=row.name,
        node=row.node,
        quality=_QUALITIES[row.quality],
        age_seconds=_age(row.taken, mono),
        currents_ma=row.currents_ma or (),
        power_w=row.power_w,
        energy_wh=row.energy_wh,
        failures=row.failures,
        problem=row.problem,
    )


def _meter_row(meter: pb.Meter) -> MeterRow:
    return MeterRow(
        name=meter.name,
        node=meter.node,
        quality=_QUALITY_OF.get(meter.quality, Quality.STALE),
        taken=-meter.age_seconds if meter.HasField("age_seconds") else None,
        currents_ma=_per_phase(tuple(meter.currents_ma)),
        power_w=meter.power_w if meter.HasField("power_w") else None,
        energy_wh=meter.energy_wh if meter.HasField("energy_wh") else None,
        failures=meter.failures if meter.HasField("failures") else None,
        problem=meter.problem if meter.HasField("problem") else None,
    )


def _backend(row: BackendRow, now: Now) -> pb.Backend:
    return pb.Backend(
        state=row.state,
        queue_depth=row.queue_depth,
        oldest_seconds=None if row.oldest_at is None else (now.wall - row.oldest_at).total_seconds(),
        dead_letters=row.dead_letters,
        wire_repeats=row.wire_repeats,
        unanswered=row.unanswered,
        why=row.why,
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


def _actor(row: ActorRow) -> pb.Actor:
    return pb.Actor(
        name=row.name,
        node=row.node,
        state=row.state,
        restarts=row.restarts,
        dropped=row.dropped,
        quarantined=row.quarantined,
        mailbox=row.mailbox,
    )


def _actor_row(actor: pb.Actor) -> ActorRow:
    return ActorRow(
        actor.name, actor.node, actor.state, actor.restarts, actor.dropped, actor.quarantined, actor.mailbox
    )


def _age(since: float | None, mono: float) -> float | None:
    return None if since is None else mono - since


def _status(name: str) -> ConnectorStatus | None:
    return ConnectorStatus(name) if name in _STATUS_NAMES else None


_STATUS_NAMES = {status.value for status in ConnectorStatus}


def _per_phase(currents: tuple[int, ...]) -> PerPhase | None:
    match currents:
        case (l1, l2, l3):
            return (l1, l2, l3)
        case _:
            return None


def _timestamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def _datetime(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
