"""The park view as `chargepark status --json` prints it: schema 1, read by scripts, so keys are only ever added."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeAlias

from park.charging.report import ReportedFault, ReportedGrant, ReportedSession
from park.load.report import LimitReported, ShareReported
from park.model.electric import PHASE_NAMES
from park.model.grant import Reason
from park.model.time import Now
from park.view.rows import (
    ActorRow,
    BackendRow,
    ChargePointRow,
    CircuitPhase,
    CircuitRow,
    MeterRow,
    NodeReported,
    ParkView,
)

SCHEMA = 1

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


def to_json(view: ParkView) -> dict[str, Json]:
    """Amperes with one decimal, seconds with one decimal, UTC to the second; unknown is None. For `json.dumps`."""
    mono = view.now.mono
    return {
        "schema": SCHEMA,
        "park": view.park,
        "at": _utc(view.now.wall),
        "epoch": view.epoch,
        "nodes": [_node(row, mono) for row in view.nodes],
        "circuits": [_circuit(row) for row in view.circuits],
        "charge_points": [_charge_point(row, mono) for row in view.charge_points],
        "meters": [_meter(row, mono) for row in view.meters],
        "backend": None if view.backend is None else _backend(view.backend, view.now),
        "actors": [_actor(row) for row in view.actors],
        "limits": [_limit(row, mono) for row in view.limits],
    }


def _node(row: NodeReported, mono: float) -> dict[str, Json]:
    return {
        "name": row.name,
        "role": row.role,
        "state": row.state,
        "last_seen_seconds": _age(row.last_seen, mono),
        "version": row.version,
        "restarts": row.restarts,
        "lag_seconds": None if row.lag_seconds is None else round(row.lag_seconds, 1),
        "standing": row.standing,
        "why": row.why,
    }


def _circuit(row: CircuitRow) -> dict[str, Json]:
    return {
        "name": row.name,
        "parent": row.parent,
        "meter": row.meter,
        "phases": {name: _phase(phase) for name, phase in zip(PHASE_NAMES, row.phases, strict=True)},
        "holding": row.holding,
        "unconfirmed": list(row.unconfirmed),
        "silent": list(row.silent),
    }


def _phase(phase: CircuitPhase) -> dict[str, Json]:
    return {
        "limit_amps": _amps(phase.limit_ma),
        "available_amps": _amps(phase.available_ma),
        "committed_amps": _amps(phase.committed_ma),
        "measured_amps": _amps(phase.measured_ma),
        "external_amps": _amps(phase.external_ma),
        "bound_by": phase.bound_by,
    }


def _charge_point(row: ChargePointRow, mono: float) -> dict[str, Json]:
    return {
        "name": row.name,
        "connector": row.connector,
        "circuit": row.circuit,
        "state": None if row.state is None else row.state.value,
        "ocpp_status": None if row.ocpp_status is None else row.ocpp_status.value,
        "grant": None if row.grant is None else _grant(row.grant, mono),
        "signalled_amps": _amps(row.signalled_ma),
        "measured_amps": None if row.measured_ma is None else [_amps(current) for current in row.measured_ma],
        "fallback_amps": _amps(row.fallback_ma),
        "physical_amps": _amps(row.physical_ma),
        "session": None if row.session is None else _session(row.session),
        "faults": [_fault(fault) for fault in row.faults],
        "energy_wh": row.energy_wh,
        "contactor_closed": row.contactor_closed,
        "share": None if row.share is None else _share(row.share),
    }


def _grant(grant: ReportedGrant, mono: float) -> dict[str, Json]:
    return {
        "amps": _amps(grant.amps_ma),
        "phases": list(grant.phases),
        "epoch": grant.epoch,
        "sequence": grant.sequence,
        "left_seconds": _seconds(grant.ends - mono),
        "reason": _reason(grant.reason),
    }


def _share(share: ShareReported) -> dict[str, Json]:
    return {
        "target_amps": _amps(share.target_ma),
        "granted_amps": _amps(share.granted_ma),
        "committed_amps": _amps(share.committed_ma),
        "confirmed": share.confirmed,
        "reason": _reason(share.reason),
    }


def _reason(chain: tuple[Reason, ...]) -> list[Json]:
    return [
        {
            "limit": link.limit,
            "source": link.source,
            "circuit": link.circuit,
            "phase": link.phase,
            "available_amps": _amps(link.available_ma),
        }
        for link in chain
    ]


def _session(session: ReportedSession) -> dict[str, Json]:
    return {
        "id": session.id,
        "transaction": session.transaction,
        "started_at": _utc(session.started_at),
        "energy_wh": session.energy_wh,
        "authorized_by": session.authorized_by,
    }


def _fault(fault: ReportedFault) -> dict[str, Json]:
    return {"code": fault.code, "since": _utc(fault.since), "cause": fault.cause, "remedy": fault.remedy}


def _meter(row: MeterRow, mono: float) -> dict[str, Json]:
    return {
        "name": row.name,
        "quality": row.quality.value,
        "age_seconds": _age(row.taken, mono),
        "amps": None if row.currents_ma is None else [_amps(current) for current in row.currents_ma],
        "power_watts": row.power_w,
        "energy_wh": row.energy_wh,
        "failures": row.failures,
        "problem": row.problem,
    }


def _backend(row: BackendRow, now: Now) -> dict[str, Json]:
    return {
        "state": row.state,
        "queue_depth": row.queue_depth,
        "oldest_seconds": None if row.oldest_at is None else _seconds((now.wall - row.oldest_at).total_seconds()),
        "dead_letters": row.dead_letters,
        "why": row.why,
        "wire_repeats": row.wire_repeats,
        "unanswered": row.unanswered,
    }


def _actor(row: ActorRow) -> dict[str, Json]:
    return {
        "name": row.name,
        "node": row.node,
        "state": row.state,
        "restarts": row.restarts,
        "dropped": row.dropped,
        "quarantined": row.quarantined,
        "mailbox": row.mailbox,
    }


def _limit(row: LimitReported, mono: float) -> dict[str, Json]:
    return {
        "target": row.target,
        "kind": row.kind,
        "source": row.source,
        "amps": None if row.limit_ma is None else [_amps(current) for current in row.limit_ma],
        "watts": row.limit_w,
        "priority": row.priority,
        "left_seconds": None if row.until is None else _seconds(row.until - mono),
    }


def _amps(current_ma: int | None) -> float | None:
    return None if current_ma is None else round(current_ma / 1000, 1)


def _age(since: float | None, mono: float) -> float | None:
    return None if since is None else _seconds(mono - since)


def _seconds(length: float) -> float:
    return max(round(length, 1), 0.0)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
