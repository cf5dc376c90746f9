"""pykka 4.5: what `actors.worker` and the worlds stand on."""

from __future__ import annotations

import inspect
import queue
from typing import Any

import pykka
import pytest
from pykka._envelope import Envelope
from pykka.messages import _ActorStop


class Inbox:
    """An inbox that ends the loop when it is empty."""

    def __init__(self) -> None:
        self._mail: list[Envelope[object]] = []

    def put(self, envelope: Envelope[object], /) -> None:
        self._mail.append(envelope)

    def get(self) -> Envelope[object]:
        if not self._mail:
            raise queue.Empty
        return self._mail.pop(0)

    def empty(self) -> bool:
        return not self._mail


class Plain(pykka.Actor):
    """Run by hand on the test's thread."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []

    @staticmethod
    def _create_actor_inbox() -> Inbox:
        return Inbox()

    @staticmethod
    def _create_future() -> pykka.Future[Any]:
        return pykka.ThreadingFuture()

    def _start_actor_loop(self) -> None:
        self.log.append("launched")

    def on_failure(self, exception_type: object, exception_value: object, traceback: object) -> None:
        assert None not in (exception_type, traceback)
        self.log.append(f"failed with {exception_value!r}")

    def on_stop(self) -> None:
        self.log.append("stopped")

    def on_receive(self, message: object) -> None:
        if isinstance(message, BaseException):
            raise message
        self.log.append(str(message))


@pytest.fixture
def actor() -> Plain:
    return Plain()


def turn(actor: Plain) -> None:
    with pytest.raises(queue.Empty):
        actor._actor_loop_running()


@pytest.mark.parametrize("name", ["_create_actor_inbox", "_create_future"])
def test_the_hooks_for_inbox_and_future_are_static_and_take_nothing(name: str):
    """`Mailbox` therefore knows no world when it is built, and is bound later."""
    assert isinstance(inspect.getattr_static(pykka.Actor, name), staticmethod)
    assert not inspect.signature(getattr(pykka.Actor, name)).parameters


@pytest.mark.parametrize(
    "name",
    ["_start_actor_loop", "_actor_loop", "_actor_loop_setup", "_actor_loop_running", "_actor_loop_teardown"],
)
def test_the_parts_of_the_loop_exist_and_take_only_self(name: str):
    """`Worker.live` and `Worker.turn` call them; `World.launch` is reached from the first."""
    assert list(inspect.signature(getattr(pykka.Actor, name)).parameters) == ["self"]


def test_every_message_passes_one_method_on_its_way():
    """`Worker` overrides it; `_stop` is what it does with a stop message."""
    assert list(inspect.signature(pykka.Actor._handle_receive).parameters) == ["self", "message"]
    assert list(inspect.signature(pykka.Actor._stop).parameters) == ["self"]


def test_an_actor_is_told_before_it_is_launched(actor: Plain):
    """The supervisor constructs all actors before the first runs."""
    actor.actor_ref.tell("early")
    turn(actor)
    assert actor.log == ["early"]


def test_an_empty_inbox_leaves_the_loop_outside_its_try_and_the_actor_lives(actor: Plain):
    """Turns of the pool and of the simulation end this way."""
    turn(actor)
    assert actor.actor_ref.is_alive()
    assert actor.log == []
    actor.actor_ref.tell("later")
    turn(actor)
    assert actor.log == ["later"]


def test_an_exception_in_a_tell_calls_on_failure_and_is_the_actors_death(actor: Plain):
    """`Worker.on_failure` tells the supervisor, and the rest of the mail is not handled."""
    actor.actor_ref.tell(ValueError("defect"))
    actor.actor_ref.tell("behind")
    actor._actor_loop_running()
    assert actor.log == ["failed with ValueError('defect')"]
    assert not actor.actor_ref.is_alive()
    with pytest.raises(pykka.ActorDeadError):
        actor.actor_ref.tell("more")


def test_an_exception_in_an_ask_bypasses_on_failure_and_the_actor_lives_on(actor: Plain):
    """So nobody asks: `Mailbox.put` refuses an envelope with `reply_to`."""
    answer = actor.actor_ref.ask(ValueError("defect"), block=False)
    turn(actor)
    with pytest.raises(ValueError, match="defect"):
        answer.get(timeout=0)
    assert actor.log == []
    assert actor.actor_ref.is_alive()


def test_an_exception_in_on_start_skips_on_failure(actor: Plain):
    """So the work of a start is done on the message `Start`, and `Worker.on_start` is final."""

    def fail() -> None:
        raise ValueError("defect")

    actor.on_start = fail
    actor._actor_loop_setup()
    assert not actor.actor_ref.is_alive()
    assert actor.log == []


def test_a_stop_message_ends_the_loop_after_the_mail_before_it(actor: Plain):
    """`Mailbox.post_stop` posts this private message; a node that stops lets everybody finish."""
    actor.actor_ref.tell("before")
    actor.actor_ref.tell(_ActorStop())
    actor.actor_ref.tell("behind")
    actor._actor_loop_running()
    assert actor.log == ["before", "stopped"]


def test_a_base_exception_stops_every_registered_actor_of_the_process(actor: Plain):
    """So `Worker` turns one into an ordinary failure."""
    bystander = pykka.ThreadingActor.start()
    actor.actor_ref.tell(SystemExit(1))
    actor._actor_loop_running()
    assert bystander.actor_stopped.wait(10.0)
    assert actor.log == ["stopped"], "on_failure is not called"


def test_an_unregistered_actor_fails_and_stops_without_the_registry(actor: Plain):
    """Supervised actors are never registered: there is no process-wide list of them."""
    assert actor.actor_ref not in pykka.ActorRegistry.get_all()
    actor.actor_ref.tell(ValueError("defect"))
    actor._actor_loop_running()
    assert not actor.actor_ref.is_alive()


def test_the_name_of_an_actor_is_random():
    """So it never enters a log that is compared between two runs."""
    assert Plain().actor_urn != Plain().actor_urn
