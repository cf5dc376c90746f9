"""The crossing between loop and actors: nothing lost, nothing blocked, nothing awaited for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.probe import Probe

from actors.address import Address
from actors.supervisor import Supervisor
from actors.worker import Start, Worker
from nodes.bridge import Backoff, EdgeFailed, EdgeGaveUp, EdgeReport, Outbox, OutboxClosed, ask, keep_running
from nodes.field import ThreadWorld


@dataclass(frozen=True)
class Limit:
    charge_point: int
    amps: int


@dataclass(frozen=True)
class Question:
    reply_to: Address[str]


async def test_what_many_threads_tell_arrives_in_the_order_of_each():
    outbox: Outbox[tuple[str, int]] = Outbox()

    def talk(name: str) -> None:
        for n in range(1000):
            outbox.tell((name, n))

    threads = [threading.Thread(target=talk, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    heard = [await outbox.get() for _ in range(3000)]
    for thread in threads:
        thread.join()
    for name in "abc":
        assert [n for by, n in heard if by == name] == list(range(1000))
    assert outbox.depth() == 0


async def test_a_conflating_outbox_keeps_the_latest_in_the_place_of_the_first():
    outbox: Outbox[Limit] = Outbox(key=lambda limit: limit.charge_point)
    for limit in (Limit(1, 6), Limit(2, 6), Limit(1, 16), Limit(1, 32)):
        outbox.tell(limit)
    outbox.close()
    assert [limit async for limit in outbox] == [Limit(1, 32), Limit(2, 6)]


async def test_messages_without_a_key_are_all_kept():
    outbox: Outbox[Limit | str] = Outbox(key=lambda m: m.charge_point if isinstance(m, Limit) else None)
    for message in (Limit(1, 6), "fact", "fact", Limit(1, 16)):
        outbox.tell(message)
    outbox.close()
    assert [message async for message in outbox] == [Limit(1, 16), "fact", "fact"]


async def test_a_reader_that_waits_is_woken_by_a_message_and_by_the_end():
    outbox: Outbox[int] = Outbox()
    reader = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    threading.Thread(target=lambda: outbox.tell(1)).start()
    assert await reader == 1
    reader = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    threading.Thread(target=outbox.close).start()
    with pytest.raises(OutboxClosed):
        await reader


async def test_what_a_closed_outbox_is_told_is_counted():
    outbox: Outbox[int] = Outbox()
    outbox.tell(1)
    outbox.close()
    outbox.tell(2)
    assert outbox.dropped == 1
    assert await outbox.get() == 1
    with pytest.raises(OutboxClosed):
        await outbox.get()


async def test_a_cancelled_reader_takes_nothing_with_it():
    outbox: Outbox[int] = Outbox()
    reader = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    reader.cancel()
    outbox.tell(1)
    assert await outbox.get() == 1


async def test_who_serves_gets_all_in_the_order_of_each_thread_until_the_end():
    outbox: Outbox[tuple[str, int]] = Outbox()
    heard: list[tuple[str, int]] = []

    def talk(name: str) -> None:
        for n in range(1000):
            outbox.tell((name, n))

    outbox.tell(("before", 0))
    serving = asyncio.create_task(outbox.serve(heard.append))
    await asyncio.gather(*(asyncio.to_thread(talk, name) for name in "abc"))
    outbox.close()
    await serving
    assert heard[0] == ("before", 0)
    assert len(heard) == 3001
    for name in "abc":
        assert [n for by, n in heard if by == name] == list(range(1000))


async def test_what_is_served_is_handled_in_the_next_turn_of_the_loop():
    outbox: Outbox[int] = Outbox()
    heard: list[int] = []
    serving = asyncio.create_task(outbox.serve(heard.append))
    await asyncio.sleep(0)
    outbox.tell(1)
    await asyncio.sleep(0)
    assert heard == [1]
    outbox.close()
    await serving


async def test_what_a_handler_raises_ends_the_serving_and_the_rest_waits_for_the_next_reader():
    outbox: Outbox[int] = Outbox()
    for number in (1, 0, 2):
        outbox.tell(number)
    with pytest.raises(ZeroDivisionError):
        await outbox.serve(lambda number: 1 // number)
    outbox.tell(3)
    assert [await outbox.get(), await outbox.get()] == [2, 3]


async def test_when_serving_is_cancelled_the_next_reader_is_woken():
    outbox: Outbox[int] = Outbox()
    heard: list[int] = []
    serving = asyncio.create_task(outbox.serve(heard.append))
    await asyncio.sleep(0)
    serving.cancel()
    await asyncio.wait([serving])
    reader = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    outbox.tell(1)
    async with asyncio.timeout(5):
        assert await reader == 1
    assert heard == []


def test_telling_after_the_loop_is_gone_raises_nothing():
    async def make() -> Outbox[int]:
        return Outbox()

    outbox = asyncio.run(make())
    outbox.tell(1)
    outbox.close()


class Answerer(Worker[Start | Question]):
    """Answers every question twice."""

    def receive(self, message: Start | Question) -> None:
        match message:
            case Question(reply_to):
                reply_to.tell("first")
                reply_to.tell("second")
            case Start():
                pass


async def test_a_question_gets_the_first_answer():
    world = ThreadWorld()
    root = Supervisor(world, "root")
    child = root.child("answerer", lambda _: Answerer(world))
    root.start()
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
    assert await ask(child, Question, timeout=10.0) == "first"
    await asyncio.to_thread(root.stop)
    await asyncio.sleep(0)
    world.close()
    assert complaints == [], "the second answer has nowhere to go, and that is all"


async def test_a_question_nobody_answers_names_itself():
    probe: Probe[Question] = Probe()
    with pytest.raises(TimeoutError, match=r"no answer to Question within 0.01 s"):
        await ask(probe, Question, timeout=0.01)
    probe.messages[0].reply_to.tell("too late")  # and nothing happens
    await asyncio.sleep(0)


def test_an_answer_after_the_loop_is_gone_raises_nothing():
    probe: Probe[Question] = Probe()

    async def question() -> None:
        with pytest.raises(TimeoutError):
            await ask(probe, Question, timeout=0.0)

    asyncio.run(question())
    probe.messages[0].reply_to.tell("too late")


class Edge:
    """An edge that fails as told, on a clock of its own."""

    def __init__(self, *failures: BaseException | None, lasting: float = 0.0) -> None:
        self.failures = list(failures)
        self.lasting = lasting
        self.time = 0.0
        self.slept: list[float] = []
        self.reports: Probe[EdgeReport] = Probe()
        self.closed = 0

    async def run(self) -> None:
        self.time += self.lasting
        failure = self.failures.pop(0)
        if failure is not None:
            raise failure

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def close(self) -> None:
        self.closed += 1

    async def keep(self, draw: Callable[[], float] = lambda: 1.0) -> None:
        await keep_running(
            "meter",
            self.run,
            report=self.reports,
            draw=draw,
            sleep=self.sleep,
            clock=lambda: self.time,
            close=self.close,
        )


async def test_an_unreachable_peer_is_tried_without_end_with_growing_pauses():
    edge = Edge(*[ConnectionRefusedError("meter 192.0.2.7:502 refuses")] * 40, None)
    await edge.keep()
    assert edge.slept[:8] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert len(edge.slept) == 40
    assert edge.closed == 0
    assert edge.reports.messages[0] == EdgeFailed(
        "meter", "ConnectionRefusedError: meter 192.0.2.7:502 refuses", "", again_in=0.5
    )


async def test_pauses_begin_anew_after_a_long_run():
    edge = Edge(*[OSError("gone")] * 4, None, lasting=60.0)
    await edge.keep()
    assert edge.slept == [0.5] * 4


async def test_a_defect_of_ours_is_borne_a_few_times_then_the_edge_is_given_up():
    edge = Edge(*[ValueError("defect")] * 6, None)
    await edge.keep()
    assert len(edge.slept) == 5
    assert (edge.closed, edge.failures) == (1, [None])
    last = edge.reports.messages[-1]
    assert isinstance(last, EdgeGaveUp)
    assert (last.name, last.error) == ("meter", "ValueError: defect")
    assert "in run" in last.trace


async def test_defects_long_ago_are_forgotten():
    edge = Edge(*[ValueError("defect")] * 20, None, lasting=30.0)
    await edge.keep()
    assert edge.closed == 0


async def test_cancelling_ends_the_edge():
    forever = asyncio.Event()
    reports: Probe[EdgeReport] = Probe()
    task = asyncio.create_task(keep_running("edge", lambda: forever_wait(forever), report=reports))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reports.messages == []


async def test_a_call_cancelled_by_its_library_is_a_failure_like_any_other():
    edge = Edge(asyncio.CancelledError(), None)
    await edge.keep()
    assert (edge.slept, edge.failures, edge.closed) == ([0.5], [], 0)


async def forever_wait(event: asyncio.Event) -> None:
    await event.wait()


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_drawn_from_the_upper_half_and_bounded(failures: int, draw: float):
    backoff = Backoff()
    full = min(backoff.first * 2.0 ** min(failures - 1, 32), backoff.most)
    assert full / 2 <= backoff.delay(failures, draw) <= full
