"""The coordinator's state: circuits, boards and charge points, and when it has to act next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct, field

from park.load.algorithms import Algorithm, share_out, sharing
from park.load.circuit import FREE_MA, Circuit, Network, Placement, as_sum_ma
from park.load.conditions import Conditions
from park.load.external import ExternalLoad
from park.load.lease import lease_and_guard
from park.load.limits import NOTHING_BINDS, HeldLimit, Limits, smallest, smallest_watts
from park.load.poles import SWITCH_SECONDS
from park.load.report import Bindings, LimitsReported, ShareReported
from park.load.rivalry import Rivalry
from park.load.solar.settings import Solar
from park.load.solar.sun import Sun
from park.load.standing import Board, Point
from park.load.tenure import Tenure
from park.load.told import Told, told_by
from park.load.unused import SETTLE_SECONDS
from park.model.electric import PerPhase, lowest, subtract
from park.model.grant import Reason
from park.model.limit import ClearLimit, LimitAnswer, LimitKind, SetLimit, TakesLimitOutcome
from park.model.solar import SetSolarMode
from park.model.standing_limits import HoldLimits

Chain: TypeAlias = tuple[Reason, ...]
LimitOrder: TypeAlias = SetLimit | ClearLimit | SetSolarMode
Where: TypeAlias = tuple[int, bool, bool]
"""(line, whether those it stops wait, whether it is the balance of phases)."""
Stands: TypeAlias = tuple[tuple[PerPhase, bool, int], int]
"""What decides about the limit (see `CircuitState.bound`), and how many share it."""

CHARGING_ONLY = frozenset({LimitKind.PROFILE, LimitKind.SOLAR})  # they count what charge points take, not the house
RENEWED_TOGETHER = 8  # charge points: renewing 250 at once kept a node busy for 45 ms, and everything else waited


class CoordinatorSettings(Struct, frozen=True):
    """`interval_seconds`: raises and reports. `lease_seconds`: validity of grants. `epoch`: higher at every start.

    `server_id`: new at every start, `lives`: those of earlier ones. `sees_servers`: other servers are looked for.
    `suspects`: another one kept the start before from leading.
    `unused_seconds`: so long a vehicle draws less than it may before others get it.
    `switch_seconds`: so long another number of phases is better before a vehicle that charges is switched.
    `node`: this board, whose charge points speak for themselves; "": all do. `told`: see `told.Telling.counted`.
    `keeps_limits`: those of before are on disk, and nothing is granted before they are read. `machine_boot`: of the
    machine, whose monotonic clock goes on over restarts of the process; "": not known. `unset_kinds`: of limits that
    nobody can set any more, so that those of before do not hold for ever.

    Build it from what `startup.refusals` found nothing wrong with.
    """

    circuits: tuple[Circuit, ...]
    placements: tuple[Placement, ...]
    server_id: str
    epoch: int = 1
    interval_seconds: float = 2.0
    lease_seconds: float = 10.0
    renew_seconds: float = 3.0
    rotation_seconds: float = 900.0
    unused_seconds: float = SETTLE_SECONDS
    switch_seconds: float = SWITCH_SECONDS
    lives: frozenset[str] = frozenset()
    sees_servers: bool = False
    suspects: bool = False
    node: str = ""
    told: Mapping[str, Told] = field(default_factory=dict[str, Told])
    conditions: Conditions = Conditions()
    keeps_limits: bool = False
    machine_boot: str = ""
    unset_kinds: frozenset[LimitKind] = frozenset()
    solar: tuple[Solar, ...] = ()
    algorithm: Algorithm = Algorithm.FAIR


class CircuitState:
    """One circuit's limits now. Mutable, owned by the coordinator's state."""

    __slots__ = (
        "_available",
        "_available_for",
        "_bound",
        "_bound_by",
        "_charging_by",
        "_charging_ma",
        "_charging_power_by",
        "_charging_watts",
        "_limit_ma",
        "_planned",
        "_planned_for",
        "circuit",
        "external",
        "imposed_by",
        "impositions",
        "limit_watts",
        "points",
        "power_by",
        "reported",
    )

    def __init__(self, circuit: Circuit, points: Sequence[Point]) -> None:
        self.circuit = circuit
        self.points = tuple(points)
        self.external = ExternalLoad(circuit, [point for point in self.points if point.placement.meter is not None])
        self.imposed_by = NOTHING_BINDS
        self._limit_ma = circuit.limit_ma
        self.limit_watts = circuit.limit_watts
        self.power_by: HeldLimit | None = None
        self._charging_by = NOTHING_BINDS
        self._charging_ma = circuit.limit_ma
        self._charging_watts: int | None = None
        self._charging_power_by: HeldLimit | None = None
        self.reported: tuple[object, ...] | None = None  # the values of the newest report
        self.impositions = 0  # how often limits came and went
        self._bound: tuple[PerPhase, bool, int] | None = None  # with what `_bound_by` was found
        self._bound_by: Bindings = ("", "", "")
        self._planned_for: PerPhase | None = None  # the foreign load that `_planned` was found with
        self._planned = (0, 0, 0, 0)
        self._available_for: PerPhase | None = None  # the same of `_available`
        self._available = (0, 0, 0, 0)

    def impose(self, held: Sequence[HeldLimit]) -> None:
        """These limits are in force here, and no others.

        A profile of a backend and the sun count what the charge points take, the others count all that flows.
        """
        self.impositions += 1
        self._planned_for = self._available_for = None
        design = self.circuit.limit_ma
        charging = [each for each in held if each.limit.kind in CHARGING_ONLY]
        others = [each for each in held if each.limit.kind not in CHARGING_ONLY]
        self._limit_ma, self.imposed_by = smallest(others, design)
        self.limit_watts, self.power_by = smallest_watts(others, self.circuit.limit_watts)
        self._charging_ma, self._charging_by = smallest(charging, design)
        self._charging_watts, self._charging_power_by = smallest_watts(charging, None)

    def limit_ma(self) -> PerPhase:
        """The smallest of design limit and all limits in force on what flows here, per phase (B-087, B-262)."""
        return self._limit_ma

    def available_ma(self) -> PerPhase:
        """For raises: limit − headroom − what may be foreign load. May be negative."""
        one, two, three, _ = self.available_lines()
        return (one, two, three)

    def planned_ma(self) -> PerPhase:
        """For plans: the same with the foreign load that is certain and steady."""
        return self._less(self.external.planned.held_ma)

    def planned_sum_ma(self) -> int:
        """For plans: the same with the foreign load that is certain and steady."""
        return self._sum_less(self.external.planned.held_ma)

    def planned_lines(self) -> tuple[int, int, int, int]:
        """`planned_ma` and `planned_sum_ma`, as lines (see `circuit.Lines`)."""
        foreign = self.external.planned.held_ma
        if foreign != self._planned_for:
            self._planned_for, self._planned = foreign, (*self._less(foreign), self._sum_less(foreign))
        return self._planned

    def available_lines(self) -> tuple[int, int, int, int]:
        """`available_ma`, and what the limit in watts leaves to the sum of the phases, as lines (`circuit.Lines`)."""
        foreign = self.external.possible_ma
        if foreign != self._available_for:
            self._available_for, self._available = foreign, (*self._less(foreign), self._sum_less(foreign))
        return self._available

    def _sum_less(self, external_ma: PerPhase) -> int:
        left = FREE_MA if self.limit_watts is None else as_sum_ma(self.limit_watts) - sum(external_ma)
        return left if self._charging_watts is None else min(left, as_sum_ma(self._charging_watts))

    def bound_power(self) -> HeldLimit | None:
        """The limit in watts somebody set that leaves least to the sum of the phases; None: the design does."""
        charging = self._charging_watts
        if charging is not None and as_sum_ma(charging) <= self.planned_sum_ma():
            return self._charging_power_by
        return self.power_by

    def _less(self, external_ma: PerPhase) -> PerPhase:
        headroom = self.circuit.headroom_ma
        left = subtract(subtract(self.limit_ma(), external_ma), (headroom, headroom, headroom))
        return lowest(left, self._charging_ma)

    def bound_by(self) -> Bindings:
        """Which limit takes most from each phase, in words of `Reason.limit`."""
        now = self.bound()
        if now != self._bound:
            self._bound, self._bound_by = now, (self._binding(0), self._binding(1), self._binding(2))
        return self._bound_by

    def bound(self) -> tuple[PerPhase, bool, int]:
        """All that decides which limit binds: it is the same one as long as this is the same."""
        return (self.external.planned.held_ma, self.external.fallback_in_force, self.impositions)

    def bound_limit(self, phase: int) -> HeldLimit | None:
        """The limit somebody set that takes most from this phase (0, 1, 2); None: something else does."""
        circuit, foreign = self.circuit, self.external.planned.held_ma[phase]
        charging = self._charging_by[phase]
        if charging is not None and self._charging_ma[phase] <= self.limit_ma()[phase] - foreign - circuit.headroom_ma:
            return charging
        cut = circuit.limit_ma[phase] - self.limit_ma()[phase]
        return self.imposed_by[phase] if cut >= foreign else None

    def _binding(self, phase: int) -> str:
        circuit, external = self.circuit, self.external
        foreign, imposed = external.planned.held_ma[phase], self.bound_limit(phase)
        if imposed is not None:
            return imposed.word
        if foreign > 0 and foreign >= circuit.headroom_ma:
            return "external_fallback" if external.fallback_in_force else "external_load"
        return "headroom" if circuit.headroom_ma > 0 else "fuse"


class CoordinatorState:
    """Everything the coordinator knows.

    Mutable: `coordinator.step` changes it in place and returns it; a copy for each reading would cost more than the
    reading itself. `stale_plan`: something changed that shares depend on. `touched`: whose wish did, which may change
    little. `near_until`: mono, as long as the shares of those whose wish stays are those of the newest plan; −∞: that
    counted somebody by more than wishes (silent boards, current that is not drawn), or was none.
    `recomputing`: a `Recompute` is under way; it
    raises the `newly_ready` too, and whoever waits when somebody turned out to hold less than it might have
    (`found_room`).
    """

    __slots__ = (
        "_place",
        "_upwards",
        "above",
        "boards",
        "chains",
        "circuit_by_meter",
        "circuits",
        "early_orders",
        "epoch",
        "found_room",
        "holding_until",
        "input_levels",
        "limit_answers",
        "limit_token",
        "limits",
        "limits_loaded",
        "limits_reported",
        "near_until",
        "network",
        "newly_ready",
        "next_cycle",
        "next_renewal",
        "parts",
        "parts_unused",
        "points",
        "points_by_meter",
        "points_by_name",
        "recomputing",
        "renewal_turn",
        "renewal_turns",
        "replan_at",
        "reserve_restored_at",
        "rivalry",
        "sequence",
        "settings",
        "share_out",
        "shares_reported",
        "speaking",
        "stale_plan",
        "suns",
        "targets",
        "tenure",
        "told_limits",
        "touched",
        "unheard",
    )

    def __init__(self, settings: CoordinatorSettings, began: float) -> None:
        self.settings = settings
        self.network = Network(settings.circuits)
        placements = sorted(settings.placements, key=lambda placement: placement.charge_point)
        self.boards = {placement.node: Board(placement.node) for placement in placements}
        self.points = tuple(
            Point(
                placement,
                self.network,
                self.boards[placement.node],
                settings.lease_seconds,
                began,
                settings.told.get(placement.charge_point),
                settings.unused_seconds,
            )
            for placement in placements
        )
        for point in self.points:
            if settings.node in {"", point.placement.node}:  # its settings are those of this start
                point.commitment.keeps(told_by(point.placement))
        self.points_by_name = {point.placement.charge_point: point for point in self.points}
        self.points_by_meter = {point.placement.meter: point for point in self.points if point.placement.meter}
        self.circuits = tuple(
            CircuitState(circuit, [point for point in self.points if circuit.name in self._path(point)])
            for circuit in self.network.circuits
        )
        self.above = {
            point: tuple(self.circuits[self.network.index[name]] for name in self._path(point)) for point in self.points
        }
        index, paths = self.network.index, self.network.paths
        self._place = [index[point.placement.circuit] for point in self.points]
        inward = sorted(paths.values(), key=lambda path: -len(path))  # every circuit comes before its parent
        self._upwards = [(index[path[0]], index[path[1]]) for path in inward if len(path) > 1]
        self.circuit_by_meter = {state.circuit.meter: state for state in self.circuits if state.circuit.meter}
        self.suns = tuple(self._sun(solar) for solar in settings.solar)
        self.targets: dict[str, CircuitState | Point] = {state.circuit.name: state for state in self.circuits}
        self.targets |= self.points_by_name
        self.limits = Limits(_after(settings))
        self.told_limits: tuple[HoldLimits, ...] = ()
        self.limits_loaded = not settings.keeps_limits
        self.early_orders: list[LimitOrder] = []  # they wait until the limits of before are loaded
        self.limits_reported: LimitsReported | None = None
        self.limit_token = 0  # of the newest commit
        self.limit_answers: dict[int, tuple[TakesLimitOutcome, LimitAnswer]] = {}  # told when their commit is on disk
        self.input_levels: dict[tuple[str, int], bool | None] = {}
        self.epoch = settings.epoch
        self.rivalry = Rivalry(
            settings.server_id,
            settings.lives,
            settings.lease_seconds,
            began,
            sees=settings.sees_servers,
            suspects=settings.suspects,
        )
        self.sequence = 0
        self.tenure = Tenure(settings.lease_seconds)
        self.holding_until: float | None = began + lease_and_guard(settings.lease_seconds)
        self.next_cycle = began + settings.interval_seconds
        self.renewal_turns = max(1, -(-len(self.points) // RENEWED_TOGETHER))
        self.renewal_turn = 0
        self.next_renewal = began + settings.renew_seconds
        self.replan_at = math.inf  # something in the plan ends by itself
        self.reserve_restored_at = math.inf
        self.unheard = set(self.points_by_name)  # not reported since the holding began
        self.shares_reported: dict[str, ShareReported] = {}
        self.speaking: frozenset[str] = frozenset()
        self.stale_plan = True
        self.touched: set[Point] = set()
        self.near_until = -math.inf
        self.recomputing = False
        self.newly_ready: list[Point] = []
        self.found_room = False
        # shares of the newest plan: of all, and without the unused
        self.parts, self.parts_unused = sharing(settings.algorithm), sharing(settings.algorithm)
        self.share_out = share_out(settings.algorithm)
        self.chains: dict[Where, tuple[Stands, Chain]] = {}  # reasons of the newest plan, and with what they were found

    @property
    def needs_plan(self) -> bool:
        return self.stale_plan or bool(self.touched)

    def _path(self, point: Point) -> tuple[str, ...]:
        return self.network.paths[point.placement.circuit]

    def _sun(self, solar: Solar) -> Sun:
        below = [point for point in self.points if solar.circuit in self._path(point)]
        return Sun(solar, self.circuit_by_meter[solar.meter].circuit, below)

    def impose(self, target: str) -> None:
        """The limits of this circuit or charge point changed. Nothing for one that is not in this park."""
        there = self.targets.get(target)
        if there is not None:
            there.impose(self.limits.at(target))

    def committed_ma(self, now: float) -> dict[Point, PerPhase]:
        """Committed current of each charge point."""
        speaking = self.who_speaks(now)
        return {
            point: point.told_ma(now) if point.board.name in speaking else point.committed_ma(now)
            for point in self.points
        }

    def who_speaks(self, now: float) -> frozenset[str]:
        """The boards that are heard."""
        return frozenset([name for name, board in self.boards.items() if board.speaks(now)])

    def summed_ma(self, each_ma: dict[Point, PerPhase]) -> list[PerPhase]:
        """Σ over the charge points below each circuit, in the order of `circuits`."""
        one, two, three = [0] * len(self.circuits), [0] * len(self.circuits), [0] * len(self.circuits)
        for point, number in zip(self.points, self._place, strict=True):
            a, b, c = each_ma[point]
            one[number] += a
            two[number] += b
            three[number] += c
        for number, parent in self._upwards:
            one[parent] += one[number]
            two[parent] += two[number]
            three[parent] += three[number]
        return list(zip(one, two, three, strict=True))


def _after(settings: CoordinatorSettings) -> dict[str, PerPhase]:
    """What holds at each target once the limit of an energy manager ran out."""
    circuits = {each.name: each.expired_limit_ma for each in settings.circuits}
    points = {each.charge_point: each.expired_limit_ma for each in settings.placements}
    found = {name: limit for name, limit in circuits.items() if limit is not None}
    return found | {name: (limit, limit, limit) for name, limit in points.items() if limit is not None}


def by_line(per_circuit: Sequence[PerPhase], sums: Sequence[int] | None = None) -> list[int]:
    """Currents of circuits as currents of lines (see `circuit.Lines`). `sums`: of the powers, else of the phases."""
    found: list[int] = []
    for number, (first, second, third) in enumerate(per_circuit):
        found += (first, second, third, first + second + third if sums is None else sums[number])
    return found
