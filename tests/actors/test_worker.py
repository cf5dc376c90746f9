"""What every actor may rely on, in every world."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.probe import Probe

from actors.mailbox import AskRefused, Mailbox
from actors.supervisor import Crashed, Restarted, RestartPolicy, Supervisor
from actors.wakeups import WakeUps
from actors.worker import Start, Tick, Worker
from nodes.simulation.world import SimulatedWorld
from park.model.time import Now

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.worlds import Stage

    from actors.address import Address
    from actors.world import World

AT_ONCE = RestartPolicy(backoff=(0.0,))


@dataclass(frozen=True)
class Say:
    text: str


@dataclass(frozen=True)
class Fail:
    error: BaseException


@dataclass(frozen=True)
class Remind:
    seconds: float
    text: str


@dataclass(frozen=True)
class Wake:
    mono: float


class Speaker(Worker[object]):
    """Tells the probe what it handles; obeys the messages above."""

    def __init__(self, world: World, probe: Address[object]) -> None:
        super().__init__(world)
        self._probe = probe

    def receive(self, message: object) -> None:
        match message:
            case Fail(error):
                raise error
            case Remind(seconds, text):
                self.after(seconds, Say(text))
            case Wake(mono):
                self.wake_at(mono)
            case Tick():
                self._probe.tell((message, self.now().mono))
            case _:
                self._probe.tell(message)


class Eager(Speaker):
    """Tells itself something while it is being constructed."""

    def __init__(self, world: World, probe: Address[object]) -> None:
        super().__init__(world, probe)
        self.mailbox.post(Say("early"))


def test_start_is_the_first_message_whatever_the_constructor_told(stage_: Stage):
    probe: Probe[object] = Probe()
    root = Supervisor(stage_.world, "root")
    child = root.child("eager", lambda _: Eager(stage_.world, probe))
    root.start()
    child.tell(Say("late"))
    stage_.expect(probe, Say("late"))
    root.stop()
    assert probe.messages == [Start(), Say("early"), Say("late")]


def test_messages_of_one_sender_are_handled_in_order(stage_: Stage):
    probe: Probe[object] = Probe()
    root = Supervisor(stage_.world, "root")
    child = root.child("speaker", lambda _: Speaker(stage_.world, probe))
    root.start()
    said = [Say(str(n)) for n in range(500)]
    for each in said:
        child.tell(each)
    stage_.expect(probe, said[-1])
    root.stop()
    assert probe.messages == [Start(), *said]


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), BaseException("odd")], ids=repr)
def test_an_interruption_in_a_handler_is_an_ordinary_failure(stage_: Stage, error: BaseException):
    probe: Probe[object] = Probe()
    reports: Probe[object] = Probe()
    root = Supervisor(stage_.world, "root", AT_ONCE, reports)
    failing = root.child("failing", lambda _: Speaker(stage_.world, probe))
    other = root.child("other", lambda _: Speaker(stage_.world, probe))
    root.start()
    failing.tell(Fail(error))
    stage_.expect(reports, Restarted("failing", 1))
    other.tell(Say("still here"))
    stage_.expect(probe, Say("still here"))
    root.stop()
    (crash,) = reports.of(Crashed)
    assert isinstance(crash, Crashed)
    assert crash.error == f"{type(error).__name__}: {error}"
    assert "raise error" in crash.trace
    assert (failing.restarts, other.restarts) == (1, 0)


def test_a_restart_drops_the_timers_of_the_old_incarnation():
    world = SimulatedWorld(1)
    probe: Probe[object] = Probe()
    root = Supervisor(world, "root", AT_ONCE)
    child = root.child("speaker", lambda _: Speaker(world, probe))
    root.start()
    child.tell(Remind(5.0, "of the first"))
    child.tell(Wake(6.0))
    world.run_for(1.0)
    child.tell(Fail(ValueError("once")))
    world.run_for(1.0)
    child.tell(Remind(5.0, "of the second"))
    world.run_for(100.0)
    assert probe.messages == [Start(), Start(), Say("of the second")]
    assert child.dropped == 0, "timers are not messages somebody lost"


def test_a_reminder_comes_after_its_time(stage_: Stage):
    probe: Probe[object] = Probe()
    root = Supervisor(stage_.world, "root")
    child = root.child("speaker", lambda _: Speaker(stage_.world, probe))
    root.start()
    child.tell(Remind(0.03, "second"))
    child.tell(Remind(0.01, "first"))
    for said in (Say("second"), Say("first")):
        stage_.expect(probe, said)
    root.stop()
    if isinstance(stage_.world, SimulatedWorld):  # elsewhere a busy machine may swap them
        assert probe.messages == [Start(), Say("first"), Say("second")]


def test_a_later_wake_up_is_ignored_while_an_earlier_one_is_pending():
    world = SimulatedWorld(1)
    probe: Probe[object] = Probe()
    root = Supervisor(world, "root")
    child = root.child("speaker", lambda _: Speaker(world, probe))
    root.start()
    for mono in (5.0, 7.0, 5.0, 3.0, 4.0):
        child.tell(Wake(mono))
    world.run_for(100.0)
    assert probe.messages[1:] == [(Tick(), 3.0), (Tick(), 5.0)]


def test_a_wake_up_in_the_past_comes_at_once(stage_: Stage):
    probe: Probe[object] = Probe()
    root = Supervisor(stage_.world, "root")
    child = root.child("speaker", lambda _: Speaker(stage_.world, probe))
    root.start()
    child.tell(Wake(-math.inf))
    stage_.expect(probe, lambda message: isinstance(message, tuple))
    root.stop()


class Clock:
    """A world that is nothing but a clock and its timers."""

    def __init__(self) -> None:
        self.mono = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def now(self) -> Now:
        return Now(self.mono, None)  # type: ignore[arg-type] - nobody asks for the wall clock here

    def after(self, seconds: float, deliver: Callable[[], None]) -> None:
        self.timers.append((self.mono + seconds, deliver))

    def advance(self, mono: float) -> None:
        while due := sorted((timer for timer in self.timers if timer[0] <= mono), key=lambda timer: timer[0]):
            self.timers.remove(due[0])
            self.mono = max(self.mono, due[0][0])
            due[0][1]()
        self.mono = max(self.mono, mono)


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e5)), max_size=30))
def test_every_wake_up_asked_for_is_served_in_time_and_few_are_pending(asks: list[tuple[float, float]]):
    clock = Clock()
    wanted: list[float] = []  # like a step that holds deadlines and asks for the earliest after every tick

    def tick() -> None:
        assert clock.mono >= min(wanted, default=math.inf) or wanted, "a tick with nothing asked for"
        wanted[:] = [deadline for deadline in wanted if deadline > clock.mono]
        if wanted:
            wakeups.request(min(wanted))

    wakeups = WakeUps(clock, tick)  # type: ignore[arg-type]
    for pause, ahead in asks:
        clock.advance(clock.mono + pause)
        assert all(deadline > clock.mono for deadline in wanted), "a deadline passed without a tick"
        wanted.append(clock.mono + ahead)
        wakeups.request(min(wanted))
        pending = [due for due, _ in clock.timers]
        assert len(pending) == len(set(pending)), "the same moment is never asked for twice"
    clock.advance(1e9)
    assert wanted == []


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_wake_up_is_never_early_by_rounding(now: float, mono: float):
    clock = Clock()
    clock.mono = now
    WakeUps(clock, lambda: None).request(mono)  # type: ignore[arg-type]
    assert clock.timers[0][0] >= mono


def test_an_actor_is_told_never_asked():
    world = SimulatedWorld(1)
    speaker = Speaker(world, Probe())
    future = speaker.actor_ref.ask(Say("?"), block=False)
    with pytest.raises(AskRefused, match="tell Say with a reply_to address"):
        future.get(timeout=0)


def test_a_closed_mailbox_gives_up_what_it_holds_and_what_still_comes():
    mailbox = Mailbox()
    lost: list[object] = []
    mailbox.post("waiting")
    mailbox.close(lost.append)
    mailbox.post("late")
    assert lost == ["waiting", "late"]
    assert mailbox.empty()
