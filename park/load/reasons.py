"""Why a charge point has what it has: the chain of limits, the binding one first (safety §2)."""

from __future__ import annotations

from functools import lru_cache

from park.load.admission import Share
from park.load.algorithms import Algorithm
from park.load.circuit import LIMITS, WIRES
from park.load.limits import HeldLimit
from park.load.standing import Point
from park.load.state import Chain, CircuitState, CoordinatorState, Where
from park.model.electric import PHASE_NAMES
from park.model.grant import Reason


def binding(state: CircuitState, phase: int) -> Reason:
    """The limit that takes most from this phase (0, 1, 2) of the circuit, and what it leaves."""
    limit, circuit, imposed = state.bound_by()[phase], state.circuit, state.bound_limit(phase)
    if imposed is not None:
        return imposed_reason(imposed, max(0, state.planned_ma()[phase]), circuit.name, PHASE_NAMES[phase])
    sources = {
        "external_load": f"meter {circuit.meter}",
        "external_fallback": f"meter {circuit.meter} cannot be trusted" if circuit.meter else "assumed, no meter",
    }
    return Reason(
        limit=limit,
        source=sources.get(limit, f"circuit {circuit.name}"),
        circuit=circuit.name,
        phase=PHASE_NAMES[phase],
        available_ma=max(0, state.planned_ma()[phase]),
    )


def of_line(state: CircuitState, place: int, *, balance: bool) -> Reason:
    """What binds at a line of the circuit: `place` 0, 1, 2 a phase, by its limits or the balance, 3 the power."""
    circuit = state.circuit
    if place == WIRES:
        left = max(0, state.planned_sum_ma()) // WIRES
        imposed = state.bound_power()
        if imposed is not None:
            return imposed_reason(imposed, left, circuit.name)
        return Reason("power", f"{state.limit_watts} W on the sum of the phases", circuit.name, available_ma=left)
    if balance:
        phase = PHASE_NAMES[place]
        return Reason("imbalance", "difference between phases", circuit.name, phase, circuit.imbalance_ma)
    return binding(state, place)


def imposed_reason(held: HeldLimit, available_ma: int, circuit: str | None = None, phase: str | None = None) -> Reason:
    """A limit somebody set, of a circuit's phase or of a charge point."""
    return Reason(held.word, held.limit.source, circuit, phase, available_ma)


class Explanations:
    """Reasons of one plan; a conductor's chain is made once, shared by all it stops, and kept while it stays true."""

    __slots__ = ("_bound", "_common", "_shares", "_state")

    def __init__(self, state: CoordinatorState, shares: dict[str, Share]) -> None:
        self._state = state
        self._bound: dict[Where, Chain] = {}
        self._common = state.settings.algorithm is Algorithm.GREENFLUX_LOCAL
        self._shares = shares

    def of(self, point: Point, share: Share) -> Chain:
        """For a vehicle that wants current."""
        if share.line is not None:
            return self._at(share.line, waits=share.amps_ma == 0, balance=share.balance)
        maximum, limited = point.maximum_ma(), point.limited_by()
        if maximum < point.minimum_ma():
            too_little = _of_its_own("minimum", "cable, station or temperature allow less", maximum)
            return (too_little,) if limited is None else (imposed_reason(limited, maximum), _pauses(point))
        if share.amps_ma == 0:
            pauses = point.asked is None or not point.asked.maximum_ma
            return (Reason("waiting", "minimum pause after protection" if pauses else "others come first"),)
        if share.amps_ma < maximum:
            return (_of_its_own("own_maximum", "the vehicle draws less", share.amps_ma),)
        if limited is not None:
            return (imposed_reason(limited, maximum),)
        return (_of_its_own("own_maximum", "vehicle, cable or station", maximum),)

    def idle(self, point: Point) -> Chain:
        """For a charge point where nobody wants current."""
        return (_of_its_own("lapse", "nobody wants current", point.target_lapse_ma),)

    def _at(self, line: int, *, waits: bool, balance: bool) -> Chain:
        key = (line, waits, balance)
        found = self._bound.get(key)
        if found is None:
            circuit, sharing = self._state.circuits[line // LIMITS], self._sharing(line)
            stands, before = (circuit.bound(), sharing), self._state.chains.get(key)
            found = before[1] if before and before[0] == stands else _chain(circuit, key, sharing, common=self._common)
            self._state.chains[key] = (stands, found)
            self._bound[key] = found
        return found

    def _sharing(self, line: int) -> int:
        """How many charge on this line; of those with a common current, on its circuit."""
        shares, points = self._shares, self._state.circuits[line // LIMITS].points
        on = [shares.get(point.placement.charge_point) for point in points if self._common or line in point.lines]
        return sum([1 for share in on if share is not None and share.amps_ma])


def _chain(circuit: CircuitState, where: Where, sharing: int, *, common: bool) -> Chain:
    line, waits, balance = where
    limit = of_line(circuit, line % LIMITS, balance=balance)
    charging = f"{sharing} charging"
    if waits:
        return (limit, Reason("waiting", charging))
    if common:
        return (limit, Reason("common_current", charging, limit.circuit))
    return (limit, Reason("share", charging, limit.circuit, limit.phase))


@lru_cache(maxsize=4096)
def _of_its_own(limit: str, source: str, available_ma: int) -> Reason:
    """No circuit's: many charge points have the same."""
    return Reason(limit, source, available_ma=available_ma)


def _pauses(point: Point) -> Reason:
    return Reason("minimum", f"less than {point.minimum_ma() / 1000:g} A is a pause")
