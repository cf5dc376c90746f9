"""The virtual hardware of the simulated world: the bench's own physics, connected to the actors without sockets."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actors.address import Address
from actors.messages import ChargePointMessage, DriverMessage, MeterMessage, ReaderMessage
from actors.world import World
from nodes.simulation.world import SimulatedWorld
from park.model.access import ShowFeedback
from park.model.evse import ReportLevels
from park.model.metering import PollFailed, SampleTaken
from park.physics.evse import Evse
from park.physics.site import Site

WIRE_SECONDS = 0.010  # a command's way to the electronics
STEP_SECONDS = 1.0  # longest time between two looks at the world
ANSWER_SECONDS = 1.0  # a silent meter is given up after this


class SimulatedHardware:
    """Drives a `Site` in virtual time: reports levels on change, polls meters, obeys commands a wire's time later.

    `full_names`: name on the bench → NODE/NAME, as the driver's alias table has it.
    """

    def __init__(
        self,
        world: SimulatedWorld,
        site: Site,
        full_names: Mapping[str, str],
        look: Callable[[float], None],
        sampled: Callable[[str], None],
    ) -> None:
        self.site = site
        self._world = world
        self._name_of = full_names
        self._short = {full: short for short, full in full_names.items()}
        self._look = look  # called after every change of the world: the checkers' eyes
        self._sampled = sampled  # called with the name of a meter in the moment it is read
        self._points: Mapping[str, Address[ChargePointMessage]] = {}
        self._readers: Mapping[str, Address[ReaderMessage]] = {}
        self._reported: dict[str, int] = {}
        self._evses: list[tuple[str, Evse]] = list(site.evses.items())
        self._next = float("inf")

    def connect(
        self, points: Mapping[str, Address[ChargePointMessage]], readers: Mapping[str, Address[ReaderMessage]]
    ) -> None:
        """Name who is told; the world begins to move."""
        self._points, self._readers = points, readers
        self._step()

    def poll(
        self, meter: str, address: Address[MeterMessage], every: float, first: float, clock: World | None = None
    ) -> None:
        """Poll a meter every so many seconds from now on, as its edge would; by the clock of whoever polls."""
        clock = self._world if clock is None else clock

        def again() -> None:
            clock.after(every, again)
            mono = clock.now().mono
            sample = self.site.sample(meter, self._world.now().mono)
            if sample is None:
                failed = PollFailed(meter, "no answer", mono + ANSWER_SECONDS)
                clock.after(ANSWER_SECONDS, lambda: address.tell(failed))
            else:
                self._sampled(meter)
                address.tell(SampleTaken(meter, sample, mono))

        clock.after(first, again)

    def tell(self, message: DriverMessage, /) -> None:
        """Take a command to the electronics."""
        self._world.after(WIRE_SECONDS, lambda: self._obey(message))

    def swipe(self, reader: str, id_tag: str) -> None:
        """A person holds a card to a reader."""
        self._readers[reader].tell(self.site.swipe(reader, id_tag))

    def changed(self) -> None:
        """Somebody did something to the site: tell what is new, and plan the next look."""
        self._report()
        self._plan()

    def _obey(self, message: DriverMessage) -> None:
        match message:
            case ShowFeedback():
                self.site.show(message)
            case ReportLevels(point):
                name = self._short[point]
                self._tell(name, self.site.evses[name])
            case _:
                self.site.apply(message, self._world.now().mono, self._short[message.charge_point])
                self.changed()

    def _step(self) -> None:
        now = self._world.now().mono
        if now < self._next - 1e-9 and self._next != float("inf"):
            return  # an earlier look was planned since this one was
        self._next = float("inf")
        self.site.advance(now)
        self.changed()

    def _plan(self) -> None:
        """Look again at the next event, a second from now at the latest."""
        now = self._world.now().mono
        due = min(max(self.site.next_event(), now), now + STEP_SECONDS)
        if due < self._next or self._next <= now:
            self._next = due
            self._world.after(due - now, self._step)

    def _report(self) -> None:
        for name, evse in self._evses:
            if self._reported.get(name) != evse.revision:
                self._tell(name, evse)
        self._look(self._world.now().mono)

    def _tell(self, name: str, evse: Evse) -> None:
        self._reported[name] = evse.revision
        full = self._name_of[name]
        self._points[full].tell(evse.report(full))
