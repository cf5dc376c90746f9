"""Who gets how much: at least the minimum or nothing, then fair shares (safety §2; B-091, B-407, B-409)."""

from __future__ import annotations

from collections.abc import Sequence

from park.load.admission import NOTHING_WANTED, Admission, Fleet, Request, Share
from park.load.fair.adrift import lay
from park.load.fair.balance import Balance, Scales
from park.load.fair.columns import Spread
from park.load.fair.filling import share_out, whole
from park.load.fair.rounding import level_again


class Allocation:
    """Shares out again and again; how vehicles are alike is remembered while they stay the same. Mutable."""

    __slots__ = ("_asked", "_fleet", "_lines")

    def __init__(self) -> None:
        self._asked: list[Request] = []
        self._lines = 0
        self._fleet = Fleet((), 0)

    def allocate(
        self, requests: Sequence[Request], room: Sequence[int], balances: Sequence[Balance] = ()
    ) -> dict[str, Share]:
        """The same as `allocate`."""
        requests, room, balances = lay(requests, room, balances)
        asked = list(requests)
        if len(room) != self._lines or asked != self._asked:
            self._asked, self._lines, self._fleet = asked, len(room), Fleet(asked, len(room))
        admission = Admission(self._fleet, room, Scales(balances))
        admission.decide()
        crowd, scales = admission.crowd, admission.scales
        spreads = scales.spreads()
        share_out(crowd, admission.room, spreads)
        shares = _shares(admission, self._fleet, spreads)
        if balances and scales.tilted():
            _level(admission, shares)
        return shares | admission.refused


def allocate(requests: Sequence[Request], room: Sequence[int], balances: Sequence[Balance] = ()) -> dict[str, Share]:
    """The share of each request, by charge point name; the same whatever the order of the requests (S7).

    `room`: mA available on each line (may be negative). A higher class rises before a lower one, which keeps its
    minima. Currents are rounded down to the resolution of the hardware; what that takes from a phase is taken from
    those who need its balance too.
    """
    return Allocation().allocate(requests, room, balances)


def _shares(admission: Admission, fleet: Fleet, spreads: Sequence[Spread]) -> dict[str, Share]:
    """What each reached in whole steps. What it has beyond its minimum comes on the scales too."""
    names, steps, most = fleet.names, fleet.steps, fleet.most
    lines, weigh = len(admission.room), admission.scales.weigh
    shares = fleet.all_most.copy()
    more = admission.beyond() if weigh else {}
    for column in admission.crowd.columns:
        left = column.left
        if not left:
            continue
        reached, floor, stop, less = whole(column.reached), column.floor, column.stop, 0
        step, share, members = 0, NOTHING_WANTED, column.members
        for number in members if left == len(members) else members[-left:]:
            if steps[number] != step:
                step = steps[number]
                current = max(reached - reached % step, floor)
                if stop is None or stop < lines:
                    share = Share(current, stop)
                else:
                    share = Share(current, spreads[stop - lines].over, balance=True)
            shares[names[number]] = share
            less += most[number] - share[0]
        if weigh:
            more[column.weighing] -= less
    for weighing, current in more.items():
        admission.scales.add(weighing, current)
    return shares


def _level(admission: Admission, shares: dict[str, Share]) -> None:
    tilting = [column for column in admission.crowd.columns if column.weighing.tips]
    served = [admission.requests[number] for column in tilting for number in column.members]
    before = [shares[request[0]][0] for request in served]
    currents = before.copy()
    level_again(served, currents, admission.scales)
    for request, high, low in zip(served, before, currents, strict=True):
        if low != high:
            shares[request[0]] = shares[request[0]]._replace(amps_ma=low)
