"""The park view as a message: ages instead of clock readings, since the reader has another clock."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from nodes.rpc import energy_pb2 as pb
from park.charging.report import ReportedGrant, ReportedSession
from park.load.report import LimitReported, ShareReported
from park.model.electric import PHASE_NAMES
from park.model.evse import PilotState
from park.model.grant import Reason
from park.model.metering import Quality
from park.model.time import Now
from park.view import (
    ActorRow,
    BackendRow,
    ChargePointRow,
    CircuitRow,
    MeterRow,
    NodeReported,
    ParkView,
)
from park.view.explain import Explained

_STATES = {state: pb.PilotState.Value(f"PILOT_STATE_{state.value}") for state in PilotState}
_QUALITIES = {quality: pb.Quality.Value(f"QUALITY_{quality.name}") for quality in Quality}


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
        limits=[limit_row(row, mono) for row in view.limits],
    )


def _node(row: NodeReported, mono: float) -> pb.Node:
    return pb.Node(
        name=row.name,
        role=row.role,
        state=row.state,
        last_seen_seconds=_age(row.last_seen, mono),
        version=row.version,
        restarts=row.restarts,
        lag_seconds=row.lag_seconds,
        standing=row.standing,
        why=row.why,
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
        physical_ma=row.physical_ma,
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


def _share(share: ShareReported) -> pb.Share:
    return pb.Share(
        target_ma=share.target_ma,
        granted_ma=share.granted_ma,
        committed_ma=share.committed_ma,
        confirmed=share.confirmed,
        reason=_reason(share.reason),
    )


def _reason(chain: tuple[Reason, ...]) -> list[pb.Reason]:
    return [
        pb.Reason(
            limit=link.limit, source=link.source, circuit=link.circuit, phase=link.phase, available_ma=link.available_ma
        )
        for link in chain
    ]


def _session(session: ReportedSession) -> pb.Session:
    return pb.Session(
        id=session.id,
        transaction=session.transaction,
        started_at=_timestamp(session.started_at),
        energy_wh=session.energy_wh,
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


def explanation(explained: Explained, mono: float) -> pb.Explanation:
    return pb.Explanation(
        charge_point=explained.charge_point,
        text=explained.text,
        reason=_reason(explained.reason),
        path=explained.path,
        limits=[limit_row(row, mono) for row in explained.limits],
    )


def limit_row(row: LimitReported, mono: float) -> pb.Limit:
    """A limit as a message; `mono`: the moment its rest is counted from."""
    return pb.Limit(
        target=row.target,
        kind=row.kind,
        source=row.source,
        limit_ma=row.limit_ma or (),
        limit_w=row.limit_w,
        priority=row.priority,
        left_seconds=None if row.until is None else row.until - mono,
    )


def _age(since: float | None, mono: float) -> float | None:
    return None if since is None else mono - since


def _timestamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp
