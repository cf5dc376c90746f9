"""Why a charge point has what it has: the chain of limits, the binding one first (safety §2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from park.load.admission import Share
from park.load.circuit import LIMITS, WIRES
from park.load.limits import HeldLimit
from park.load.standing import Point
from park.load.state import CircuitState, CoordinatorState
from park.model.electric import PHASE_NAMES
from park.model.grant import Reason

Chain = tuple[Reason, ...]


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
    """Reasons of one plan; a conductor's chain is made once and shared by all it stops."""

    __slots__ = ("_bound", "_sharing", "_state")

    def __init__(self, state: CoordinatorState, shares: dict[str, Share], wanting: Sequence[Point]) -> None:
        self._state = state
        self._bound: dict[tuple[int, bool, bool], Chain] = {}
        self._sharing = Counter(
            line for point in wanting if shares[point.placement.charge_point].amps_ma for line in point.lines
        )

    def of(self, point: Point, share: Share) -> Chain:
        """For a vehicle that wants current."""
        if share.line is not None:
            return self._at(share.line, waits=share.amps_ma == 0, balance=share.balance)
        maximum, limited = point.maximum_ma(), point.limited_by()
        if maximum < point.minimum_ma():
            too_little = Reason("minimum", "cable, station or temperature allow less", available_ma=maximum)
            return (too_little,) if limited is None else (imposed_reason(limited, maximum), _pauses(point))
        if share.amps_ma == 0:
            return (Reason("waiting", "minimum pause after protection"),)
        if share.amps_ma < maximum:
            return (Reason("own_maximum", "the vehicle draws less", available_ma=share.amps_ma),)
        if limited is not None:
            return (imposed_reason(limited, maximum),)
        return (Reason("own_maximum", "vehicle, cable or station", available_ma=maximum),)

    def idle(self, point: Point) -> Chain:
        """For a charge point where nobody wants current."""
        return (Reason("lapse", "nobody wants current", available_ma=point.target_lapse_ma),)

    def _at(self, line: int, *, waits: bool, balance: bool) -> Chain:
        key = (line, waits, balance)
        if key not in self._bound:
            limit = of_line(self._state.circuits[line // LIMITS], line % LIMITS, balance=balance)
            sharing = self._sharing[line]
            shared = Reason("share", f"{sharing} charging", limit.circuit, limit.phase)
            self._bound[key] = (limit, Reason("waiting", f"{sharing} charging") if waits else shared)
        return self._bound[key]


def _pauses(point: Point) -> Reason:
    return Reason("minimum", f"less than {point.minimum_ma() / 1000:g} A is a pause")
