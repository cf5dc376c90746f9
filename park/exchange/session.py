"""One connection between two boards: entries go out in numbered frames, are acknowledged, and arrive once, in order.

The wire may lose, delay, double and reorder frames as long as the connection lasts; a new connection begins from
nothing. What has to outlive a connection does so elsewhere: facts in the journal, levels where they are measured,
grants in their leases. Every frame says when it was made and echoes the newest frame heard: the receiver can bound the
age of what it is told without a common clock (safety §1: age as an upper bound).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

URGENT_SECONDS = 0.005  # between frames of urgent entries, once more than URGENT_FRAMES came in a row
URGENT_FRAMES = 8  # so many go at once where somebody waits for them
GATHER_SECONDS = 0.02  # after a frame, the next waits so long for company (design: at most 20 ms)
LEISURE_SECONDS = (
    0.2  # the same for what comes once a second and carries its own time: a frame costs ten times an entry
)
FRAME_ENTRIES = 500  # a frame of the largest entries stays below gRPC's 4 MiB
WINDOW = 64  # frames under way; beyond it new levels replace older ones that wait
BEAT_SECONDS = 1.0  # safety §3, Clock: a stamp every second, in each direction
ACK_SECONDS = 0.25  # an acknowledgement waits so long for a frame that takes it along
ACK_FRAMES = WINDOW // 4  # … or until so many frames are to be acknowledged: the window never runs out for that
RESEND_SECONDS = 2.0  # a frame not acknowledged is sent again; over TCP only a stalled peer makes that happen
SILENT_SECONDS = 6.0  # a link is dead after six missed beats: noticed well within 10 s


class Haste(Enum):
    """How long an entry may wait for company."""

    URGENT = URGENT_SECONDS
    USUAL = GATHER_SECONDS
    LEISURELY = LEISURE_SECONDS


class Entry(Struct, frozen=True):
    """`target`: who it is for on the other board, by name; empty where its type says so. `at`: mono of the sender."""

    target: str
    at: float
    message: object


class Frame(Struct, frozen=True):
    """`number`: from 1 on, 0 without entries. `ack`: newest frame received in order. `mono`: the sender's clock.

    `echo`: the newest `mono` of the receiver that the sender has heard, `echoed_at`: when, by the sender's clock.
    """

    number: int
    ack: int
    mono: float
    echo: float | None
    echoed_at: float | None
    entries: tuple[Entry, ...] = ()


class Arrived(Struct, frozen=True):
    """An entry as it came. `offset`: what added to a time of the sender gives a time of ours, never a later one.

    None: the peer has not heard us yet, so nothing bounds the age.
    """

    target: str
    message: object
    at: float
    offset: float | None

    def age(self, now: float) -> float:
        """Seconds since it was said, at most; infinity while nothing bounds it."""
        return math.inf if self.offset is None else max(0.0, now - (self.at + self.offset))


class Session:
    """Mutable, owned by one link. Times are mono of this board."""

    __slots__ = (
        "_ack_due",
        "_acked",
        "_beat_at",
        "_early",
        "_echo",
        "_echoed_at",
        "_free_at",
        "_gathered_at",
        "_heard",
        "_next",
        "_pending",
        "_received",
        "_resend_at",
        "_sent_at",
        "_serial",
        "_told",
        "_unacked",
        "offset",
    )

    def __init__(self, now: float) -> None:
        self._pending: dict[Hashable, Entry] = {}
        self._unacked: deque[Frame] = deque()
        self._early: dict[int, tuple[Entry, ...]] = {}  # frames that came before their turn
        self._next, self._acked, self._received, self._told, self._serial = 1, 0, 0, 0, 0
        self._heard = now
        self._sent_at = -math.inf
        self._free_at = -math.inf  # when all frames until now would have gone out one each URGENT_SECONDS
        self._gathered_at = math.inf
        self._ack_due = math.inf
        self._beat_at = now
        self._resend_at = math.inf
        self._echo: float | None = None
        self._echoed_at: float | None = None
        self.offset: float | None = None

    def push(self, entry: Entry, key: Hashable | None = None, haste: Haste = Haste.USUAL) -> None:
        """Add an entry. Of those with an equal key only the newest waits, behind whatever was said before it.

        Whose time has come takes along all that waits.
        """
        if key is None:
            self._serial += 1
            key = self._serial
        else:
            self._pending.pop(key, None)
        self._pending[key] = entry
        urgent = haste is Haste.URGENT
        paced = self._free_at - URGENT_FRAMES * URGENT_SECONDS if urgent else self._sent_at + haste.value
        self._gathered_at = min(self._gathered_at, max(entry.at, paced))

    def frames(self, now: float) -> list[Frame]:
        """What is to be sent now."""
        found: list[Frame] = []
        if now >= self._resend_at:
            self._unacked = deque(self._renewed(frame, now) for frame in self._unacked)
            found += self._unacked
            self._resend_at = now + RESEND_SECONDS
        while self._pending and now >= self._gathered_at and len(self._unacked) < WINDOW:
            found.append(self._packed(now))
        if not found and now >= min(self._ack_due, self._beat_at):
            found.append(Frame(0, self._received, now, self._echo, self._echoed_at))
        if found:
            self._beat_at, self._ack_due, self._told = now + BEAT_SECONDS, math.inf, self._received
        return found

    def receive(self, frame: Frame, now: float) -> list[Arrived]:
        """Take a frame; returns its entries the first time it comes in turn."""
        self._heard = now
        if self._echo is None or frame.mono >= self._echo:
            self._echo, self._echoed_at = frame.mono, now
            if frame.echo is not None and frame.echoed_at is not None:
                self.offset = frame.echo - frame.echoed_at
        self._acknowledged(frame.ack)
        if frame.number == 0:
            return []
        self._ack_due = min(self._ack_due, now + ACK_SECONDS)
        if not self._received < frame.number <= self._received + WINDOW:
            return []
        self._early[frame.number] = frame.entries
        found: list[Arrived] = []
        while (entries := self._early.pop(self._received + 1, None)) is not None:
            self._received += 1
            found += [Arrived(entry.target, entry.message, entry.at, self.offset) for entry in entries]
        if self._received - self._told >= ACK_FRAMES:
            self._ack_due = now
        return found

    def is_silent(self, now: float) -> bool:
        return now >= self._heard + SILENT_SECONDS

    def due(self) -> float:
        """When there is something to do without being told anything."""
        gathered = self._gathered_at if self._pending and len(self._unacked) < WINDOW else math.inf
        return min(gathered, self._ack_due, self._beat_at, self._resend_at, self._heard + SILENT_SECONDS)

    def lag(self, now: float) -> float:
        """Seconds for which the oldest word to the other side has not been acknowledged; 0.0: all has."""
        if self._unacked:
            oldest = self._unacked[0].entries[0].at
        elif self._pending:
            oldest = next(iter(self._pending.values())).at
        else:
            return 0.0
        return max(0.0, now - oldest)

    def waiting(self) -> int:
        """Entries that are not in a frame yet."""
        return len(self._pending)

    def _packed(self, now: float) -> Frame:
        keys = [key for key, _ in zip(self._pending, range(FRAME_ENTRIES), strict=False)]
        entries = tuple(self._pending.pop(key) for key in keys)
        frame = Frame(self._next, self._received, now, self._echo, self._echoed_at, entries)
        self._next += 1
        self._unacked.append(frame)
        self._sent_at, self._gathered_at = now, now if self._pending else math.inf
        self._free_at = max(self._free_at, now) + URGENT_SECONDS
        self._resend_at = min(self._resend_at, now + RESEND_SECONDS)
        return frame

    def _renewed(self, frame: Frame, now: float) -> Frame:
        return replace(frame, ack=self._received, mono=now, echo=self._echo, echoed_at=self._echoed_at)

    def _acknowledged(self, ack: int) -> None:
        if ack <= self._acked or ack >= self._next:
            return
        self._acked = ack
        while self._unacked and self._unacked[0].number <= ack:
            self._unacked.popleft()
        self._resend_at = self._unacked[0].mono + RESEND_SECONDS if self._unacked else math.inf
