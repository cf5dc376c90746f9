"""What a frame of the backend goes through, without sockets: reading, checks, the central system's step, answers."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from nodes.ocpp import frames
from nodes.ocpp.endpoint import SOFT_FRAME_BYTES
from park.model.access import Done, Refused
from park.model.standing_limits import HoldLimits
from park.ocpp.effects import Alarm, CentralSystemEffect, StartRemotely, StopRemotely, UnlockRemotely
from park.ocpp.link import BackendCalled, SendCall, SendError, SendResult
from tests.fuzz.frames import Frames
from tests.support.facts import ended, metered, started
from tests.support.station import ACCEPTED, Station

T = TypeVar("T")
LIFE = 1_000  # frames from one start of the station to the next
MOST_WAITING = 50  # our calls that may still be answered, as late as that
MOST_MA = 1_000_000_000  # no limit that is told is more than a megaampere: what is larger is none
# OCPP-J 1.6 table 7, spelt as there
CODES = {
    "NotImplemented", "NotSupported", "InternalError", "ProtocolError", "SecurityError", "FormationViolation",
    "PropertyConstraintViolation", "OccurenceConstraintViolation", "TypeConstraintViolation", "GenericError",
}  # fmt: skip
UNREADABLE = ("unreadable", "ignored")  # how codes of alarms end that tell of a row that cannot be read again


def done(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine that waits for nothing returns."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return finished.value
    raise AssertionError("it waits for something")


@dataclass
class Target:
    """A station fed with frames; everything follows from the seed. Raises AssertionError for a broken promise."""

    seed: int
    counts: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)
        self._frames = Frames(self._draw)
        self._new_life()

    def run(self, count: int) -> None:
        """Feed so many frames. An exception names the frame."""
        for number in range(1, count + 1):
            frame = self._frames.next(self._waiting)
            try:
                self.feed(frame)
                self._meanwhile()
                if number % LIFE == 0:
                    self._restart()
            except Exception as error:
                error.add_note(f"seed {self.seed}, frame {number}: {frame!r:.2000}")
                raise

    def feed(self, frame: str | bytes) -> None:
        """What the edge does with a frame, and the station with what it says."""
        self.counts["frames"] += 1
        if len(frame) > SOFT_FRAME_BYTES:
            read: frames.Read = frames.oversize(frame, SOFT_FRAME_BYTES)
        else:
            read = done(frames.read(frame, self._waiting))
        self.counts[type(read).__name__] += 1
        if isinstance(read, frames.Garbage):
            if read.answer is not None:
                self._sends_error(read.answer)
            return
        effects = self._station.tell(read)
        self._obey(effects)
        if isinstance(read, BackendCalled):
            answers = [each for each in effects if isinstance(each, SendResult | SendError)]
            assert len(answers) <= 1 or self._others_timed_out(answers), "more than one answer"

    def _others_timed_out(self, answers: list[SendResult | SendError]) -> bool:
        return len({answer.unique_id for answer in answers}) == len(answers)

    # ------------------------------------------------------------ the station's life

    def _new_life(self) -> None:
        self._station = Station()
        self._waiting: dict[str, str] = {}
        self._sessions = 0
        self._station.start()
        self._connect()
        self._session()

    def _connect(self) -> None:
        self._station.connect()
        boot = self._station.sent[-1]
        if boot.action == "BootNotification":
            self._obey(self._station.answer(ACCEPTED, boot))

    def _session(self) -> None:
        self._sessions += 1
        name, connector = f"s{self._sessions}", self._draw.randint(1, 3)
        self._obey(self._station.offer(started(name, f"board/cp{connector}", connector)))
        self._obey(self._station.offer(metered(name, 1, f"board/cp{connector}")))
        if self._draw.random() < 0.7:
            self._obey(self._station.offer(ended(name, 2, f"board/cp{connector}")))

    def _meanwhile(self) -> None:
        """Time passes, cars come and go, the link breaks."""
        chance = self._draw.random()
        if chance < 0.05:
            self._obey(self._station.pass_time(self._draw.choice((0.1, 1.0, 30.0, 3_600.0))))
        elif chance < 0.06:
            self._session()
        elif chance < 0.065:
            self._station.lose()
        if self._station.state.link is None and chance < 0.2:
            self._connect()

    def _restart(self) -> None:
        """What the backend made it keep is read again; then all is new."""
        self._station.clear()
        self._station.restart()
        unreadable = [code for code in self._station.alarms() if code.endswith(UNREADABLE)]
        assert unreadable == [], f"after a restart: {unreadable}"
        self._new_life()

    # ------------------------------------------------------------ what it sends

    def _obey(self, effects: Iterable[CentralSystemEffect]) -> None:
        for effect in effects:
            match effect:
                case SendCall():
                    self._sends_call(effect)
                case SendResult():
                    answer = json.loads(done(frames.result_frame(effect)))
                    assert answer[0] == 3, f"an answer that breaks its schema: {answer}"
                case SendError():
                    self._sends_error(frames.failure_frame(effect))
                case HoldLimits(limits=limits):
                    assert all(0 <= each <= MOST_MA for limit in limits for each in limit.limit_ma or ()), limits
                case StartRemotely() | StopRemotely() | UnlockRemotely() if self._draw.random() < 0.5:
                    self._answer_command(effect.request_id)
                case Alarm():
                    self.counts["alarms"] += 1
                case _:
                    pass

    def _answer_command(self, request_id: str) -> None:
        said = Done(request_id) if self._draw.random() < 0.5 else Refused(request_id, "no")
        self._obey(self._station.tell(said))

    def _sends_call(self, call: SendCall) -> None:
        text = done(frames.call_frame(call))
        assert isinstance(text, str), f"a call of ours that breaks its schema: {call.action}: {text}"
        while len(self._waiting) >= MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[call.unique_id] = call.action

    def _sends_error(self, text: str) -> None:
        kind, unique_id, code, description, details = json.loads(text)
        assert (kind, details) == (4, {})
        assert 0 < len(unique_id) <= 36
        assert code in CODES, code
        assert len(description) <= 255
        self.counts[code] += 1
