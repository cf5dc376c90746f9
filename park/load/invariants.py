"""The promises of load management as checkers of physics and messages, blind to the coordinator's books (safety §4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from msgspec import Struct

from park.load.circuit import Circuit, Network, Placement, as_sum_ma
from park.load.lease import REACTION_SECONDS
from park.model.electric import PHASE_NAMES, ZERO, PerPhase, Phases, add, highest, on_phases
from park.model.grant import Grant, Stamp

STEP_SECONDS = 12.0  # S3: a load or limit step, all healthy
HEIGHTS = ((1.45, 12.0), (2.0, 8.0), (3.0, 0.0))  # S3: times the fuse → longest seconds by our doing
KEPT_STAMPS = 1_000  # far more than the seconds a grant may be old
DEADMAN_SECONDS = 1.0  # safety §3: between the end of a lease and the watchdog's action


class Cause(Enum):
    """What may go wrong."""

    VEHICLE = "a vehicle does not follow the pilot"
    LINK_LOST = "server, client or link lost"
    METER_LOST = "circuit meter lost"
    RESTART = "coordinator restart"


BOUND_SECONDS = {Cause.VEHICLE: 15.0, Cause.LINK_LOST: 16.0, Cause.METER_LOST: 12.0, Cause.RESTART: 16.0}
"""S3: how long an actual current above a limit may last then."""


class Violation(Struct, frozen=True):
    """`invariant`: S1 … S5. `at`: seconds. `what`: circuit and phase, or charge point."""

    invariant: str
    at: float
    what: str
    detail: str


class _Overload:
    """One phase of one circuit: what was spare lately, and since when too much flows. Mutable."""

    __slots__ = ("since", "spare", "steady", "told", "told_height", "too_high_since")

    def __init__(self) -> None:
        self.spare: deque[tuple[float, int]] = deque()  # (from, limit − external), oldest first
        self.since: float | None = None
        self.steady = True  # nothing had changed from outside when it began
        self.told = False
        self.too_high_since: list[float | None] = [None] * len(HEIGHTS)
        self.told_height: set[int] = set()


class OverloadWatch:
    """S3 and S4 on one circuit: actual current above the limit ends in time, and never begins by itself.

    Our own current must at any instant fit beside the foreign load and under the limit of some instant of the last
    12 s; while a declared cause lasts (and its bound after), an overload may instead last as long as its bound.
    An overload under steady load and limit without a cause is a violation at once (S4).
    """

    def __init__(self, circuit: Circuit, tolerance_ma: int = 0) -> None:
        self._circuit = circuit
        self._tolerance = tolerance_ma
        self._phases = (_Overload(), _Overload(), _Overload())
        self._causes: dict[Cause, float | None] = {}  # ended at, None: lasts

    def began(self, cause: Cause) -> None:
        self._causes[cause] = None

    def ended(self, cause: Cause, at: float) -> None:
        if cause in self._causes:
            self._causes[cause] = at

    def observe(
        self, at: float, limit_ma: PerPhase, own_ma: PerPhase, external_ma: PerPhase, permitted_ma: PerPhase = ZERO
    ) -> tuple[Violation, ...]:
        """Actual currents per phase, magnitudes. Call at every change of any of them, or often.

        `limit_ma`: in force now. `external_ma`: foreign load it can know of: at most the configured fallback
        while its meter is lost. `permitted_ma`: own current nobody can take away now (Σ lapse while cut off).
        """
        found: list[Violation] = []
        for phase, overload in enumerate(self._phases):
            own = own_ma[phase] if own_ma[phase] > permitted_ma[phase] + self._tolerance else 0
            self._length(overload, phase, at, own, limit_ma[phase] - external_ma[phase], found)
            self._height(overload, phase, at, own, external_ma[phase], found)
        return tuple(found)

    def _length(self, overload: _Overload, phase: int, at: float, own: int, spare: int, found: list[Violation]) -> None:
        if not overload.spare or overload.spare[-1][1] != spare:
            overload.spare.append((at, spare))
        while len(overload.spare) > 1 and overload.spare[1][0] <= at - STEP_SECONDS:
            overload.spare.popleft()
        if own <= max(0, spare) + self._tolerance:
            overload.since, overload.told = None, False
            return
        excuse = self._excuse(at)
        if overload.since is None:
            overload.since, overload.steady = at, len(overload.spare) == 1 and not excuse
        lately = max(value for _, value in overload.spare)
        excused = own <= lately + self._tolerance or at - overload.since < excuse
        if excused or overload.told:
            return
        overload.told = True
        name = "S4" if overload.steady else "S3"
        where = f"{self._circuit.name} {PHASE_NAMES[phase]}"
        detail = f"own {own} mA, {spare} mA spare, above since {overload.since:.2f} s"
        found.append(Violation(name, at, where, detail))

    def _excuse(self, at: float) -> float:
        """Longest overload the declared causes explain."""
        return max(
            (
                BOUND_SECONDS[cause]
                for cause, end in self._causes.items()
                if end is None or at <= end + BOUND_SECONDS[cause]
            ),
            default=0.0,
        )

    def _height(
        self, overload: _Overload, phase: int, at: float, own: int, external: int, found: list[Violation]
    ) -> None:
        fuse = self._circuit.limit_ma[phase]
        for number, (height, longest) in enumerate(HEIGHTS):
            if not own or own + external <= fuse * height or external > fuse * height:
                overload.too_high_since[number] = None
                overload.told_height.discard(number)
                continue
            since = overload.too_high_since[number]
            if since is None:
                since = overload.too_high_since[number] = at
            if (at - since > longest or longest == 0) and number not in overload.told_height:
                overload.told_height.add(number)
                where = f"{self._circuit.name} {PHASE_NAMES[phase]}"
                found.append(
                    Violation("S3", at, where, f"{own + external} mA, above {height} × {fuse} mA since {since:.2f} s")
                )


class SignalWatch:
    """S2 and S5 of one charge point: it signals what its valid grant allows, else its lapse (boot) current.

    Times are true times: the caller translates a board's clock. `slack_seconds`: for the watchdog below the process.
    """

    def __init__(self, placement: Placement, slack_seconds: float = DEADMAN_SECONDS) -> None:
        self._placement = placement
        self._slack = slack_seconds
        self._fence = (0, 0)
        self._allowed: deque[tuple[float, int]] = deque(
            [(float("-inf"), placement.boot_ma)]
        )  # (from, mA), oldest first
        self._told: int | None = None

    def granted(self, at: float, grant: Grant, valid_until: float) -> None:
        """The board received the grant; a stale one changes nothing."""
        if (grant.epoch, grant.sequence) <= self._fence or valid_until <= at:
            return
        self._fence = (grant.epoch, grant.sequence)
        while self._allowed[-1][0] > at:  # a grant of this very instant may have been obeyed
            self._allowed.pop()
        self._allowed.append((at, grant.amps_ma))
        self._allowed.append((valid_until, min(grant.lapse_ma, self._placement.fallback_ma)))

    def booted(self, at: float) -> None:
        """The board restarted: it holds no grant."""
        while self._allowed[-1][0] >= at:
            self._allowed.pop()
        self._allowed.append((at, self._placement.boot_ma))

    def allowed_ma(self, at: float) -> int:
        """Largest current allowed at any instant of the slack before `at`."""
        while len(self._allowed) > 1 and self._allowed[1][0] <= at - self._slack:
            self._allowed.popleft()
        return max(amps for since, amps in self._allowed if since <= at)

    def signalled(self, at: float, amps_ma: int, cable_ma: int | None = None) -> tuple[Violation, ...]:
        """What the pilot offers now. Call at every change, and once a second. Each wrong current is told once."""
        allowed, placement = self.allowed_ma(at), self._placement
        largest = placement.maximum_ma if cable_ma is None else min(placement.maximum_ma, cable_ma)
        found: list[Violation] = []
        if amps_ma > allowed:
            found.append(Violation("S2", at, placement.charge_point, f"signals {amps_ma} mA, allowed {allowed} mA"))
        if amps_ma and not placement.minimum_ma <= amps_ma <= largest:
            limits = f"[{placement.minimum_ma}, {largest}] mA"
            found.append(
                Violation("S5", at, placement.charge_point, f"signals {amps_ma} mA, neither 0 nor in {limits}")
            )
        if not found:
            self._told = None
        elif self._told == amps_ma:
            return ()
        else:
            self._told = amps_ma
        return tuple(found)


class _Granted(NamedTuple):
    fence: tuple[int, int]  # epoch, sequence
    amps_ma: int
    lapse_ma: int
    phases: Phases
    until: float

    def worst_ma(self, phases: Phases) -> int:
        """What a vehicle on these phases may draw by it: on one that it does not cover, the lapse current."""
        return max(self.lapse_ma, self.amps_ma) if set(phases) <= set(self.phases) else self.lapse_ma


class _Promise:
    """What one charge point may draw, by what was sent and what its device does. Mutable."""

    __slots__ = ("device_sequence", "grants", "lapse", "past", "signalled")

    def __init__(self, placement: Placement) -> None:
        self.grants: list[_Granted] = []
        self.device_sequence = (0, 0)
        self.signalled = 0
        self.lapse = placement.boot_ma
        self.past: deque[tuple[float, int]] = deque()  # (until, mA)

    def worst_ma(self, at: float, phases: Phases) -> int:
        while self.past and self.past[0][0] <= at:
            self.past.popleft()
        current = [self.signalled, self.lapse, *(amps for _, amps in self.past)]
        return max(current + [each.worst_ma(phases) for each in self.grants if at < each.until])

    def worst_on(self, at: float, live: Phases, used: Phases) -> PerPhase:
        """Of a device with two poles: what its pilot says flows on `live` phases, a grant may flow on its own.

        Of both only what the vehicle uses.
        """
        live = _both(live, used)
        while self.past and self.past[0][0] <= at:
            self.past.popleft()
        worst = on_phases(max([self.signalled, self.lapse, *(amps for _, amps in self.past)]), live)
        for each in self.grants:
            if at < each.until:
                worst = highest(worst, on_phases(max(each.amps_ma, each.lapse_ma), _both(each.phases, used)))
                worst = highest(worst, on_phases(each.lapse_ma, live))
        return worst


def _both(some: Phases, others: Phases) -> Phases:
    return tuple(phase for phase in some if phase in others)


class PromiseWatch:
    """S1: whenever a raise is sent, the worst that all may draw fits what is available, on every circuit and phase.

    The worst by truth: grants sent, not overtaken in the device and valid by the board's clock; what the pilots offered
    within the reaction time; the lapse currents set in the devices.
    """

    def __init__(self, circuits: Sequence[Circuit], placements: Sequence[Placement], tolerance_ma: int = 0) -> None:
        self._network = Network(circuits)
        self._placements = {placement.charge_point: placement for placement in placements}
        self._promises = {name: _Promise(placement) for name, placement in self._placements.items()}
        self._phases = {name: placement.grid_phases(placement.phases) for name, placement in self._placements.items()}
        self._live: dict[str, Phases] = {}  # of those with two poles
        self._limit = {circuit.name: circuit.limit_ma for circuit in circuits}
        self._external = {circuit.name: circuit.external_fallback_ma for circuit in circuits}
        self._stamps: dict[Stamp, float] = {}
        self._tolerance = tolerance_ma

    def limited(self, circuit: str, limit_ma: PerPhase) -> None:
        """The limit in force, the operator's included."""
        self._limit[circuit] = limit_ma

    def metered(self, circuit: str, external_ma: PerPhase) -> None:
        """True foreign load at the newest meter reading the coordinator has; the fallback while it has none."""
        self._external[circuit] = external_ma

    def stamped(self, stamp: Stamp, at: float) -> None:
        """True time at which the board made this stamp."""
        self._stamps[stamp] = at
        if len(self._stamps) > KEPT_STAMPS:
            del self._stamps[next(iter(self._stamps))]

    def loads(self, charge_point: str, phases_used: int) -> None:
        """The vehicle may load so many phases."""
        self._phases[charge_point] = self._placements[charge_point].grid_phases(phases_used)

    def poles(self, charge_point: str, phases: int) -> None:
        """It has two poles, and so many phases are let through or wanted by the grant it took last."""
        self._live[charge_point] = self._placements[charge_point].grid_phases(phases)

    def booted(self, charge_point: str) -> None:
        """Its board restarted: stamps of the earlier boot make no grant valid any more."""
        self._promises[charge_point].grants.clear()

    def signalled(
        self, at: float, charge_point: str, amps_ma: int, lapse_ma: int, fence: tuple[int, int], *, open_: bool
    ) -> None:
        """The device's signal changed; `open_`: its contactor is open, so nothing flows yet."""
        promise = self._promises[charge_point]
        promise.grants = [each for each in promise.grants if each.fence >= fence]
        if open_:
            promise.past.clear()
        elif promise.signalled > amps_ma:
            promise.past.append((at + REACTION_SECONDS, promise.signalled))
        promise.signalled, promise.lapse = amps_ma, lapse_ma

    def sent(self, at: float, grant: Grant, until: float | None = None) -> tuple[Violation, ...]:
        """A grant left the coordinator. `until`: true time of its end, where the board's clock is not true."""
        promise = self._promises[grant.charge_point]
        before = self._worst(at, grant.charge_point)
        if until is None:
            until = self._stamps.get(grant.stamp, at) + grant.valid_for
        promise.grants = [each for each in promise.grants if at < each.until]
        granted = _Granted((grant.epoch, grant.sequence), grant.amps_ma, grant.lapse_ma, grant.phases, until)
        promise.grants.append(granted)
        if grant.charge_point in self._live:
            after = self._worst(at, grant.charge_point)
            raised = tuple(place for place, was in enumerate(before, 1) if after[place - 1] > was)
        else:
            raised = self._phases[grant.charge_point] if max(grant.amps_ma, grant.lapse_ma) > max(before) else ()
        return tuple(self._excesses(at, grant, raised)) if raised else ()

    def worst_ma(self, at: float, charge_point: str) -> PerPhase:
        """The most it may draw now, mA per phase."""
        return self._worst(at, charge_point)

    def _worst(self, at: float, charge_point: str) -> PerPhase:
        live, promise = self._live.get(charge_point), self._promises[charge_point]
        if live is not None:
            return promise.worst_on(at, live, self._phases[charge_point])
        phases = self._phases[charge_point]
        return on_phases(promise.worst_ma(at, phases), phases)

    def _excesses(self, at: float, grant: Grant, raised: Phases) -> list[Violation]:
        found: list[Violation] = []
        for name in self._network.paths[self._placements[grant.charge_point].circuit]:
            circuit = self._network.circuits[self._network.index[name]]
            total = ZERO
            for placement in self._network.below(name, tuple(self._placements.values())):
                total = add(total, self._worst(at, placement.charge_point))
            for phase in raised:
                available = self._limit[name][phase - 1] - circuit.headroom_ma - self._external[name][phase - 1]
                if total[phase - 1] > available + self._tolerance:
                    promised = f"{total[phase - 1]} mA promised, {available} mA available"
                    detail = f"raise of {grant.charge_point} to {grant.amps_ma} mA: {promised}"
                    found.append(Violation("S1", at, f"{name} {PHASE_NAMES[phase - 1]}", detail))
            found += self._too_many_watts(at, circuit, total)
        return found

    def _too_many_watts(self, at: float, circuit: Circuit, total: PerPhase) -> list[Violation]:
        if circuit.limit_watts is None:
            return []
        available = as_sum_ma(circuit.limit_watts) - sum(self._external[circuit.name])
        if sum(total) <= available + self._tolerance:
            return []
        detail = f"{sum(total)} mA promised on the sum of the phases, {available} mA available"
        return [Violation("S1", at, f"{circuit.name} power", detail)]
