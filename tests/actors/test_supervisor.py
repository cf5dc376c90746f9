"""Restarting, giving up and quarantine, with real actors and virtual or real time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from support.probe import Probe

from actors.supervisor import (
    Child,
    Crashed,
    GaveUp,
    Quarantined,
    Restarted,
    RestartPolicy,
    SupervisionReport,
    Supervisor,
)
from actors.worker import Start, Tick, Worker
from nodes.simulation.world import SimulatedWorld

if TYPE_CHECKING:
    from support.worlds import Stage

    from actors.address import Address
    from actors.world import World

QUICK = RestartPolicy(limit=3, backoff=(0.0, 0.001, 0.002))


@dataclass(frozen=True)
class Note:
    text: str


@dataclass(frozen=True)
class Poison:
    dose: int


Deadly = Callable[[object], bool]


def harmless(_: object) -> bool:
    return False


class Patient(Worker[object]):
    """Dies of `Poison` and of whatever `deadly` says; notes the rest with its virtual time."""

    def __init__(self, world: World, probe: Address[object], deadly: Deadly = harmless) -> None:
        super().__init__(world)
        self._probe, self._deadly = probe, deadly

    def receive(self, message: object) -> None:
        if isinstance(message, Poison) or self._deadly(message):
            raise ValueError(f"died of {message}")
        self._probe.tell(message)


class Ward:
    """A simulated world with a root, a probe for notes and one for reports."""

    def __init__(self, policy: RestartPolicy | None = None, seed: int = 1) -> None:
        self.world = SimulatedWorld(seed)
        self.notes: Probe[object] = Probe()
        self.reports: Probe[SupervisionReport] = Probe()
        self.given_up: list[str] = []
        self.root = Supervisor(self.world, "root", policy or RestartPolicy(), self.reports, self.given_up.append)

    def patient(self, name: str, under: Supervisor | None = None, deadly: Deadly = harmless) -> Child[object]:
        return (under or self.root).child(name, lambda _: Patient(self.world, self.notes, deadly))


def pause_after_death(ward: Ward, child: Child[object], message: object) -> float:
    """Kill, and return the virtual seconds (± 1 ms) until the next incarnation is told Start."""
    ward.notes.clear()
    child.tell(message)
    ward.world.run_for(0)
    died = ward.world.now().mono
    while Start() not in ward.notes.messages:
        ward.world.run_for(0.001)
    return ward.world.now().mono - died


def test_the_first_restart_comes_within_100_ms_later_ones_by_the_table():
    ward = Ward()
    child = ward.patient("patient")
    ward.root.start()
    ward.world.run_for(0)
    pauses = [pause_after_death(ward, child, Poison(n)) for n in range(5)]
    assert pauses == [pytest.approx(pause, abs=0.0011) for pause in (0.05, 0.2, 0.5, 1.0, 2.0)]
    assert pauses[0] <= 0.1


def test_failures_outside_the_period_are_forgotten():
    ward = Ward(RestartPolicy(limit=2, within=60.0))
    child = ward.patient("patient")
    ward.root.start()
    ward.world.run_for(0)
    for n in range(10):
        child.tell(Poison(n))
        ward.world.run_for(31.0)
    assert (child.state, child.restarts) == ("running", 10)


def test_a_child_that_gives_up_is_alone_in_that():
    ward = Ward(QUICK)
    child, other = ward.patient("patient"), ward.patient("other")
    ward.root.start()
    for n in range(4):
        child.tell(Poison(n))
        ward.world.run_for(1.0)
    other.tell(Note("well"))
    child.tell(Note("unheard"))
    ward.world.run_for(1.0)
    assert child.state == "gave-up"
    assert ward.reports.messages[-1] == GaveUp("patient", "ValueError: died of Poison(dose=3)")
    assert ward.given_up == ["patient"]
    assert (other.state, other.restarts, child.dropped) == ("running", 0, 1)
    assert Note("well") in ward.notes.messages


def test_a_sub_supervisor_gives_up_as_a_whole_and_nothing_else_does():
    ward = Ward(QUICK)
    point = ward.root.supervisor("point-1")
    meter, controller = ward.patient("meter", point), ward.patient("controller", point)
    neighbour = ward.patient("charge-point", ward.root.supervisor("point-2"))
    ward.root.start()
    for n in range(4):
        meter.tell(Poison(n))
        ward.world.run_for(1.0)
    for child in (meter, controller, neighbour):
        child.tell(Note(child.name))
    ward.world.run_for(1.0)
    assert (meter.state, controller.state, neighbour.state) == ("gave-up", "stopped", "running")
    assert (point.gave_up, ward.root.gave_up) == (True, False)
    error = "ValueError: died of Poison(dose=3)"
    assert ward.reports.messages[-2:] == [GaveUp("point-1/meter", error), GaveUp("point-1", error)]
    assert ward.given_up == ["point-1/meter", "point-1"]
    assert ward.notes.messages[-1] == Note("point-2/charge-point")


def test_what_a_sibling_was_told_before_it_is_stopped_is_still_handled():
    ward = Ward(RestartPolicy(limit=0))
    point = ward.root.supervisor("point")
    meter, controller = ward.patient("meter", point), ward.patient("controller", point)
    ward.root.start()
    ward.world.run_for(0)
    controller.tell(Note("facts are durable"))
    meter.tell(Poison(1))
    ward.world.run_for(0)
    assert (controller.state, Note("facts are durable") in ward.notes.messages) == ("stopped", True)


class Unborn(Worker[object]):
    """Fails in its constructor the first `times` times."""

    attempts: int

    def __init__(self, world: World, counter: list[int], times: int, probe: Address[object]) -> None:
        super().__init__(world)
        self._probe = probe
        counter[0] += 1
        if counter[0] <= times:
            raise OSError(f"attempt {counter[0]}")

    def receive(self, message: object) -> None:
        self._probe.tell(message)


@pytest.mark.parametrize("where", ["constructor", "start"])
def test_a_failed_start_is_tried_again_in_every_world(stage_: Stage, where: str):
    notes: Probe[object] = Probe()
    reports: Probe[object] = Probe()
    counter = [0]

    def die_at_first(message: object) -> bool:
        counter[0] += isinstance(message, Start)
        return isinstance(message, Start) and counter[0] <= 2

    def make(_: object) -> Worker[object]:
        if where == "constructor":
            return Unborn(stage_.world, counter, 2, notes)
        return Patient(stage_.world, notes, die_at_first)

    root = Supervisor(stage_.world, "root", QUICK, reports)
    child = root.child("patient", make)
    root.start()
    stage_.expect(notes, Start())
    child.tell(Note("up"))
    stage_.expect(notes, Note("up"))
    assert (child.state, child.restarts) == ("running", 2)
    root.stop()
    crashes = [report for report in reports.messages if isinstance(report, Crashed)]
    assert [crash.handling for crash in crashes] == ["its constructor" if where == "constructor" else "Start"] * 2
    assert [crash.again_in for crash in crashes] == [0.0, 0.001]
    assert reports.of(Quarantined) == []


@pytest.mark.parametrize("where", ["constructor", "start", "message"])
def test_giving_up_in_every_world(stage_: Stage, where: str):
    notes: Probe[object] = Probe()
    reports: Probe[object] = Probe()
    given_up: Probe[str] = Probe()
    other_up: Probe[object] = Probe()
    kinds = {"start": Start, "message": Note}
    numbers = count()

    def make(myself: Address[object]) -> Worker[object]:
        myself.tell(Note("n"))  # nobody is there yet: dropped at the first, and at each restart
        if where == "constructor":
            return Unborn(stage_.world, [0], 1, notes)
        worker = Patient(stage_.world, notes, lambda message: isinstance(message, kinds[where]))
        worker.mailbox.post(Note(str(next(numbers))))
        return worker

    root = Supervisor(stage_.world, "root", QUICK, reports, given_up.tell)
    child = root.child("patient", make)
    other = root.child("other", lambda _: Patient(stage_.world, other_up))
    root.start()
    stage_.expect(given_up, "patient")
    other.tell(Note("well"))
    stage_.expect(other_up, Note("well"))
    assert (child.state, child.restarts, child.figures().depth) == ("gave-up", 3, 0)
    assert other.restarts == 0
    child.tell(Note("never raises"))
    root.stop()
    assert [type(report) for report in reports.messages if not isinstance(report, Restarted)] == [Crashed] * 4 + [
        GaveUp
    ]


def test_a_message_that_kills_is_not_delivered_again_and_what_waited_behind_it_is_counted():
    ward = Ward(QUICK)
    child = ward.patient("patient")
    ward.root.start()
    ward.world.run_for(0)
    ward.notes.clear()
    for message in (Note("before"), Poison(1), Note("behind"), Tick(), Note("behind")):
        child.tell(message)
    ward.world.run_for(1.0)
    assert ward.notes.messages == [Note("before"), Start()]
    assert (child.restarts, child.dropped) == (1, 2)
    assert child.figures().handled == 3, "Start, the note and the second Start"


def test_what_an_actor_is_told_while_it_is_away_is_counted():
    ward = Ward()
    child = ward.patient("patient")
    ward.root.start()
    ward.world.run_for(0)
    child.tell(Poison(1))
    ward.world.run_for(0.01)
    child.tell(Note("away"))
    assert (child.state, child.dropped) == ("restarting", 1)


def test_input_that_killed_twice_is_refused_the_third_time():
    ward = Ward()
    child = ward.patient("patient")
    ward.root.start()
    for _ in range(4):
        child.tell(Poison(1))
        ward.world.run_for(1.0)
    figures = child.figures()
    assert (figures.restarts, figures.quarantined, figures.dropped) == (2, 2, 0)
    assert ward.reports.of(Quarantined) == [Quarantined("patient", "Poison")]
    child.tell(Poison(2))
    ward.world.run_for(1.0)
    assert child.restarts == 3, "another dose is another message"


@pytest.mark.parametrize("signal", [Start(), Tick()])
def test_signals_are_never_refused(signal: object):
    ward = Ward(RestartPolicy(limit=9))
    counter = [0]

    def deadly(message: object) -> bool:
        counter[0] += message == signal
        return message == signal and 1 < counter[0] < 4

    child = ward.patient("patient", deadly=deadly)
    ward.root.start()
    ward.world.run_for(0)
    for _ in range(6):
        child.tell(signal)
        ward.world.run_for(3.0)
    assert child.figures().quarantined == 0
    assert ward.reports.of(Quarantined) == []


class Odd:
    """Cannot be compared."""

    def __eq__(self, other: object) -> bool:
        raise TypeError("not comparable")

    __hash__ = None  # type: ignore[assignment]


def test_a_message_that_cannot_be_compared_harms_nobody():
    ward = Ward()
    child = ward.patient("patient", deadly=lambda message: isinstance(message, Odd))
    ward.root.start()
    for message in (Poison(1), Poison(1), Odd(), Odd(), Odd()):
        child.tell(message)
        ward.world.run_for(3.0)
    assert child.state == "running"
    assert child.figures().quarantined == 0


def test_all_run_before_the_first_says_a_word_to_the_last(stage_: Stage):
    """Start handlers may tell actors that are declared later."""
    notes: Probe[object] = Probe()
    root = Supervisor(stage_.world, "root")

    class Greeter(Patient):
        def receive(self, message: object) -> None:
            if isinstance(message, Start):
                last.tell(Note("hello"))

    root.child("first", lambda _: Greeter(stage_.world, notes))
    last = root.child("last", lambda _: Patient(stage_.world, notes))
    root.start()
    stage_.expect(notes, Note("hello"))
    root.stop()
    assert last.dropped == 0


class Register:
    """A world that writes down who has ended, in order."""

    def __init__(self, world: World) -> None:
        self.now, self.after, self.launch, self._world = world.now, world.after, world.launch, world
        self.ended: list[object] = []

    def halt(self, actor: Worker[Any]) -> None:
        self._world.halt(actor)
        assert actor.ended.is_set()
        self.ended.append(actor.handling)


def test_stopping_goes_backwards_and_lets_everybody_finish(stage_: Stage):
    notes: Probe[object] = Probe()
    world = Register(stage_.world)
    root = Supervisor(world, "root")
    first = root.child("a", lambda _: Patient(world, notes))
    second = root.supervisor("branch").child("b", lambda _: Patient(world, notes))
    third = root.child("c", lambda _: Patient(world, notes))
    children = [first, second, third]
    root.start()
    for child in children:
        for _ in range(100):
            child.tell(Note("work"))
        child.tell(Note(child.name))
    root.stop()
    assert len(notes.of(Note)) == 303
    assert [child.state for child in children] == ["stopped"] * 3
    # in the field an actor may have ended before it is waited for; who is waited for is in this order
    assert world.ended == [note for note in map(Note, ("c", "branch/b", "a")) if note in world.ended]
    if isinstance(stage_.world, SimulatedWorld):
        assert len(world.ended) == 3
    for child in children:
        child.tell(Note("too late"))
    assert [child.dropped for child in children] == [1, 1, 1]
    root.stop()


def test_a_stop_cancels_the_restart_under_way():
    ward = Ward()
    child = ward.patient("patient")
    ward.root.start()
    child.tell(Poison(1))
    ward.world.run_for(0)
    assert child.state == "restarting"
    ward.root.stop()
    ward.world.run_for(10.0)
    assert (child.state, child.restarts) == ("stopped", 0)


def test_a_failure_while_stopping_is_reported_and_final():
    ward = Ward()
    child = ward.patient("patient")
    ward.root.start()
    child.tell(Poison(1))
    ward.root.stop()
    (crash,) = ward.reports.messages
    assert isinstance(crash, Crashed)
    assert (crash.again_in, child.state) == (None, "stopped")


def test_stopping_what_was_never_started_does_nothing():
    ward = Ward()
    child = ward.patient("patient")
    ward.root.stop()
    ward.root.start()
    ward.world.run_for(1.0)
    assert (child.state, ward.notes.messages) == ("stopped", [])


def test_starting_again_starts_only_what_was_declared_since():
    ward = Ward()
    ward.patient("first")
    ward.root.start()
    ward.patient("second")
    ward.root.start()
    ward.world.run_for(1.0)
    assert ward.notes.messages == [Start(), Start()]
    assert [child.name for child in ward.root.children()] == ["first", "second"]


def test_the_name_of_a_message_is_reported_never_its_content():
    ward = Ward()
    child = ward.patient("patient", deadly=lambda message: message == Note("id tag 04E1"))
    ward.root.start()
    child.tell(Note("id tag 04E1"))
    ward.world.run_for(0)
    assert ward.reports.messages[0].handling == "Note"  # type: ignore[union-attr]


def test_an_interruption_by_the_keyboard_ends_a_simulated_run():
    ward = Ward()

    def interrupted(message: object) -> bool:
        if isinstance(message, Note):
            raise KeyboardInterrupt
        return False

    child = ward.patient("patient", deadly=interrupted)
    ward.root.start()
    child.tell(Note("n"))
    with pytest.raises(KeyboardInterrupt):
        ward.world.run_for(1.0)


MESSAGES: tuple[object, ...] = (Start(), Tick(), Note("n"), Poison(1))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_generated_subclass_that_raises_on_one_message_restarts_alone(message: object):
    """The pattern for every (actor class, message of its union)."""
    ward = Ward()
    armed = [True]

    def receive(self: Patient, told: object) -> None:
        if armed[0] and type(told) is type(message):
            armed[0] = False
            raise RuntimeError("injected")
        self._probe.tell(told)  # type: ignore[attr-defined]

    crashing = type("CrashingPatient", (Patient,), {"receive": receive})
    child = ward.root.child("crashing", lambda _: crashing(ward.world, ward.notes))
    other = ward.patient("other")
    ward.root.start()
    child.tell(message)
    ward.world.run_for(0)
    ward.world.run_for(0.1)
    assert (child.restarts, child.state, other.restarts) == (1, "running", 0)
