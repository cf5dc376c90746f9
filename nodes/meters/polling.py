"""The meter edge: polls every meter in its rhythm and tells its actor a sample, or why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby

from actors.address import Address
from nodes.meters.line import ModbusLine, Request
from park.config.quantities import Endpoint
from park.metering.decoding import Implausible, decode
from park.metering.register_map import RegisterMap
from park.model.metering import PollFailed, SampleTaken
from park.model.time import Now

LONGEST_PAUSE = 5.0  # between tries of a silent meter: a neighbour on the line waits a timeout for each try


@dataclass(frozen=True, slots=True)
class PolledMeter:
    """A meter, where it is, and who is told."""

    name: str
    map: RegisterMap
    endpoint: Endpoint
    unit: int
    poll_seconds: float
    timeout_seconds: float
    report_to: Address[SampleTaken | PollFailed]


async def poll_meters(meters: Iterable[PolledMeter], now: Callable[[], Now]) -> None:
    """Poll until cancelled, one connection an address. What goes wrong on the wire is told, not raised."""
    ordered = sorted(meters, key=lambda meter: (str(meter.endpoint), meter.unit))
    async with asyncio.TaskGroup() as lines:
        for _, group in groupby(ordered, key=lambda meter: meter.endpoint):
            lines.create_task(poll_line(tuple(group), now))


async def poll_line(meters: tuple[PolledMeter, ...], now: Callable[[], Now]) -> None:
    """Poll the meters of one address one after the other, their periods evenly shifted against each other."""
    line = ModbusLine(meters[0].endpoint)
    began = asyncio.get_running_loop().time()
    turns = [_Turn(meter, began + meter.poll_seconds * n / len(meters)) for n, meter in enumerate(meters)]
    try:
        while True:
            turn = min(turns, key=lambda each: each.due)
            await _sleep_until(turn.due)
            message = await _polled(line, turn.meter, now)
            _heed_cancellation()
            turn.meter.report_to.tell(message)
            turn.took_place(asyncio.get_running_loop().time(), failed=isinstance(message, PollFailed))
    finally:
        line.close()


async def _polled(line: ModbusLine, meter: PolledMeter, now: Callable[[], Now]) -> SampleTaken | PollFailed:
    answers: list[list[int]] = []
    try:
        for block in meter.map.blocks:
            request = Request(meter.unit, meter.map.function, block)
            answers.append(await line.read(request, meter.timeout_seconds))
    except OSError as error:
        return PollFailed(meter.name, str(error), now().mono)
    sample = decode(meter.map, answers)
    if isinstance(sample, Implausible):
        return SampleTaken(meter.name, None, now().mono, sample.problem)
    return SampleTaken(meter.name, sample, now().mono)


def _heed_cancellation() -> None:
    """Raise what `asyncio.wait_for`, which the library uses, forgets in Python 3.11 if an answer comes with it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _sleep_until(due: float) -> None:
    await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))


class _Turn:
    """When a meter is polled next, on the loop's clock."""

    __slots__ = ("due", "failures", "meter")

    def __init__(self, meter: PolledMeter, due: float) -> None:
        self.meter = meter
        self.due = due
        self.failures = 0

    def took_place(self, clock: float, *, failed: bool) -> None:
        """Keep the rhythm; skip what was missed; pause longer after each failure but the first."""
        period = self.meter.poll_seconds
        self.failures = self.failures + 1 if failed else 0
        self.due += period
        if self.due <= clock:
            self.due = clock + period - (clock - self.due) % period
        if self.failures > 1:
            pause = min(period * 2.0 ** min(self.failures - 1, 16), max(period, LONGEST_PAUSE))
            self.due = clock + pause
