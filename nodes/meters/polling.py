"""The meter edge: polls every meter in its rhythm and tells its actor a sample, or why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from actors.address import Address
from nodes.meters.line import ModbusLine, Request
from park.config.quantities import Endpoint
from park.metering.decoding import Implausible, decode, decode_text
from park.metering.register_map import RegisterMap, TextPlace
from park.model.metering import PollFailed, SampleTaken, Signed
from park.model.time import Now

LONGEST_PAUSE = 5.0  # between tries of a silent meter: a neighbour on the line waits a timeout for each try


class PolledMeter(Struct, frozen=True):
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
            message = await _polled(line, turn, now)
            _heed_cancellation()
            turn.meter.report_to.tell(message)
            turn.took_place(asyncio.get_running_loop().time(), failed=isinstance(message, PollFailed))
    finally:
        line.close()


async def _polled(line: ModbusLine, turn: _Turn, now: Callable[[], Now]) -> SampleTaken | PollFailed:
    meter, answers = turn.meter, list[list[int]]()
    try:
        for block in meter.map.blocks:
            request = Request(meter.unit, meter.map.function, block)
            answers.append(await line.read(request, meter.timeout_seconds))
        signed = await _signed(line, turn)
    except OSError as error:
        return PollFailed(meter.name, str(error), now().mono)
    sample = decode(meter.map, answers)
    if isinstance(sample, Implausible):
        return SampleTaken(meter.name, None, now().mono, sample.problem)
    return SampleTaken(meter.name, replace(sample, signed=signed) if signed else sample, now().mono)


async def _signed(line: ModbusLine, turn: _Turn) -> Signed | None:
    """What the meter signed now; None where it does not sign, or gives no text. Its key is read once."""
    places = turn.meter.map.signing
    if places is None:
        return None
    turn.key = turn.key or await _text(line, turn.meter, places.key)
    record = await _text(line, turn.meter, places.record)
    return Signed(record, turn.key) if record and turn.key else None


async def _text(line: ModbusLine, meter: PolledMeter, place: TextPlace) -> str:
    registers: list[int] = []
    for block in place.reads(meter.map.largest_read):
        registers += await line.read(Request(meter.unit, meter.map.function, block), meter.timeout_seconds)
        text = decode_text(place, registers)
        if text is not None:
            return text
    return ""


def _heed_cancellation() -> None:
    """Raise what `asyncio.wait_for`, which the library uses, forgets in Python 3.11 if an answer comes with it."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _sleep_until(due: float) -> None:
    await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))


class _Turn:
    """When a meter is polled next, on the loop's clock."""

    __slots__ = ("due", "failures", "key", "meter")

    def __init__(self, meter: PolledMeter, due: float) -> None:
        self.meter = meter
        self.due = due
        self.failures = 0
        self.key = ""

    def took_place(self, clock: float, *, failed: bool) -> None:
        """Keep the rhythm; skip what was missed; pause longer after each failure but the first."""
        period = self.meter.poll_seconds
        self.failures = self.failures + 1 if failed else 0
        self.key = "" if failed else self.key  # another meter may be in its place
        self.due += period
        if self.due <= clock:
            self.due = clock + period - (clock - self.due) % period
        if self.failures > 1:
            pause = min(period * 2.0 ** min(self.failures - 1, 16), max(period, LONGEST_PAUSE))
            self.due = clock + pause
