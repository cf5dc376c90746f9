"""Composition of the demo: a place for it, its processes, the story, and the end in good order."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import tempfile
from collections import deque
from pathlib import Path

from msgspec import Struct

from nodes.demo.children import Children
from nodes.demo.configuration import configurations, data_dir, token_file
from nodes.demo.joining import make_tokens
from nodes.demo.layout import SERVER, Park, park
from nodes.demo.picture import Scene
from nodes.demo.ports import HOST, Ports, choose
from nodes.demo.readiness import READY_SECONDS, until_ready
from nodes.demo.screen import Screen
from nodes.demo.settlement import settle
from nodes.demo.stage import Stage, stage
from nodes.demo.story import story
from nodes.demo.summary import Summary
from nodes.virtual.ledger import Ledger

SETTLE_SECONDS = 20.0  # a session ends within 10 s of its car's leaving (the last reading), then it has to travel
LOOK_SECONDS = 0.5  # from one picture to the next
TOLD_LINES = 30
ENTRIES = 30
SUMMARY = "summary.json"


class Place(Struct, frozen=True):
    """Where a demo lives: an empty directory, a block of ports, and the park that is built there."""

    folder: Path
    ports: Ports
    park: Park

    @property
    def configs(self) -> dict[str, Path]:
        """The file of each node; the one that leads the park comes first."""
        return {node: self.folder / f"{node}.toml" for node in configurations(self.park, self.ports)}

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.sqlite3"

    def addresses(self) -> dict[str, str]:
        """What people need to look at it and to play with it."""
        return {
            "folder": str(self.folder),
            "status": f"chargepark status --target {self.ports.address('energy')}",
            "bench": f"chargepark bench show --target {self.ports.address('bench')}",
            "metrics": f"http://{self.ports.address('metrics')}/metrics",
            "backend": f"ws://{self.ports.address('backend')}/ocpp/{self.park.identity}",
            "ledger": str(self.ledger),
            "logs": str(self.folder / "*.log"),
        }


def prepare(clients: int, charge_points: int, port_base: int | None, folder: Path | None) -> Place:
    """Choose ports and write the configurations; raises AddressUnusable naming a port in use."""
    ports = choose(port_base, clients)
    built = park(f"demo-{secrets.token_hex(2)}", clients, charge_points)
    folder = folder or Path(tempfile.mkdtemp(prefix="chargepark-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    place = Place(folder.resolve(), ports, built)
    texts = configurations(built, ports)
    for node, path in place.configs.items():
        path.write_text(texts[node], encoding="utf-8")
    return place


async def run(place: Place, seconds: float | None, seed: int, screen: Screen) -> Summary:
    """Run it for `seconds` from when everything is up (None: until SIGINT or SIGTERM), then end all its processes."""
    summary = Summary(place.park.name, str(place.folder), place.addresses())
    signals = _Signals()
    children = Children(place.folder)
    death = asyncio.create_task(children.death())
    try:
        async with stage(place.ports) as its:
            performance = asyncio.create_task(_perform(place, children, seconds, seed, its, screen, summary))
            await asyncio.wait({performance, signals.stop, death}, return_when=asyncio.FIRST_COMPLETED)
            deaths = children.dead()
            performance.cancel()
            (failure,) = await asyncio.gather(performance, return_exceptions=True)
            summary.pids = children.pids()
            screen.close()
            screen.say("ending ...")
            if not deaths and summary.played_seconds is not None:
                await _settled(place, its, summary, signals.hurry)
    finally:
        screen.close()
        death.cancel()
        ended_badly = await children.stop()
    if isinstance(failure, Exception):
        raise failure
    summary.problems += [*deaths, *ended_badly]
    if not deaths:
        _judge(place, summary)
    (place.folder / SUMMARY).write_text(json.dumps(summary.to_json(), indent=1) + "\n", encoding="utf-8")
    return summary


async def _start(children: Children, place: Place) -> None:
    """All processes; the client boards look for their server while it makes their tokens."""
    await children.start("bench", "nodes.cli", "bench", "serve", *map(str, place.configs.values()))
    await children.start(
        "backend",
        *("nodes.virtual.backend", "--host", HOST, "--port", str(place.ports["backend"])),
        *("--ledger", str(place.ledger)),
        keep_stdin=True,
    )
    for node, path in place.configs.items():
        await children.start(node, "nodes.cli", "run", str(path))
    if clients := place.park.clients:
        tokens = {board.name: place.folder / token_file(board.name) for board in clients}
        await make_tokens(place.folder / data_dir(SERVER), tokens)


async def _perform(
    place: Place,
    children: Children,
    seconds: float | None,
    seed: int,
    its: Stage,
    screen: Screen,
    summary: Summary,
) -> None:
    """Wait until everything is up, then play and show until the time is over or this is cancelled."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    missing = await until_ready(_start(children, place), its)
    if missing:
        summary.problems.append(f"after {READY_SECONDS:.0f} s {missing}; the logs are in {place.folder}")
        return
    summary.ready_seconds = round(loop.time() - began, 1)
    began = loop.time()
    told: deque[str] = deque(maxlen=TOLD_LINES)
    playing = asyncio.create_task(its.play(story(place.park, seed), told.append))
    ledger = Ledger(place.ledger)
    screen.open()
    try:
        while not screen.gone and (seconds is None or loop.time() - began < seconds):
            view, truth = await its.park(), await its.truth()
            played = summary.played_seconds = round(loop.time() - began, 1)
            summary.sightings.look(truth, view)
            if view is not None:
                left = None if seconds is None else seconds - played
                screen.show(Scene(played, left, view, ledger.newest(ENTRIES), told, list(place.addresses().items())))
            if playing.done():
                playing.result()
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        ledger.close()
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)


async def _settled(place: Place, its: Stage, summary: Summary, hurry: asyncio.Task[None]) -> None:
    """Wait until the backend has the end of every session whose car is gone, or until there is no use in waiting."""
    ledger = Ledger(place.ledger)
    try:
        async with asyncio.timeout(SETTLE_SECONDS):
            while not hurry.done():
                summary.sightings.look(await its.truth())
                visits = summary.sightings.visits()
                if not any(problem for each in settle(visits, ledger.transactions()) for problem in each.problems()):
                    return
                await asyncio.wait({hurry}, timeout=LOOK_SECONDS)
    except TimeoutError:
        pass  # what is missing is told by `_judge`
    finally:
        ledger.close()


def _judge(place: Place, summary: Summary) -> None:
    """Compare what the backend has with what the virtual hardware counted."""
    if not place.ledger.exists():
        return
    ledger = Ledger(place.ledger)
    try:
        summary.settled = settle(summary.sightings.visits(), ledger.transactions())
        summary.problems += [problem for each in summary.settled for problem in each.problems()]
        summary.problems += [f"the backend got a {stranger} it does not know" for stranger in ledger.strangers()]
        summary.problems += [f"the backend got a wrong frame: {violation}" for violation in ledger.violations()]
    finally:
        ledger.close()


class _Signals:
    """SIGINT and SIGTERM as tasks: `stop` is done at the first, `hurry` at the second."""

    def __init__(self) -> None:
        self._counts = (asyncio.Event(), asyncio.Event())
        first, second = self._counts
        self.stop = asyncio.create_task(_set(first))
        self.hurry = asyncio.create_task(_set(second))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._count)

    def _count(self) -> None:
        first, second = self._counts
        (second if first.is_set() else first).set()


async def _set(event: asyncio.Event) -> None:
    await event.wait()
