"""When the demo may begin: everybody knows everybody, meters are read, and the coordinator deals out current."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator

from nodes.demo.stage import Stage
from nodes.rpc.bench_pb2 import BenchTruth
from park.model.metering import Quality
from park.view import ParkView

READY_SECONDS = 60.0  # from the start of the processes, on a slow machine
ASK_SECONDS = 0.3  # from one question to the next


async def until_ready(start: Coroutine[object, object, None], its: Stage) -> str:
    """Start, then wait until everybody knows everybody; returns what is missing after `READY_SECONDS`, or nothing."""
    missing = "the server takes no boards"
    try:
        async with asyncio.timeout(READY_SECONDS):
            await start
            while missing:
                missing = next(_missing(await its.park(), await its.truth()), "")
                await asyncio.sleep(ASK_SECONDS if missing else 0.0)
    except TimeoutError:
        pass
    return missing


def _missing(view: ParkView | None, truth: BenchTruth | None) -> Iterator[str]:
    """What has to be there before the first car comes."""
    if view is None or truth is None:
        yield "the node that leads the park, or the bench, does not answer"
        return
    if view.backend is None or view.backend.state != "online":
        yield "the park has no backend"
    for node in view.nodes:
        if node.state != "alive":
            yield f"board {node.name} has not joined"
    if not all(device.attached for device in (*truth.evses, *truth.readers)):
        yield "nobody drives the virtual hardware"
    if any(point.state is None for point in view.charge_points):
        yield "a charge point has not reported"
    if any(meter.quality is not Quality.FRESH for meter in view.meters):
        yield "a meter is not read"
    if any(circuit.holding is not False for circuit in view.circuits):
        yield "the coordinator deals out no current yet"
