"""Two levels of the model in `boards.py`: a park, and a group whose own coordinator shares out a leased budget."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from park.load import subordinate
from park.load.circuit import Circuit, Placement
from park.load.group import GroupPlacement, GroupSettings, loads
from park.load.invariants import Violation
from park.model.access import RepeatSettings
from park.model.demand import CurrentSignalled
from park.model.electric import ZERO, PerPhase, add, highest, lowest, subtract
from park.model.grant import ApplyGrant, Grant, Stamp
from park.model.metering import ReadingTaken
from park.model.signals import RepeatLevels
from park.model.time import Now
from tests.park.load.boards import Boards

GROUP = "sub/group"
NODE = "sub"
PHASES = (0, 1, 2)
ROUNDED_SECONDS = 1e-9
KNOWN_SECONDS = 3.0  # a poll, the reading of all own meters, a report to the park above, and a late one


class Park(Boards):
    """The park above. One of its boards leads a group instead of charge points."""

    group: Group | None = None

    def __init__(
        self, circuits: Sequence[Circuit], placements: Sequence[Placement], group: GroupPlacement, **more: object
    ) -> None:
        self.loads = {each.charge_point: phase for phase, each in enumerate(loads(group))}
        super().__init__(circuits, [*placements, *loads(group)], **more)  # type: ignore[arg-type]

    def step(self, event: object) -> Sequence[object]:
        self.look_at_the_group()
        return super().step(event)  # type: ignore[arg-type]

    def promised(self, grant: Grant) -> Sequence[Violation]:
        """Nobody ever takes a grant that echoes a stamp of before the leader of the group booted."""
        alive = grant.charge_point not in self.loads or grant.stamp.boot_id == f"boot{self.boot[NODE]}"
        return super().promised(grant) if alive else ()

    def look_at_the_group(self, *, raises: bool = False) -> None:
        """The books of the checkers: what the group may truly draw. `raises`: if that is more now, its leader did it.

        It may do so by itself when what it gives fits above beside all others, as if it had been sent from there (S1).
        """
        if self.group is None:
            return
        worst = self.group.worst_ma()
        for name, phase in self.loads.items():
            before = self.promise.worst_ma(self.now, name)[phase]
            # What vehicles still draw of an earlier signal is in `worst` already: as if nothing else flowed.
            self.promise.signalled(self.now, name, worst[phase], 0, self.group.fences[phase], open_=True)
            if raises and worst[phase] > before:
                self.violations += self.promise._excesses(self.now, _given(name, worst[phase]), (phase + 1,))

    def uncounted(self) -> list[tuple[str, PerPhase, PerPhase]]:
        """The foreign load in the group is counted as its meter shows it, noise included."""
        noise = 0 if self.group is None else self.group.noise
        return [each for each in super().uncounted() if max(subtract(each[1], each[2])) > noise]

    def own_ma(self, circuit: str) -> PerPhase:
        flow = ZERO if self.group is None else self.group.flow_ma()
        for name, phase in self.loads.items():
            self.devices[name].drawn_ma = flow[phase]
        return super().own_ma(circuit)

    def foreign_ma(self, circuit: str) -> PerPhase:
        return self.house(self.now) if circuit == "grid" else ZERO

    def flows_ma(self, circuit: str) -> tuple[PerPhase, PerPhase]:
        """The house behind the meter of the group is foreign here too: nobody can take that away."""
        own, foreign = super().flows_ma(circuit)
        house = ZERO if self.group is None else self.group.house_in(circuit)
        return subtract(own, house), add(foreign, house)

    def _meters(self) -> list[str]:
        own = {each.placement.meter for name, each in self.devices.items() if name in self.loads}
        return [meter for meter in super()._meters() if meter not in own]  # the group tells what its own meter shows

    def _heartbeat(self, node: str) -> None:
        if node == NODE and self.group is not None and self.group.down:
            self.at(self.now + 1.0, lambda: self._heartbeat(node))
            return
        super()._heartbeat(node)

    def _receive(self, grant: Grant) -> None:
        if grant.charge_point not in self.loads:
            super()._receive(grant)
        elif self.group is not None and not self.group.down:
            self.group.receive(grant, self.loads[grant.charge_point])

    def report(self, name: str) -> None:
        if name not in self.loads:
            super().report(name)
        elif self.group is not None:
            self.group.tell(RepeatLevels())  # type: ignore[arg-type]

    def wish(self, name: str) -> None:
        if name not in self.loads:
            super().wish(name)


class Group(Boards):
    """The boards of the group, their coordinator, and what it truly holds of the park above: `lapse_ma`, `held`."""

    def __init__(
        self,
        above: Park,
        circuits: Sequence[Circuit],
        placements: Sequence[Placement],
        fallback_ma: PerPhase,
        **more: object,
    ) -> None:
        self.above, self.fallback_ma = above, fallback_ma
        self.held: dict[int, tuple[Grant, float]] = {}
        self.fences = [(0, 0)] * len(PHASES)
        self.lapse_ma: PerPhase = fallback_ma
        self.reported: list[float] = []  # when
        self._houses: deque[tuple[float, PerPhase]] = deque([(-KNOWN_SECONDS, ZERO)])
        super().__init__(circuits, placements, **more)  # type: ignore[arg-type]
        above.group = self

    @property
    def now(self) -> float:
        return self.above.now

    @now.setter
    def now(self, _: float) -> None:
        """Time is the park's."""

    def at(self, when: float, act: Callable[[], None]) -> None:
        self.above.at(when, act)

    def clock(self) -> Now:
        return Now(self.above.board_clock(NODE), self.wall)

    def true_time(self, mono: float) -> float:
        """Never before, as a rounded time may be."""
        return (mono - 1000.0 * self.above.boot[NODE]) / self.above.clock_rate + ROUNDED_SECONDS

    def foreign_ma(self, circuit: str) -> PerPhase:
        return self.house(self.now) if circuit == "root" else ZERO

    def known_house_ma(self) -> PerPhase:
        """Its foreign load as the park above can know it: a rise once it was read, settled and told there."""
        houses, house, link = self._houses, self.foreign_ma("root"), self.above.links[NODE]
        while len(houses) > 1 and houses[1][0] <= self.now - KNOWN_SECONDS:
            houses.popleft()
        known = house
        for _, load in houses:
            known = lowest(known, load)
        told = not (self.down or link.cut or link.lost_up or self.dead_meters)
        seen = house if told else known
        if seen != houses[-1][1]:
            houses.append((self.now, seen))
        return known

    def house_in(self, circuit: str) -> PerPhase:
        """Its foreign load, as far as it flows in that circuit of the park above."""
        hangs = any(device.placement.node == NODE for device in self.above.below(circuit))
        return self.foreign_ma("root") if hangs else ZERO

    def flow_ma(self) -> PerPhase:
        return add(self.own_ma("root"), self.foreign_ma("root"))

    # ------------------------------------------------------------ its coordinator

    def begun(self) -> object:  # type: ignore[override]
        """A life of its leader begins: it holds nothing of the life before."""
        self.forget()
        boot = f"boot{self.above.boot[NODE]}"
        self.sub = subordinate.initial(
            self.settings, GroupSettings(GROUP, boot, self.fallback_ma, self.fallback_ma), self.clock()
        )
        return self.sub.inner

    def step(self, event: object) -> Sequence[object]:
        self.promise.limited("root", lowest(self.limit_of("root"), self.allowed_ma()))
        self.above.look_at_the_group()
        self.sub, effects = subordinate.step(self.sub, event, self.clock())  # type: ignore[arg-type]
        self.above.look_at_the_group(raises=True)
        return effects

    def perform(self, effect: object) -> None:
        if isinstance(effect, subordinate.TellAbove):
            message = effect.message
            if isinstance(message, CurrentSignalled):
                self.reported.append(self.now)
            if isinstance(message, ReadingTaken):
                message = replace(message, mono=self.true_time(message.mono))
            if not isinstance(message, RepeatSettings):  # where it is placed was said to `begun`
                self.above._up(NODE, message)
            return
        if isinstance(effect, RepeatLevels):
            for name in self.devices:
                self.report(name)
                self.wish(name)
        super().perform(effect)
        self.above.look_at_the_group(raises=True)

    def receive(self, grant: Grant, phase: int) -> None:
        """A budget arrives: what it truly allows, and what the coordinator makes of it."""
        left = (grant.stamp.mono + grant.valid_for - self.clock().mono) / self.above.clock_rate
        fence, boot = (grant.epoch, grant.sequence), f"boot{self.above.boot[NODE]}"
        of_this_life = grant.stamp.boot_id == boot and grant.stamp.mono >= self.began
        if fence > self.fences[phase] and left > 0 and of_this_life:
            self.held[phase], self.fences[phase] = (grant, self.now + left), fence
            lapse = list(self.lapse_ma)
            lapse[phase] = min(grant.lapse_ma, self.fallback_ma[phase])
            self.lapse_ma = (lapse[0], lapse[1], lapse[2])
            self.above.look_at_the_group()
        self.tell(ApplyGrant(grant))  # type: ignore[arg-type]

    def reboot_leader(self) -> None:
        """Its process ends, its boards go on by themselves."""
        self.down = True
        self.above.boot[NODE] += 1
        self.forget()
        for name in self.above.loads:
            self.above.promise.booted(name)

    def forget(self) -> None:
        """No stamp of before makes a budget valid any more. Where the boot is the same nobody above can know that."""
        self.began = self.clock().mono
        self.held.clear()
        self.lapse_ma, self.fences = self.fallback_ma, [(0, 0)] * len(PHASES)

    # ------------------------------------------------------------ what is true

    def allowed_ma(self) -> PerPhase:
        """The budget in force on each phase."""
        one, two, three = [
            max([self.lapse_ma[phase], *(grant.amps_ma for grant, until in self._held(phase) if self.now < until)])
            for phase in PHASES
        ]
        return (one, two, three)

    def _held(self, phase: int) -> list[tuple[Grant, float]]:
        return [self.held[phase]] if phase in self.held else []

    def may_give_ma(self) -> PerPhase:
        """What its leader may give to its charge points without asking: nothing while it is down, or still waits."""
        return ZERO if self.down or self.state.holding_until is not None else self.allowed_ma()

    def drawn_at_most_ma(self) -> PerPhase:
        """What flows at most by what charge points hold, or may still receive, and the foreign load."""
        total = self.known_house_ma()
        for name in self.devices:
            total = add(total, self.promise._worst(self.now, name))
        return total

    def worst_ma(self) -> PerPhase:
        """What may flow into the group from now on without a word of the park above."""
        return highest(self.drawn_at_most_ma(), self.may_give_ma())


def _given(load: str, amps_ma: int) -> Grant:
    return Grant(load, amps_ma, (), epoch=0, server_id="", sequence=0, valid_for=0, lapse_ma=0, stamp=Stamp("", "", 0))
