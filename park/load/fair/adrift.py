"""Loads on fewer phases than three behind unknown wiring: all of them count on the worst phase (safety §1, S6)."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import TypeAlias

from park.load.admission import Request
from park.load.circuit import FREE_MA, LIMITS
from park.load.fair.balance import Balance

_adrift = itemgetter(11)

Laid: TypeAlias = tuple[Sequence[Request], Sequence[int], Sequence[Balance]]


def lay(requests: Sequence[Request], room: Sequence[int], balances: Sequence[Balance]) -> Laid:
    """Give each circuit with a limit of imbalance a line more, which such loads take too and nothing limits.

    What is on it may be on any phase, so it is on the fuller one of every pair.
    """
    if not balances or not any(map(_adrift, requests)):
        return requests, room, balances
    circuits = -(-len(room) // LIMITS)
    wide = [*room, *[FREE_MA] * ((circuits + len(balances)) * LIMITS - len(room))]
    marked = [balance._replace(adrift=(circuits + n) * LIMITS) for n, balance in enumerate(balances)]
    return [_drifts(request, marked) if request.adrift else request for request in requests], wide, marked


def _drifts(request: Request, balances: Sequence[Balance]) -> Request:
    above = {line // LIMITS for line in request.lines}
    more = (balance.adrift for balance in balances if balance.circuit in above and balance.adrift is not None)
    return request._replace(lines=(*request.lines, *more))
