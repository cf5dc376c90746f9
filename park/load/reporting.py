"""The views of the coordinator's state, repeated only when they changed.

Those of a large park are told in pieces, each behind the mail that is there by then: a car that comes does not wait for
them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from msgspec import Struct

from park.load.limits import HeldLimit, Validity
from park.load.report import CircuitReported, LimitReported, LimitsReported, ShareReported
from park.load.standing import Point
from park.load.state import CircuitState, CoordinatorState
from park.model.electric import ZERO, PerPhase, highest

SHOWN_TOGETHER = 100  # charge points: a millisecond of a busy machine


class ShowShares(Struct, frozen=True):
    """Effect and event: tell the views of some charge points. Whoever performs it tells it to us in turn.

    `first`: the number of the first of them.
    """

    first: int


Views: TypeAlias = CircuitReported | ShareReported | LimitsReported


def reports(state: CoordinatorState, now: float) -> Iterator[Views]:
    """Circuits, shares and limits that differ from what was reported last."""
    yield from _common(state, now)
    yield from _shares(state, state.points, now)


def begin(state: CoordinatorState, now: float) -> Iterator[Views | ShowShares]:
    """The same of a small park; of a large one the first piece, and the order to go on."""
    if len(state.points) <= SHOWN_TOGETHER:
        yield from reports(state, now)
        return
    yield from _common(state, now)
    yield ShowShares(0)


def go_on(state: CoordinatorState, piece: ShowShares, now: float) -> Iterator[Views | ShowShares]:
    """Shares that differ from what was reported last, of the next charge points."""
    following = piece.first + SHOWN_TOGETHER
    yield from _shares(state, state.points[piece.first : following], now)
    if following < len(state.points):
        yield ShowShares(following)


def _common(state: CoordinatorState, now: float) -> Iterator[CircuitReported | LimitsReported]:
    limits = LimitsReported(tuple(_limit(held) for held in state.limits.everything()))
    if limits != (state.limits_reported or LimitsReported(())):
        state.limits_reported = limits
        yield limits
    yield from _circuits(state, state.summed_ma(state.committed_ma(now)), now)


def _shares(state: CoordinatorState, points: Sequence[Point], now: float) -> Iterator[ShareReported]:
    for point in points:
        share = _share(
            state.shares_reported.get(point.placement.charge_point), point, max(point.committed_ma(now)), now
        )
        if share is not None:
            state.shares_reported[share.charge_point] = share
            yield share


def _share(before: ShareReported | None, point: Point, committed_ma: int, now: float) -> ShareReported | None:
    """None: it is as it was. Most are, so nothing is made only to be compared."""
    granted, confirmed = point.held_ma(now), not point.commitment.leases.unconfirmed
    if (
        before is not None
        and before.committed_ma == committed_ma
        and before.granted_ma == granted
        and before.target_ma == point.target_ma
        and before.confirmed is confirmed
        and before.reason == point.reason
    ):
        return None
    name = point.placement.charge_point
    return ShareReported(name, point.target_ma, granted, committed_ma, confirmed, point.reason)


def _circuits(state: CoordinatorState, committed: Sequence[PerPhase], now: float) -> Iterator[CircuitReported]:
    unconfirmed = frozenset([point for point in state.points if point.commitment.leases.unconfirmed])
    silent = frozenset([point for point in state.points if not point.reachable(now)])
    holding = state.holding_until is not None
    for circuit, committed_ma in zip(state.circuits, committed, strict=True):
        external = circuit.external
        now_so = (
            circuit.limit_ma(),
            external.possible_ma,
            highest(circuit.available_ma(), ZERO),
            committed_ma,
            external.meter_ma if circuit.circuit.meter_sees_charging else None,
            circuit.bound_by(),
            external.quality,
            _names(circuit, unconfirmed),
            _names(circuit, silent),
            holding,
        )
        if now_so != circuit.reported:
            circuit.reported = now_so
            yield CircuitReported(circuit.circuit.name, circuit.circuit.parent, *now_so)


def _names(circuit: CircuitState, among: frozenset[Point]) -> tuple[str, ...]:
    if not among or among.isdisjoint(circuit.points):
        return ()
    return tuple([point.placement.charge_point for point in circuit.points if point in among])


def _limit(held: HeldLimit) -> LimitReported:
    limit, over = held.limit, held.validity is Validity.EXPIRED
    return LimitReported(
        target=limit.target,
        kind=held.word,
        source=limit.source,
        limit_ma=held.after_ma if over else limit.limit_ma,
        limit_w=None if over else limit.limit_w,
        priority=limit.priority,
        until=None if over else held.until,
    )
