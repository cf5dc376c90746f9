"""The boards of a measured park that are not measured, in a process of their own: `benchmarks.boards` starts it.

Arguments: folder, charge points, boards, port for boards, port for pairing. Prints a line when their residents charge;
from then on cars come and go, until the process is told to end.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from benchmarks.awake import behind_others
from benchmarks.boards import HERE, Site, running
from benchmarks.grants import EVENT_SECONDS, Rows
from nodes import interpreter
from nodes.field import PoolWorld
from nodes.field.timers import Timers


async def stand_by(site: Site) -> None:
    behind_others()  # they have machines of their own
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    world, timers = PoolWorld(), Timers()
    numbers = range(HERE, site.boards)
    async with running(site, numbers, world, timers.after) as made:
        rows = Rows.of(dict(zip(numbers, made, strict=True)), site.points, site.boards)
        await rows.move_in(timers.after)
        interpreter.settle()
        print("all charge", flush=True)  # whoever started this waits for it
        await _come_and_go(rows, timers, ended)
    timers.close()
    world.close()


async def _come_and_go(rows: Rows, timers: Timers, ended: asyncio.Event) -> None:
    count = 0
    while not ended.is_set():
        rows.visit(count % len(rows.visitors), timers.after, 0.0)
        count += 1
        try:
            await asyncio.wait_for(ended.wait(), EVENT_SECONDS)
        except TimeoutError:
            continue


if __name__ == "__main__":
    folder, *numbers = sys.argv[1:]
    asyncio.run(stand_by(Site(Path(folder), *map(int, numbers))))
