"""What a limit does, told to whoever set it: what holds now, and what of it has no effect."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from park.load.limits import FREE_MA, HeldLimit
from park.load.standing import Point
from park.load.state import CircuitState, CoordinatorState
from park.model.electric import PHASE_NAMES, PerPhase
from park.model.limit import LimitAnswer, LimitOutcome, TakesLimitOutcome


class AnswerLimit(Struct, frozen=True):
    """Effect: tell this to whoever asked."""

    reply_to: TakesLimitOutcome
    outcome: LimitOutcome


def effect_of(state: CoordinatorState, request_id: str, target: str, held: HeldLimit | None) -> LimitAnswer:
    """What holds at the target now. `held`: the limit that was set; None: one was cleared."""
    there = state.targets[target]
    if isinstance(there, CircuitState):
        limit_ma, binding, design = there.limit_ma(), there.imposed_by, ("fuse", f"circuit {target}")
        limit_w, power_by = there.limit_watts, there.power_by
    else:
        limit_w, power_by = None, None
        limit_ma, binding = there.imposed_ma()
        design = ("own_maximum", f"charge point {target}")
    names = [design if each is None else (each.word, each.limit.source) for each in binding]
    notes = () if held is None else tuple(_notes(there, held, limit_ma))
    return LimitAnswer(
        request_id,
        target,
        limit_ma,
        (names[0][0], names[1][0], names[2][0]),
        (names[0][1], names[1][1], names[2][1]),
        binds=held is not None and (held in binding or held is power_by),
        notes=notes,
        limit_w=limit_w,
        power_source="" if limit_w is None else f"circuit {target}" if power_by is None else power_by.limit.source,
    )


def _notes(there: CircuitState | Point, held: HeldLimit, limit_ma: PerPhase) -> Iterator[str]:
    if isinstance(there, CircuitState):
        yield from _smaller(held.current_ma(), limit_ma, there.circuit.limit_ma, there.imposed_by)
        watts = held.watts()
        if watts is not None and watts != there.limit_watts:
            whose = "design limit" if there.power_by is None else f"limit of {there.power_by.limit.source}"
            yield f"no effect on the sum of the phases: the {whose}, {there.limit_watts} W, is smaller"
        yield from _of_others(there, limit_ma)
        return
    most, binding = there.imposed_ma()
    design = (there.placement.maximum_ma,) * 3
    yield from _smaller(held.current_ma(there.phases), most, (design[0], design[1], design[2]), binding)
    minimum = there.minimum_ma()
    if min(most[phase - 1] for phase in there.phases) < minimum:
        yield f"less than the {_amps(minimum)} this charge point can offer: charging pauses"


def _smaller(
    wanted_ma: PerPhase, limit_ma: PerPhase, design_ma: PerPhase, binding: tuple[HeldLimit | None, ...]
) -> Iterator[str]:
    """Where it has no effect, because something else is smaller."""
    for phase, name in enumerate(PHASE_NAMES):
        if wanted_ma[phase] in {limit_ma[phase], FREE_MA}:
            continue
        other = binding[phase]
        whose = "the design limit" if other is None else f"the limit of {other.limit.source}"
        holds = design_ma[phase] if other is None else limit_ma[phase]
        yield f"no effect on {name}: {whose}, {_amps(holds)}, is smaller"


def _of_others(circuit: CircuitState, limit_ma: PerPhase) -> Iterator[str]:
    foreign = circuit.external.planned.held_ma
    over = [name for phase, name in enumerate(PHASE_NAMES) if limit_ma[phase] < foreign[phase]]
    if over:
        yield f"the load of others alone is more on {', '.join(over)}: nobody can charge there"


def _amps(current_ma: int) -> str:
    return f"{current_ma / 1000:.1f} A"
