"""Sessions that nobody will end any more, because their charge point or board left: this side ends them, once (D1).

A session is owned by the journal of its board. What that journal says later is kept as evidence and never sent.
"""

from __future__ import annotations

from collections.abc import Collection

from park.model.alarm import Alarm
from park.model.session import FactId, FactOffered, SessionEnded, SessionStarted, StopReason
from park.ocpp.queue import Queue, is_closing, is_dead
from park.ocpp.rows import CLOSED_HERE, Transaction


def left_open(queue: Queue, charge_points: Collection[str] | None, journal: str) -> frozenset[str]:
    """Running sessions of charge points that are not in the configuration (None: whoever comes).

    Those of this node's own `journal` are its own affair: it closes them itself.
    """
    if charge_points is None:
        return frozenset()
    return frozenset(
        known.session
        for known in queue.transactions.all_running()
        if known.start.charge_point not in charge_points
        and known.journal != journal
        and not is_dead(queue, known.session)
    )


def succeeded(queue: Queue, offered: FactOffered) -> Transaction | None:
    """The running session at a charge point whose next session comes from another journal: its board was replaced."""
    if not isinstance(offered.fact, SessionStarted):
        return None
    for known in queue.transactions.all_running():
        another = known.journal not in {"", offered.id.journal} and known.session != offered.fact.session
        if known.start.charge_point == offered.fact.charge_point and another and not is_dead(queue, known.session):
            return known
    return None


def close(queue: Queue, known: Transaction) -> None:
    """Put its end on the way to disk, unless it is there already."""
    if known.ended or is_closing(queue, known.session):
        return
    queue.closing.add(known.session)
    queue.arrivals.add(FactOffered(FactId(CLOSED_HERE + known.session, 0), _end(queue, known)))


def _end(queue: Queue, known: Transaction) -> SessionEnded:
    start = known.start
    at = start.at if known.last_at is None else known.last_at
    energy_wh = start.meter_start_wh if known.last_energy_wh is None else known.last_energy_wh
    ordinal = max(queue.arrivals.newest(known.session), known.queued_through) + 1
    return SessionEnded(
        known.session, ordinal, start.charge_point, start.connector, at, energy_wh, StopReason.OTHER, None
    )


def closed(end: SessionEnded) -> Alarm:
    """To be told when the end is on disk."""
    text = (
        f"session {end.session} of charge point {end.charge_point}, whose board or placement left the park, is closed "
        f"by the server with its last known reading: {end.meter_stop_wh} Wh at {end.at.isoformat()}; if it charged on, "
        "mend the bill"
    )
    return Alarm("session-closed", text)


def late(offered: FactOffered) -> Alarm:
    """To be told when the evidence is on disk."""
    text = (
        f"charge point {offered.fact.charge_point} tells of session {offered.fact.session} what came after its end; it "
        "is kept in the table late_facts and not sent: compare it with the bill"
    )
    return Alarm(f"session-late-{offered.fact.session}", text)
