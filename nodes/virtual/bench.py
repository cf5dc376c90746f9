"""The running bench: the virtual world on the real clock, with the cables and onlookers attached to it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from nodes.rpc import bench_pb2 as pb
from nodes.rpc.bench_codec import levels_to_wire
from nodes.virtual.plan import BenchPlan
from nodes.virtual.truth import sample
from park.errors import BenchRefused, BenchUnusable
from park.model.access import ShowFeedback
from park.model.evse import EvseCommand
from park.physics.site import Site
from park.physics.slac import Found, found

TICK_SECONDS = 0.1  # how late a change is told at most; the physics itself is exact
BEAT_SECONDS = 1.0  # a driver that hears nothing for a few of these has lost the bench
WATCH_BACKLOG = 600  # samples, one minute: an onlooker who is further behind is dropped rather than shown gaps
InputLevels: TypeAlias = Mapping[tuple[str, int], bool]
"""By node and number; an input nobody has set is low."""


class Cable:
    """One driver's link: the devices it claimed, and what it has to be told. `points`: bench name → driver's name.

    `inputs`: (node, number) of those it listens to. `since`: mono it was attached at.
    """

    def __init__(
        self,
        points: Mapping[str, str],
        readers: Mapping[str, str],
        inputs: Iterable[tuple[str, int]] = (),
        since: float = 0.0,
    ) -> None:
        self.points = points
        self.readers = readers
        self.back = {own: name for name, own in (*points.items(), *readers.items())}
        self.cards: deque[pb.CardRead] = deque()
        self.cut_because: str | None = None
        self._told = dict.fromkeys(points, -1)
        self._since = since
        self._told_vehicles: dict[str, float] = {}
        self._told_inputs: dict[tuple[str, int], bool | None] = dict.fromkeys(inputs)
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Look again whether there is something to tell."""
        self._news.set()

    def cut(self, reason: str) -> None:
        """End the link; an empty reason: the driver ended it."""
        if self.cut_because is None:
            self.cut_because = reason
        self._news.set()

    def outdated(self, site: Site, inputs: InputLevels) -> bool:
        """Whether levels of a charge point or an input changed since they were told, or a vehicle is known now."""
        return (
            any(site.evses[name].revision != told for name, told in self._told.items())
            or any(inputs.get(place, False) is not told for place, told in self._told_inputs.items())
            or any(self._found(site))
        )

    def _found(self, site: Site) -> Iterator[tuple[str, Found]]:
        """Vehicles that are known by now and nobody was told of, by bench name."""
        for name in self.points:
            vehicle = found(site.evses[name], self._since, site.mono)
            if vehicle is not None and vehicle.plugged_at != self._told_vehicles.get(name):
                yield name, vehicle

    async def messages(self, site: Site, inputs: InputLevels) -> AsyncIterator[pb.BenchToDriver]:
        """Tell everything until the link is cut. Levels conflate: a slow driver gets the newest."""
        yield pb.BenchToDriver(attached=pb.Attached())
        while self.cut_because is None:
            self._news.clear()
            for name, own in self.points.items():
                evse = site.evses[name]
                if evse.revision != self._told[name]:
                    self._told[name] = evse.revision
                    yield pb.BenchToDriver(levels=levels_to_wire(evse.report(), own))
            for name, vehicle in tuple(self._found(site)):
                self._told_vehicles[name] = vehicle.plugged_at
                yield pb.BenchToDriver(vehicle=pb.VehicleFound(charge_point=self.points[name], mac=vehicle.mac))
            for place, told in self._told_inputs.items():
                level = inputs.get(place, False)
                if level is not told:
                    self._told_inputs[place] = level
                    yield pb.BenchToDriver(input=pb.InputLevel(number=place[1], high=level))
            while self.cards:
                yield pb.BenchToDriver(card=self.cards.popleft())
            try:
                async with asyncio.timeout(BEAT_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                yield pb.BenchToDriver(beat=pb.Beat())


class Bench:
    """The world, told the time by `run`; every verb of a person or driver goes through `touch`."""

    def __init__(self, plan: BenchPlan, clock: Callable[[], float] = time.monotonic) -> None:
        self.plan = plan
        self.clock = clock
        self.site = Site(plan.site, clock())
        self.link_up = True
        self.inputs: dict[tuple[str, int], bool] = {}
        self.cables: list[Cable] = []
        self._watchers: set[asyncio.Queue[pb.BenchSample | None]] = set()

    async def run(self) -> None:
        """Let time pass until cancelled."""
        while True:
            self.pass_time()
            if self._watchers:
                now = sample(self.site)
                for watcher in list(self._watchers):
                    self._show(watcher, now)
            await asyncio.sleep(TICK_SECONDS)

    def pass_time(self) -> float:
        """Bring the world up to now and tell the drivers what changed; returns now."""
        mono = self.clock()
        self.site.advance(mono)
        self._tell()
        return mono

    def touch(self, verb: Callable[[Site, float], object]) -> None:
        """Do something to the world now, and tell the drivers at once."""
        try:
            verb(self.site, self.pass_time())
        finally:
            self._tell()

    def _tell(self) -> None:
        for cable in self.cables:
            if cable.outdated(self.site, self.inputs):
                cable.wake()

    def swipe(self, reader: str, id_tag: str) -> None:
        """Hold a card to a reader; BenchRefused when no node sees it."""
        tag = self.site.swipe(reader, id_tag)
        cable = next((cable for cable in self.cables if reader in cable.readers), None)
        if cable is None:
            raise BenchRefused(f"no node drives the reader {reader}: nobody saw the card; is the node running?")
        cable.cards.append(pb.CardRead(reader=cable.readers[reader], id_tag=tag.id_tag))
        cable.wake()

    # ------------------------------------------------------------ drivers

    def attach(self, claim: pb.AttachTo) -> Cable:
        """Give devices to a driver; BenchUnusable for unknown names, BenchRefused while the link is down."""
        if not self.link_up:
            raise BenchRefused("the link is down (`chargepark bench link up` mends it)")
        points = {self._name(self.plan.charge_points, claim.node, own): own for own in claim.charge_points}
        readers = {self._name(self.plan.readers, claim.node, own): own for own in claim.readers}
        for name in points:
            self.site.evse(name)
        for name in readers:
            self.site.reader(name)
        if claim.inputs:
            known_input(self.plan.nodes, claim.node)
        cable = Cable(points, readers, [(claim.node, number) for number in claim.inputs], self.clock())
        for other in list(self.cables):
            if other.points.keys() & points.keys() or other.readers.keys() & readers.keys():
                self.detach(other, "another driver attached to the same hardware")
        self.cables.append(cable)
        return cable

    def detach(self, cable: Cable, reason: str) -> None:
        """End a driver's link."""
        cable.cut(reason)
        if cable in self.cables:
            self.cables.remove(cable)

    def obey(self, cable: Cable, command: EvseCommand | ShowFeedback) -> None:
        """Do what a driver says, if the device is its own."""
        if isinstance(command, ShowFeedback):
            name = self._own(cable.readers, cable, command.reader)
            self.touch(lambda site, _: site.show(ShowFeedback(name, command.feedback)))
        else:
            name = self._own(cable.points, cable, command.charge_point)
            self.touch(lambda site, mono: site.apply(command, mono, name))

    def attached(self, name: str, *, reader: bool = False) -> bool:
        """Whether a driver holds this charge point or reader."""
        return any(name in (cable.readers if reader else cable.points) for cable in self.cables)

    def set_link(self, *, up: bool) -> str:
        """Cut or mend the cables of all drivers; returns what happened."""
        self.link_up = up
        if up:
            return "drivers may attach again"
        for cable in list(self.cables):
            self.detach(cable, "the link is down")
        return "every driver's cable is cut"

    @staticmethod
    def _own(mine: Mapping[str, str], cable: Cable, own: str) -> str:
        name = cable.back.get(own)
        if name is None or name not in mine:
            raise ValueError(f"{own!r} is not attached; this driver has: {', '.join(sorted(cable.back)) or 'nothing'}")
        return name

    @staticmethod
    def _name(aliases: Mapping[str, str], node: str, own: str) -> str:
        return aliases.get(f"{node}/{own}", aliases.get(own, own)) if node else aliases.get(own, own)

    # ------------------------------------------------------------ onlookers

    def watch(self) -> asyncio.Queue[pb.BenchSample | None]:
        """Begin to watch: one sample a tick; None: too far behind, or the bench ends."""
        queue: asyncio.Queue[pb.BenchSample | None] = asyncio.Queue(WATCH_BACKLOG + 1)
        self._watchers.add(queue)
        return queue

    def unwatch(self, queue: asyncio.Queue[pb.BenchSample | None]) -> None:
        """Stop watching."""
        self._watchers.discard(queue)

    def _show(self, queue: asyncio.Queue[pb.BenchSample | None], now: pb.BenchSample) -> None:
        behind = queue.qsize() >= WATCH_BACKLOG
        queue.put_nowait(None if behind else now)
        if behind:
            self._watchers.discard(queue)

    def close(self) -> None:
        """Let drivers and onlookers go."""
        for cable in list(self.cables):
            self.detach(cable, "the bench ends")
        for queue in list(self._watchers):
            self._watchers.discard(queue)
            if not queue.full():
                queue.put_nowait(None)


def known_input(nodes: tuple[str, ...], node: str) -> None:
    """Raise BenchUnusable unless the bench serves hardware of this node."""
    if node not in nodes:
        raise BenchUnusable(f"there is no node {node!r} on this bench; it has: {', '.join(sorted(nodes))}")
