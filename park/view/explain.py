"""Why a charge point has the current it has: the same words on the command line and over gRPC."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from park.load.report import LimitReported
from park.model.electric import PerPhase
from park.model.grant import Reason
from park.view.rows import ChargePointRow, CircuitRow, ParkView
from park.view.words import LIMITS, binding, in_words

UNKNOWN = "–"


class Explained(Struct, frozen=True):
    """`path`: circuits from the charge point to the grid connection. `limits`: in force there and on the way.

    `reason`: the chain of the newest plan, the binding limit first; empty before there was one.
    """

    charge_point: str
    text: str
    reason: tuple[Reason, ...]
    path: tuple[str, ...]
    limits: tuple[LimitReported, ...]


def explain(view: ParkView, name: str) -> Explained | None:
    """`name`: NODE/CHARGE_POINT, or the last part of it where that is enough. None: there is none, or several."""
    row = _named(view, name)
    if row is None:
        return None
    path = _path(view, row)
    limits = tuple(limit for limit in view.limits if limit.target in {row.name, *(each.name for each in path)})
    reason = row.share.reason if row.share else row.grant.reason if row.grant else ()
    text = "\n".join(_lines(view, row, path, limits, reason))
    return Explained(row.name, text, reason, tuple(each.name for each in path), limits)


def _named(view: ParkView, name: str) -> ChargePointRow | None:
    rows = {row.name: row for row in view.charge_points}
    if name in rows:
        return rows[name]
    short = [row for row in view.charge_points if row.name.partition("/")[2] == name]
    return short[0] if len(short) == 1 else None


def _path(view: ParkView, row: ChargePointRow) -> tuple[CircuitRow, ...]:
    circuits = {each.name: each for each in view.circuits}
    path: list[CircuitRow] = []
    here = circuits.get(row.circuit or "")
    while here is not None and here not in path:
        path.append(here)
        here = circuits.get(here.parent or "")
    return tuple(path)


def _lines(
    view: ParkView,
    row: ChargePointRow,
    path: tuple[CircuitRow, ...],
    limits: tuple[LimitReported, ...],
    reason: tuple[Reason, ...],
) -> Iterator[str]:
    planned = row.share.target_ma if row.share else None
    granted = row.share.granted_ma if row.share else row.grant.amps_ma if row.grant else None
    yield f"{row.name}: granted {_amps(granted)}, planned {_amps(planned)}, signalled {_amps(row.signalled_ma)}"
    if reason:
        yield f"  binding  {in_words(reason[0])}"
        for link in reason[1:]:
            yield f"           {in_words(link)}"
    else:
        yield "  binding  not known yet: no plan was made since the node started"
    yield f"  path     {' → '.join(each.name for each in path) or UNKNOWN}"
    for circuit in path:
        yield f"    {circuit.name:<14} {_circuit(circuit)}"
    for limit in limits:
        yield f"  limit    {limit_in_words(limit, view.now.mono)}"


def _circuit(row: CircuitRow) -> str:
    limits, free = ([getattr(phase, key) for phase in row.phases] for key in ("limit_ma", "available_ma"))
    bound = dict.fromkeys(phase.bound_by for phase in row.phases if phase.bound_by)
    by = f", by {' and '.join(binding(each) for each in bound)}" if bound else ""
    waiting = ", the coordinator has just started and grants nothing yet" if row.holding else ""
    return f"limit {_three(limits)}, for charging {_three(free)}{by}{waiting}"


def limit_in_words(limit: LimitReported, mono: float) -> str:
    """For instance `grid: 20.0 A by hems (a limit set by an energy manager), 43 s left`."""
    values = [] if limit.limit_ma is None else [_per_phase(limit.limit_ma)]
    values += [] if limit.limit_w is None else [f"{limit.limit_w} W"]
    left = "" if limit.until is None else f", {max(limit.until - mono, 0.0):.0f} s left"
    kind = LIMITS.get(limit.kind, limit.kind)
    return f"{limit.target}: {' and '.join(values)} by {limit.source} ({kind}){left}"


def _per_phase(currents_ma: PerPhase) -> str:
    return _amps(currents_ma[0]) if len(set(currents_ma)) == 1 else _three(list(currents_ma))


def _three(currents_ma: list[int | None]) -> str:
    if len(set(currents_ma)) == 1:
        return _amps(currents_ma[0])
    each = (UNKNOWN if current is None else f"{current / 1000:.1f}" for current in currents_ma)
    return f"{' '.join(each)} A"


def _amps(current_ma: int | None) -> str:
    return UNKNOWN if current_ma is None else f"{current_ma / 1000:.1f} A"
