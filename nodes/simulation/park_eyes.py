"""The checkers of a whole park: grants where they leave and where they arrive, boards' clocks turned into true time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from actors.address import Address
from actors.messages import ChargePointMessage, CoordinatorMessage, JournalMessage, Report
from nodes.simulation.clocks import BoardWorld
from nodes.simulation.eyes import Checkers, Eye
from nodes.simulation.hardware import WIRE_SECONDS
from nodes.simulation.world import SimulatedWorld
from park.charging.contactor import OPEN_AFTER_SECONDS
from park.exchange.server_link import LinkReported
from park.load.circuit import Circuit, Placement
from park.load.invariants import Cause, Violation
from park.model.demand import DemandChanged
from park.model.grant import ApplyGrant, Grant
from park.model.metering import ReadingTaken
from park.model.placement import Placed
from park.model.session import RecordFact, SessionStarted
from park.physics.evse import Evse
from park.physics.site import Site

LETS_GO_SECONDS = OPEN_AFTER_SECONDS + 1.0  # a vehicle that is offered nothing is cut off by then
SPOKE_SECONDS = 5.0  # a server that shares out renews its grants more often
ON_THE_WIRE_SECONDS = 2 * WIRE_SECONDS  # what a killed process still told its electronics has arrived by then


class Held(Struct):
    """The newest grant a charge point took since its boot; before any its electronics show what holds.

    `until`: true time. `lapse_ma`: what it falls to then. `phases`: so many since `since`, 0: before any grant.
    """

    lapse_ma: int = 0
    server_id: str = ""
    fence: tuple[int, int] = (0, 0)
    amps_ma: int = 0
    phases: int = 0
    since: float = 0.0
    until: float = float("-inf")

    def above_lapse(self, at: float) -> bool:
        return at < self.until and self.amps_ma > self.lapse_ma


class ParkCheckers(Checkers):
    """S1-S5 on all boards' circuits and charge points by truth, S12 and D4 of the whole park.

    S1 counts a grant from its sending until its board's clock says that it has ended, what the electronics signal and
    what they fall to. `stop_listed`: id tags that never may start.
    """

    def __init__(
        self,
        world: SimulatedWorld,
        circuits: Sequence[Circuit],
        placements: Sequence[Placement],
        site: Site,
        full_names: Mapping[str, str],
        stop_listed: Iterable[str] = (),
    ) -> None:
        super().__init__(world, circuits, placements, site, full_names)
        self.grants = 0
        self.takeovers: Counter[str] = Counter()
        self._speaks: tuple[BoardWorld, float] | None = None  # who sent the newest grant, and when
        self.links: dict[str, bool] = {}
        self._placed = {placement.charge_point: placement for placement in placements}
        self._nodes: dict[str, list[str]] = {}
        for name in self._placed:
            self._nodes.setdefault(name.partition("/")[0], []).append(name)
        self._held = {name: Held() for name in self._placed}
        self._runs: dict[str, BoardWorld] = {}
        self._evse_of = {full: site.evses[short] for short, full in full_names.items()}
        self._full = list(full_names.values())
        self._revisions = [-1] * len(self._full)
        self._stop_listed = frozenset(stop_listed)
        self._trouble = 0
        self._cut_off = False

    # ------------------------------------------------------------ runs

    def booted(self, node: str, boot_id: str, run: BoardWorld) -> None:
        self._runs[boot_id] = run
        now = self._world.now().mono
        for name in self._nodes.get(node, ()):
            self._signals[name].booted(now)
            self._held[name] = Held(fence=self._held[name].fence)

    def killed(self, node: str) -> None:
        """No grant reaches it any more; what it told its electronics does."""
        names = self._nodes.get(node, ())

        def nothing_comes() -> None:
            for name in names:
                self._promises.booted(name)

        self._world.after(ON_THE_WIRE_SECONDS, nothing_comes)

    def speaks(self, run: BoardWorld) -> None:
        """This server has sent a grant."""
        self._speaks = (run, self._moment())

    def another_speaks(self, run: BoardWorld) -> bool:
        """Whether it is another server that shares the current out: what this one's meters say is not known to it."""
        if self._speaks is None:
            return False
        speaker, at = self._speaks
        return speaker is not run and self._moment() < at + SPOKE_SECONDS

    def of_server(self, node: str, run: BoardWorld, boot_id: str) -> ServerEyes:
        return ServerEyes(self, run, boot_id, frozenset(self._nodes.get(node, ())))

    def of_client(self, run: BoardWorld, boot_id: str) -> ClientEyes:
        return ClientEyes(self, run, boot_id)

    def links_of(self, node: str) -> Address[Report]:
        """The view of a client board: whether it hears its server."""
        self.links[node] = False
        return _Links(self, node)

    def held(self) -> Iterable[Held]:
        """What the charge points hold that took a grant since their boot."""
        return (held for held in self._held.values() if held.server_id)

    # ------------------------------------------------------------ causes

    def trouble(self, began: int) -> None:
        """A fault began (1) or ended (-1): links may be lost."""
        self._trouble += began
        self._look_at_links()

    def restarting(self) -> None:
        for overload in self._overloads.values():
            overload.began(Cause.RESTART)

    def restarted(self) -> None:
        now = self._world.now().mono
        for overload in self._overloads.values():
            overload.ended(Cause.RESTART, now)

    def link_is(self, node: str, *, up: bool) -> None:
        self.links[node] = up
        self._look_at_links()

    def _look_at_links(self) -> None:
        cut_off = self._trouble > 0 or not all(self.links.values())
        if cut_off is self._cut_off:
            return
        self._cut_off = cut_off
        now = self._world.now().mono
        for overload in self._overloads.values():
            if cut_off:
                overload.began(Cause.LINK_LOST)
            else:
                overload.ended(Cause.LINK_LOST, now)

    # ------------------------------------------------------------ grants

    def sent(self, grant: Grant) -> None:
        """A grant leaves the coordinator (S1)."""
        now = self._moment()
        self.grants += 1
        self.log.write(("sent", grant.charge_point, grant.amps_ma, grant.epoch, grant.sequence, grant.lapse_ma))
        self.violations += self._promises.sent(now, grant, self._until(grant, now))

    def _until(self, grant: Grant, now: float) -> float:
        """True time of its end; now, where its board is not what it was any more."""
        run = self._runs.get(grant.stamp.boot_id)
        return run.true_time(grant.stamp.mono + grant.valid_for) if run is not None and run.alive else now

    def received(self, run: BoardWorld, boot_id: str, grant: Grant) -> None:
        """A grant reaches the charge point it is for (S2, S12)."""
        held = self._held[grant.charge_point]
        local = run.now().mono
        until = run.true_time(min(grant.stamp.mono, local) + grant.valid_for)
        now = self._moment()
        same_epoch_of_another = grant.epoch == held.fence[0] and held.server_id not in {"", grant.server_id}
        stale = (grant.epoch, grant.sequence) <= held.fence or same_epoch_of_another
        if grant.stamp.boot_id != boot_id or stale or until <= now:
            return
        self.log.write(("held", grant.charge_point, grant.amps_ma, grant.sequence))
        placement = self._placed[grant.charge_point]
        held.fence, held.server_id, held.amps_ma, held.until = (
            (grant.epoch, grant.sequence),
            grant.server_id,
            grant.amps_ma,
            until,
        )
        held.lapse_ma = min(grant.lapse_ma, placement.fallback_ma)
        if held.phases != len(grant.phases):
            held.phases, held.since = len(grant.phases), now
        self._signals[grant.charge_point].granted(now, grant, until)
        self._promise(grant.charge_point, now)
        if held.above_lapse(now):
            self._one_voice(grant, now)

    def placed(self, placed: Placed) -> None:
        """Its board lowers what it falls to by itself."""
        held = self._held[placed.charge_point]
        if held.lapse_ma > placed.fallback_ma:
            held.lapse_ma = placed.fallback_ma
            self._promise(placed.charge_point, self._moment())

    def _one_voice(self, grant: Grant, now: float) -> None:
        """S12: no other charge point of the park holds more than its lapse current by another server's word."""
        for name, held in self._held.items():
            if _database(held.server_id) != _database(grant.server_id) and held.above_lapse(now):
                detail = f"holds {grant.amps_ma} mA of {grant.server_id}, {name} {held.amps_ma} mA of {held.server_id}"
                self.violations.append(Violation("S12", now, grant.charge_point, detail))
                return

    def _promise(self, name: str, now: float) -> None:
        """What the electronics do, told to the books of S1."""
        evse = self._evse_of[name]
        held = self._held[name]
        lapse = max(evse.lapse_ma, held.lapse_ma)
        open_ = not evse.contactor.closed
        if evse.vehicle is not None:
            self._promises.loads(name, evse.vehicle.spec.phases)
        if evse.secondary is not None:
            closed = evse.secondary.closed or evse.secondary.driven
            self._promises.poles(name, max(held.phases, evse.spec.phases if closed else 1))
        self._promises.signalled(now, name, evse.amps_ma, lapse, held.fence, open_=open_)

    # ------------------------------------------------------------ what passes on the server

    def heard(self, message: CoordinatorMessage) -> None:
        match message:
            case ReadingTaken():
                self.readings += 1
                circuit = self._circuit_of_meter.get(message.meter)
                if circuit is not None:
                    self._read(circuit, message.quality)
            case DemandChanged():
                self.log.write((message.charge_point, message.wants, message.maximum_ma))
            case _:
                pass

    def recorded(self, message: JournalMessage) -> None:
        """D4: a card known to be refused never starts."""
        if isinstance(message, RecordFact):
            self.log.write(message.fact)
            fact = message.fact
            if isinstance(fact, SessionStarted) and fact.id_tag in self._stop_listed:
                now = self._world.now().mono
                self.violations.append(Violation("D4", now, fact.charge_point, f"{fact.id_tag} starts a session"))

    # ------------------------------------------------------------ what is

    def look(self, now: float) -> None:
        for place, (evse, _) in enumerate(self._pilots):
            if evse.revision != self._revisions[place]:
                self._revisions[place] = evse.revision
                self._promise(self._full[place], now)
                if evse.secondary is not None:
                    self._look_at_poles(self._full[place], evse, now)
        super().look(now)

    def _look_at_poles(self, name: str, evse: Evse, now: float) -> None:
        """S2: no current on a phase that was not granted, once the vehicle had its time; no pole moves under load."""
        held = self._held[name]
        if evse.torn:
            self.violations.append(Violation("S2", now, name, "its secondary pole moved under load"))
        flows = sum(1 for current in evse.flow_ma if current)
        if held.phases and flows > held.phases and now > held.since + LETS_GO_SECONDS:
            detail = f"current on {flows} phases, granted {held.phases} since {held.since:.2f} s"
            self.violations.append(Violation("S2", now, name, detail))


def _database(server_id: str) -> str:
    """Of whichever start: grants of a server's own last life end before it grants anything."""
    return server_id.partition(".")[0]


class _Links:
    def __init__(self, checkers: ParkCheckers, node: str) -> None:
        self._checkers, self._node = checkers, node

    def tell(self, message: Report, /) -> None:
        if isinstance(message, LinkReported):
            self._checkers.link_is(self._node, up=message.state == "up")


class ClientEyes:
    """Eyes of one run of a client board: here grants arrive."""

    def __init__(self, checkers: ParkCheckers, run: BoardWorld, boot_id: str) -> None:
        self._checkers, self._run, self._boot_id = checkers, run, boot_id

    def on_charge_point(self, _: str, address: Address[ChargePointMessage], /) -> Address[ChargePointMessage]:
        """Watch the grants that arrive."""
        return Eye(address, self._arrival)

    def on_coordinator(self, address: Address[CoordinatorMessage], /) -> Address[CoordinatorMessage]:
        return Eye(address, self._checkers.heard)

    def on_journal(self, address: Address[JournalMessage], /) -> Address[JournalMessage]:
        return Eye(address, self._checkers.recorded)

    def _arrival(self, message: ChargePointMessage) -> None:
        if type(message) is ApplyGrant:
            self._checkers.received(self._run, self._boot_id, message.grant)
        elif type(message) is Placed:
            self._checkers.placed(message)


class ServerEyes(ClientEyes):
    """Eyes of one run of the server: grants leave here, and arrive at its own charge points."""

    def __init__(self, checkers: ParkCheckers, run: BoardWorld, boot_id: str, own: frozenset[str]) -> None:
        super().__init__(checkers, run, boot_id)
        self._own = own

    def on_charge_point(self, name: str, address: Address[ChargePointMessage], /) -> Address[ChargePointMessage]:
        """Watch the grants that leave."""
        return Eye(Eye(address, self._arrival) if name in self._own else address, self._departure)

    def on_coordinator(self, address: Address[CoordinatorMessage], /) -> Address[CoordinatorMessage]:
        """Watch what the coordinator may know. Two servers read the same meters, each in its own moment."""
        return Eye(address, self._heard)

    def _heard(self, message: CoordinatorMessage) -> None:
        if not (type(message) is ReadingTaken and self._checkers.another_speaks(self._run)):
            self._checkers.heard(message)

    def _departure(self, message: ChargePointMessage) -> None:
        if type(message) is ApplyGrant:
            self._checkers.speaks(self._run)
            self._checkers.sent(message.grant)
