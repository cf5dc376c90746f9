"""The lock of a socket outlet: drives it to the wanted position and recovers when it jams (B-238, B-239, B-251)."""

from __future__ import annotations

import math
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

DRIVE_SECONDS = 3.0  # a healthy actuator needs well below one second
BACK_SECONDS = 1.0  # time for the way back to the last valid position
ATTEMPTS = 3  # drives before the fault counts as permanent
RETRY_SECONDS = 60.0  # between later recoveries, so that a jammed motor does not burn


class LockFault(Enum):
    """Values are the vendor error codes of the seed's catalogue."""

    CANNOT_LOCK = "PlugLockCannotLock"
    CANNOT_UNLOCK = "PlugLockCannotUnlock"
    UNEXPECTED_OPEN = "PlugLockMotorUnexpectedOpen"
    UNEXPECTED_CLOSE = "PlugLockMotorUnexpectedClose"


class Stage(Enum):
    REST = "rest"  # in the wanted position
    DRIVE = "drive"  # commanded, not there yet
    BACK = "back"  # recovery: on the way back to the last valid position


class Lock(Struct, frozen=True):
    """`wanted`: position asked for, None before the first wish. `due`: mono at which the stage is overdue."""

    wanted: bool | None = None
    closed: bool | None = None  # feedback
    stage: Stage = Stage.REST
    due: float = math.inf
    attempts: int = 0
    fault: LockFault | None = None


def settle(lock: Lock, wanted: bool, closed: bool | None, mono: float) -> tuple[Lock, tuple[bool, ...]]:  # noqa: FBT001
    """Next state and the commands due: True lock, False unlock. `closed` None counts as the wrong position."""
    if lock.wanted is not wanted:
        return _asked(lock, wanted, closed, mono)
    if lock.stage is Stage.BACK:
        lock = lock if lock.closed is closed else replace(lock, closed=closed)
        return (lock, ()) if mono < lock.due else _driven(lock, mono)
    if closed is wanted:
        if lock.stage is Stage.REST and lock.fault is None and lock.closed is closed:
            return lock, ()
        return Lock(wanted=wanted, closed=closed), ()
    if lock.stage is Stage.REST:
        fault = LockFault.UNEXPECTED_OPEN if wanted else LockFault.UNEXPECTED_CLOSE
        return _driven(replace(lock, closed=closed, fault=fault, attempts=0), mono)
    if mono < lock.due:
        return (lock if lock.closed is closed else replace(lock, closed=closed)), ()
    return _overdue(replace(lock, closed=closed), wanted, mono)


def _asked(lock: Lock, wanted: bool, closed: bool | None, mono: float) -> tuple[Lock, tuple[bool, ...]]:  # noqa: FBT001
    if closed is wanted and lock.wanted is None:  # as found after a start
        return Lock(wanted=wanted, closed=closed), ()
    return Lock(wanted=wanted, closed=closed, stage=Stage.DRIVE, due=mono + DRIVE_SECONDS), (wanted,)


def _driven(lock: Lock, mono: float) -> tuple[Lock, tuple[bool, ...]]:
    wanted = lock.wanted is True
    return replace(lock, stage=Stage.DRIVE, due=mono + DRIVE_SECONDS), (wanted,)


def _overdue(lock: Lock, wanted: bool, mono: float) -> tuple[Lock, tuple[bool, ...]]:  # noqa: FBT001
    """B-251: back to the last valid position, then to the wanted one; after some attempts only now and then."""
    attempts = lock.attempts + 1
    if attempts == ATTEMPTS:
        fault = LockFault.CANNOT_LOCK if wanted else LockFault.CANNOT_UNLOCK
        return replace(lock, attempts=attempts, fault=fault, due=mono + RETRY_SECONDS), ()
    lock = replace(lock, attempts=attempts, stage=Stage.BACK, due=mono + BACK_SECONDS)
    return lock, (not wanted,)
