"""Cars that come, stay shortly and go at every charge point of a park, while somebody kills its nodes."""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from support.answered import Answered
from support.park_rig import SERVER, TAGS, ParkRig

from nodes.rpc import bench_pb2 as pb
from park.errors import ChargeparkError
from park.model.evse import PilotState
from park.view import ChargePointRow

STAY = (1.0, 6.0)  # seconds a car charges
PAUSE = (0.0, 2.0)  # seconds a charge point stays free
DOWN = (0.0, 2.0)  # seconds until a dead node is started again
CARD_AGAIN = 10.0  # seconds without current after which the driver shows the card again
TRIES = 4  # then the driver goes elsewhere
LOOK_SECONDS = 0.1


@dataclass
class Driver:
    """One charge point and whoever is there. Of the step it is at: `since` when, `until` when, monotonic clock."""

    point: str
    tag: str
    step: Callable[[Driver, Glance], None] = field(init=False)
    since: float = 0.0
    until: float = 0.0
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Glance:
    """What is seen at one charge point now. `row`: as its board shows it, None: the board does not answer."""

    now: float
    evse: pb.EvseTruth
    row: ChargePointRow | None

    @property
    def charges(self) -> bool:
        return self.evse.currents.l1_ma > 0

    def shows(self, *states: PilotState, session: bool | None = None) -> bool:
        if self.row is None or self.row.state not in states:
            return False
        return session is None or (self.row.session is not None) == session


@dataclass
class Crowd:
    """`begun`: sessions in which current flowed. `gone`: drivers who gave up."""

    park: ParkRig
    draw: random.Random
    begun: int = 0
    gone: int = 0
    open: bool = True

    def __post_init__(self) -> None:
        self.drivers = [Driver(point, TAGS[number]) for number, point in enumerate(self.park.charge_points)]
        for driver in self.drivers:
            driver.step = self._arrive
            driver.until = time.monotonic() + self.draw.uniform(*PAUSE)

    def act(self) -> None:
        """Look once, and let everybody do what is their turn."""
        truth = self.park.truth()
        if truth is None:
            raise RuntimeError(f"the bench is gone: {self.park.log('bench')[-2000:]}")
        evses = {evse.charge_point: evse for evse in truth.evses}
        rows = {row.name: row for node in self.park.clients for row in self._rows(node)}
        now = time.monotonic()
        for driver in self.drivers:
            evse = evses.get(driver.point) or evses[driver.point.partition("/")[2]]
            driver.step(driver, Glance(now, evse, rows.get(driver.point)))

    def leave(self) -> bool:
        """Nobody comes any more, and who is there goes as soon as the car had current; whether all are gone."""
        self.open = False
        self.act()
        return all(driver.step == self._arrive for driver in self.drivers)

    def _rows(self, node: str) -> tuple[ChargePointRow, ...]:
        view = self.park.board_view(node) if self.park.runs(node) else None
        return () if view is None else view.charge_points

    def _turn(self, driver: Driver, step: Callable[[Driver, Glance], None], now: float, seconds: float = 0.0) -> None:
        driver.step, driver.since, driver.until = step, now, now + seconds

    def _arrive(self, driver: Driver, seen: Glance) -> None:
        if self.open and seen.now >= driver.until and seen.shows(PilotState.A, session=False):
            self.park.plug(driver.point)
            driver.tries = 0
            self._turn(driver, self._show_card, seen.now)

    def _show_card(self, driver: Driver, seen: Glance) -> None:
        if not seen.shows(PilotState.B, session=False):
            self._wait(driver, seen)
            return
        node, _, point = driver.point.partition("/")
        driver.tries += 1
        with contextlib.suppress(ChargeparkError):  # nobody drives the reader now
            self.park.swipe(driver.tag, f"{node}/{point}-reader")
        self._turn(driver, self._wait, seen.now)

    def _wait(self, driver: Driver, seen: Glance) -> None:
        """For current. Who has a session waits on: the card would end it."""
        if seen.charges:
            self.begun += 1
            self._turn(driver, self._charge, seen.now, self.draw.uniform(*STAY))
        elif seen.now > driver.since + CARD_AGAIN and driver.step == self._wait and driver.tries < TRIES:
            self._turn(driver, self._show_card, seen.now)
        elif seen.now > driver.since + 3 * CARD_AGAIN:
            self.gone += 1
            self._go(driver, seen)

    def _charge(self, driver: Driver, seen: Glance) -> None:
        if seen.now >= driver.until or not self.open:
            self._go(driver, seen)

    def _go(self, driver: Driver, seen: Glance) -> None:
        self.park.unplug(driver.point)
        self._turn(driver, self._forget, seen.now)

    def _forget(self, driver: Driver, seen: Glance) -> None:
        """The next car comes when the board knows that this one is gone: two it has not seen apart are one to it."""
        if seen.shows(PilotState.A, session=False):
            self._turn(driver, self._arrive, seen.now, self.draw.uniform(*PAUSE))


@dataclass
class Killer:
    """Kills nodes in turns, in an order nobody knows, evenly over the sessions; starts them again a while later."""

    park: ParkRig
    draw: random.Random
    answered: Answered
    kills: Counter[str] = field(default_factory=Counter[str])
    _back: dict[str, float] = field(default_factory=dict[str, float])
    _deck: list[str] = field(default_factory=list[str])

    def act(self, due: int) -> None:
        """Kill somebody if fewer than `due` have died; who was away for long enough comes back."""
        now = time.monotonic()
        for node, at in list(self._back.items()):
            if at <= now:
                del self._back[node]
                self.park.start_board(node)
                self.answered.started(node)
        if self.kills.total() < due:
            self._kill(now)

    def revive(self) -> None:
        for node in self._back:
            self._back[node] = 0.0
        self.act(0)

    def _kill(self, now: float) -> None:
        if not self._deck:
            self._deck = self.draw.sample(list(self.park.files), len(self.park.files))
        node = self._deck.pop()
        if node in self._back:
            return
        self.answered.died(node, self._connectors(node))
        self.park.kill(node)
        self.kills[node] += 1
        self._back[node] = now + self.draw.uniform(*DOWN)

    def _connectors(self, node: str) -> frozenset[int] | None:
        if node == SERVER:
            return None
        return frozenset(
            self.park.connector(point) for point in self.park.charge_points if point.startswith(f"{node}/")
        )
