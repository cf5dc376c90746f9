"""From an event on one board to the grant obeyed on another, over real gRPC with mutual TLS between processes.

A car comes to a charge point; the car beside it, on another board, has to give way: the lower setpoint there is what
is waited for. Beside it: plain gRPC round trips over the same port.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path

from benchmarks.boards import MeasuredBoard, park_of_boards, places, wait_for
from benchmarks.spread import Spread
from benchmarks.table import Table, ratio
from nodes.field import ThreadWorld
from nodes.field.timers import Timers
from park.model.evse import PilotOutput, Signal

EVENT_SECONDS = 0.04  # 25 cars a second: beyond any real park
VISIT_SECONDS = 0.3
AGAIN_SECONDS = 11.0  # until the neighbour has its current back: reaction time, a cycle, five seconds of the pilot
ANSWER_SECONDS = 1.0
ROUNDS = 500


@dataclass(frozen=True, slots=True)
class Row:
    points: int
    boards: int
    what: str
    seconds: Spread
    lost: int = 0


async def measure(points: int, boards: int, events: int) -> list[Row]:
    """One park, from its start to its end."""
    world, edges = ThreadWorld(), Timers()
    try:
        with tempfile.TemporaryDirectory() as folder:
            async with park_of_boards(Path(folder), world, edges.after, points, boards) as made:
                return await _measured(made, edges, points, events)
    finally:
        edges.close()
        world.close()


async def _measured(boards: list[MeasuredBoard], edges: Timers, points: int, events: int) -> list[Row]:
    where = places(points, len(boards))
    told: dict[str, list[tuple[float, int]]] = {place.name: [] for place in where}

    def note(signal: Signal) -> None:
        if signal.output is PilotOutput.PWM:
            told[signal.charge_point].append((time.perf_counter(), signal.amps_ma))

    for board in boards:
        board.hardware.signalled = note
    residents, visitors = where[::2], where[1::2]
    for place in residents:
        edges.after(5.0, lambda place=place: boards[place.board].hardware.plug(place.name))
    full = max(6_000, 10_000)
    await wait_for("all residents to charge", lambda: all(told[each.name][-1:] and told[each.name][-1][1] >= full for each in residents), 120.0)
    gc.collect()
    happened: list[tuple[float, int]] = []

    def come(number: int) -> None:
        place = visitors[number]
        happened.append((time.perf_counter(), number))
        boards[place.board].hardware.plug(place.name)

    between = max(EVENT_SECONDS, AGAIN_SECONDS / len(visitors)) if events > len(visitors) else EVENT_SECONDS
    for count in range(events):
        number = count % len(visitors)
        place = visitors[number]
        edges.after(count * between, lambda number=number: come(number))
        leave = boards[place.board].hardware
        edges.after(count * between + VISIT_SECONDS, lambda leave=leave, place=place: leave.unplug(place.name))
    await wait_for("all cars", lambda: len(happened) == events, events * between + 30.0)
    await asyncio.sleep(ANSWER_SECONDS)
    answers: list[float] = []
    from_wire: list[float] = []
    for at, number in happened[events // 10 :]:
        answer = _lowered(told[residents[number].name], at)
        if answer is None:
            continue
        answers.append(answer - at)
        visitor = visitors[number]
        left = [when for when, name in boards[visitor.board].demands if name == visitor.name and at <= when <= answer]
        if left:
            from_wire.append(answer - left[-1])
    lost = len(happened) - events // 10 - len(answers)
    return [
        Row(points, len(boards), "car arrives → the setpoint of another board", Spread.of(answers), lost),
        Row(points, len(boards), "its demand on the wire → the setpoint", Spread.of(from_wire), 0),
    ]


def _lowered(signals: list[tuple[float, int]], at: float) -> float | None:
    first = bisect_left(signals, (at, 0))
    before = signals[first - 1][1] if first else 0
    for when, amps_ma in signals[first:]:
        if when > at + ANSWER_SECONDS:
            return None
        if amps_ma < before:
            return when
    return None
