"""The life of a session: authorized, starting, running, stopping, ending, finished."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from park.model.access import AuthorizationGranted
from park.model.aligned import clock_slot, seconds_to_next_slot
from park.model.metering import Sample
from park.model.session import OpenSession, SessionStarted, StopReason
from park.model.time import Now

READINGS_APART = timedelta(milliseconds=1)  # the finest a timestamp of OCPP tells apart here


class Phase(Enum):
    IDLE = "idle"  # no authorization
    AUTHORIZED = "authorized"  # an id tag may charge; the plug, or a condition, is missing
    STARTING = "starting"  # start fact recorded, awaiting durable
    RUNNING = "running"  # start fact durable: current may be offered
    STOPPING = "stopping"  # end decided: power goes off, the last reading comes in
    ENDING = "ending"  # end fact recorded, awaiting durable
    FINISHED = "finished"  # end fact durable, the plug is still there


OPEN_PHASES = (Phase.STARTING, Phase.RUNNING, Phase.STOPPING)
"""The session has a start fact and no end fact yet."""

END_READING_SECONDS = 10.0  # B-240, B-181: so long the end waits for a reading, then the last one counts


class Session(Struct, frozen=True):
    """`authorized_at`: mono. `started`: the start fact, its key names the session. `next_ordinal`: of the next fact.

    `last_at`: time of the newest fact, no later fact is before it even if the wall clock is set back. `read_at`: time
    of the newest reading among the facts. Both None while the date of that fact is not known.
    `floor_wh`: energy register known for sure at start or recovery, no later reading may be below it. `restored`: read
    from the journal after a restart, whether its vehicle is still there is not known yet. `deauthorized`: the
    backend refused the id tag, no energy. `energy_until_wh`: it did, and up to this register the session may go on.
    `held`: the cable stays locked until the card comes again (B-058). `queued`: an authorization that came while the
    last session was ending. `expired_vehicle`: since when the vehicle stands there that got no card in time (B-118).
    `reading_by`: mono until which its end waits for the last reading.
    """

    phase: Phase = Phase.IDLE
    id_tag: str | None = None
    authorized_by: str = ""
    reservation: int | None = None
    authorized_at: float = 0.0
    started: SessionStarted | None = None
    next_ordinal: int = 0
    last_at: datetime | None = None
    read_at: datetime | None = None
    transaction: int | None = None
    deauthorized: bool = False
    energy_until_wh: int | None = None
    restored: bool = False
    floor_wh: int = 0
    floor_sample: Sample | None = None
    sampled_at: float = 0.0
    clock_slot: tuple[int, int] = (0, 0)
    clock_due: float = math.inf
    stop_reason: StopReason | None = None
    stop_tag: str | None = None
    stopped_at: float = 0.0
    reading_by: float = 0.0
    held: bool = False
    queued: AuthorizationGranted | None = None
    queued_at: float = 0.0
    expired_vehicle: float | None = None

    @property
    def id(self) -> str | None:
        return None if self.started is None else self.started.session

    @property
    def is_open(self) -> bool:
        return self.phase in OPEN_PHASES


IDLE = Session()


def authorized(session: Session, grant: AuthorizationGranted, mono: float) -> Session:
    """An id tag may charge here. Ignored while a session is open; kept for later while one is ending."""
    if session.phase in {Phase.IDLE, Phase.AUTHORIZED, Phase.FINISHED} and not session.held:
        return Session(
            phase=Phase.AUTHORIZED,
            id_tag=grant.id_tag,
            authorized_by=grant.by,
            reservation=grant.reservation,
            authorized_at=mono,
        )
    if session.held:  # the owner comes back for the cable
        return replace(session, held=session.id_tag != grant.id_tag)
    if session.phase in {Phase.STOPPING, Phase.ENDING}:
        return replace(session, queued=grant, queued_at=mono)
    return session


def time_of_fact(session: Session, now: Now) -> datetime:
    """Not before the fact before it; where the date is not known the monotonic clock sees to that."""
    return now.wall if session.last_at is None or not now.known else max(now.wall, session.last_at)


def time_of_reading(session: Session, now: Now) -> datetime:
    """As `time_of_fact`, and a reading after another is also later: a backend tells readings apart by their times."""
    at = time_of_fact(session, now)
    if not now.known:
        return at
    earlier = session.read_at is not None and at < session.read_at + READINGS_APART
    return session.read_at + READINGS_APART if earlier and session.read_at is not None else at


def dated(at: datetime, now: Now) -> datetime | None:
    """What later facts are not to be before."""
    return at if now.known else None


def begun(session: Session, started: SessionStarted, mono: float) -> Session:
    return replace(
        session,
        phase=Phase.STARTING,
        started=started,
        next_ordinal=started.ordinal + 1,
        last_at=started.at if started.undated is None else None,
        floor_wh=started.meter_start_wh,
        sampled_at=mono,
    )


def stopped(session: Session, reason: StopReason, id_tag: str | None, mono: float) -> Session:
    """The first reason stands."""
    if session.phase not in {Phase.STARTING, Phase.RUNNING}:
        return session
    return replace(
        session,
        phase=Phase.STOPPING,
        restored=False,
        stop_reason=reason,
        stop_tag=id_tag,
        stopped_at=mono,
        reading_by=mono + END_READING_SECONDS,
    )


def recovered(open_session: OpenSession, mono: float) -> Session:
    """The session as the journal knows it; its ordinals go on."""
    started = open_session.started
    last_at = open_session.last_at if open_session.last_undated is None else None
    if last_at is not None and started.undated is None:
        last_at = max(started.at, last_at)
    return Session(
        phase=Phase.RUNNING,
        id_tag=started.id_tag,
        authorized_by=started.authorized_by,
        authorized_at=mono,
        started=started,
        next_ordinal=open_session.last_ordinal + 1,
        last_at=last_at,
        read_at=last_at if open_session.last_sample is not None else None,
        transaction=open_session.transaction,
        restored=True,
        floor_wh=max(started.meter_start_wh, open_session.last_energy_wh),
        floor_sample=open_session.last_sample,
        sampled_at=mono,
    )


def after_end(session: Session, *, vehicle_since: float | None) -> Session:
    """What follows a durable end. `vehicle_since` None: no vehicle and no cable is left.

    A vehicle that came after the stop, while the last reading or the disk was awaited, is another one.
    """
    if session.queued is not None:
        cleared = Session()
        return authorized(cleared, session.queued, session.queued_at)
    if vehicle_since is None or vehicle_since > session.stopped_at:
        return IDLE
    return session if session.phase is Phase.FINISHED else replace(session, phase=Phase.FINISHED)


def anchored(session: Session, wall: datetime, interval_seconds: int, mono: float) -> Session:
    """Wait for the next clock-aligned interval from now on; 0 waits for none."""
    if interval_seconds <= 0:
        return replace(session, clock_due=math.inf)
    return replace(
        session,
        clock_slot=clock_slot(wall, interval_seconds),
        clock_due=mono + seconds_to_next_slot(wall, interval_seconds),
    )
