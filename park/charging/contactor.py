"""When the contactor may close and how it opens: never under load unless the vehicle does not let go."""

from __future__ import annotations

import math
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

OPEN_AFTER_SECONDS = 3.0  # IEC 61851-1 A.5.3: a vehicle leaves state C within 3 s after the pilot went steady
REST_SECONDS = 6.0  # B-226: at least 6 s between opening and closing
FEEDBACK_SECONDS = 2.0  # contact, driver and link have settled by then; a longer mismatch is a fault
REPAIRED_SECONDS = 60.0  # the feedback must agree this long before a failed contactor is trusted again


class Wish(Enum):
    """What the charge point wants of the contactor now."""

    CLOSE = "close"  # every condition for energy holds
    HOLD = "hold"  # stay as it is: a pause that keeps the contactor (B-263, by setting)
    RELEASE = "release"  # no energy wanted: the pilot is steady, the vehicle gets 3 s to let go
    OPEN = "open"  # at once: nothing to let go, or a danger


class Contactor(Struct, frozen=True):
    """`permitted`: what was commanded last. `opened_at`: mono of the newest opening known.

    `released_at`: since when the vehicle is asked to let go. `mismatch_at`: since when feedback and command differ.
    `failed`: the mismatch became a fault (B-237); `agreed_at`: since when the feedback agrees again.
    """

    permitted: bool = False
    opened_at: float = -math.inf
    released_at: float | None = None
    mismatch_at: float | None = None
    failed: bool = False
    agreed_at: float | None = None
    closed: bool = False  # feedback


def observe(contactor: Contactor, *, closed: bool, ready: bool, mono: float) -> Contactor:
    """Feedback of the contact. `ready`: vehicle in state C or D, without which the device keeps it open by itself."""
    if contactor.closed and not closed:
        contactor = replace(contactor, closed=False, opened_at=mono)
    elif closed and not contactor.closed:
        contactor = replace(contactor, closed=True)
    expected = contactor.permitted and ready
    if closed == expected:
        if contactor.mismatch_at is not None:
            contactor = replace(contactor, mismatch_at=None, agreed_at=mono)
    elif contactor.mismatch_at is None:
        contactor = replace(contactor, mismatch_at=mono, agreed_at=None)
    return contactor


def settle(contactor: Contactor, wish: Wish, *, ready: bool, mono: float) -> tuple[Contactor, bool | None]:
    """Next state and the command, if one is due: True close, False open."""
    contactor = _judged(contactor, mono)
    if wish is Wish.CLOSE and not contactor.failed:
        if contactor.released_at is not None:
            contactor = replace(contactor, released_at=None)
        if contactor.permitted or contactor.closed or mono < contactor.opened_at + REST_SECONDS:
            return contactor, None
        return _commanded(contactor, closed=True, ready=ready, mono=mono), True
    if not contactor.permitted:
        return contactor, None
    if wish is Wish.HOLD and not contactor.failed:
        return (contactor if contactor.released_at is None else replace(contactor, released_at=None)), None
    if wish is Wish.OPEN or not ready or contactor.failed:
        return _commanded(contactor, closed=False, ready=ready, mono=mono), False
    if contactor.released_at is None:
        return replace(contactor, released_at=mono), None
    if mono >= contactor.released_at + OPEN_AFTER_SECONDS:
        return _commanded(contactor, closed=False, ready=ready, mono=mono), False
    return contactor, None


def deadlines(contactor: Contactor) -> tuple[float, ...]:
    """When `settle` may have something to do by itself; times gone by count for nothing."""
    released, mismatch, agreed = contactor.released_at, contactor.mismatch_at, contactor.agreed_at
    return (
        contactor.opened_at + REST_SECONDS,
        math.inf if released is None else released + OPEN_AFTER_SECONDS,
        math.inf if mismatch is None else mismatch + FEEDBACK_SECONDS,
        math.inf if agreed is None else agreed + REPAIRED_SECONDS,
    )


def adopt(contactor: Contactor, *, closed: bool, mono: float) -> Contactor:
    """First feedback after a start or a broken link: a closed contactor is ours to open, an open one just opened."""
    return Contactor(
        permitted=closed,
        opened_at=contactor.opened_at if closed else mono,
        failed=contactor.failed,
        agreed_at=mono if contactor.failed else None,
        closed=closed,
    )


def _judged(contactor: Contactor, mono: float) -> Contactor:
    mismatch, agreed = contactor.mismatch_at, contactor.agreed_at
    if not contactor.failed and mismatch is not None and mono >= mismatch + FEEDBACK_SECONDS:
        return replace(contactor, failed=True, agreed_at=None)
    if contactor.failed and mismatch is None and agreed is not None and mono >= agreed + REPAIRED_SECONDS:
        return replace(contactor, failed=False, agreed_at=None)
    return contactor


def _commanded(contactor: Contactor, *, closed: bool, ready: bool, mono: float) -> Contactor:
    mismatch = contactor.closed != (closed and ready)
    return replace(
        contactor,
        permitted=closed,
        released_at=None,
        opened_at=contactor.opened_at if closed else mono,
        mismatch_at=mono if mismatch else None,
        agreed_at=None if mismatch else mono,
    )
