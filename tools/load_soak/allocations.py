"""Each allocation of a soak looked at by itself: limits, balance, order, and current left over (S1, S5-S7, S10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from park.load.admission import Request, Share
from park.load.allocate import allocate
from park.load.circuit import LIMITS, WIRES
from park.load.fair.balance import Balance
from park.load.fair.columns import pulls
from park.load.parts import Parts

TURNED_EVERY = 40  # allocations: looking at another order costs a whole one
Broken = Callable[[str, str, str], None]
"""Told the invariant, what is concerned, and how it is broken."""


class CheckedParts(Parts):
    """Shares out as always, and tells of each result that breaks a promise."""

    def __init__(self, broken: Broken, seed: int) -> None:
        super().__init__()
        self._broken, self._random, self._count = broken, Random(seed), 0

    def allocate(
        self, requests: Sequence[Request], room: Sequence[int], balances: Sequence[Balance] = ()
    ) -> dict[str, Share]:
        shares = super().allocate(requests, room, balances)
        self._count += 1
        self.look(requests, room, shares, balances)
        if self._count % TURNED_EVERY == 0:
            self.turn(requests, room, shares, balances)
        return shares

    def look(
        self, requests: Sequence[Request], room: Sequence[int], shares: dict[str, Share], balances: Sequence[Balance]
    ) -> None:
        """Each share, what is on each line, between phases, and left over."""
        self._each(requests, shares)
        left = _left(requests, room, shares)
        self._lines(requests, room, left, shares)
        for balance in balances:
            self._balance(balance, requests, shares)
        if not balances:
            self._left_over(requests, left, shares)

    def turn(
        self, requests: Sequence[Request], room: Sequence[int], shares: dict[str, Share], balances: Sequence[Balance]
    ) -> None:
        """The same in another order, with nothing known before."""
        turned = list(requests)
        self._random.shuffle(turned)
        if _currents(allocate(turned, room, balances)) != _currents(shares):
            self._broken("S7", "allocation", "the order of the requests, or what was known before, changes shares")

    def _each(self, requests: Sequence[Request], shares: dict[str, Share]) -> None:
        for request in requests:
            amps = shares[request.charge_point].amps_ma
            if amps and not request.minimum_ma <= amps <= request.maximum_ma:
                limits = f"{request.minimum_ma} to {request.maximum_ma} mA"
                self._broken("S5", request.charge_point, f"share {amps} mA, neither 0 nor in {limits}")

    def _lines(
        self, requests: Sequence[Request], room: Sequence[int], left: Sequence[int], shares: dict[str, Share]
    ) -> None:
        """Nobody gets anything on a line where more is shared than there is."""
        for request in requests:
            amps = shares[request.charge_point].amps_ma
            for line in request.lines if amps else ():
                if left[line] < 0:
                    detail = f"{room[line]} mA, {room[line] - left[line]} mA of them shared out"
                    self._broken("S1", f"line {line} of circuit {line // LIMITS}", detail)
                    return

    def _balance(self, balance: Balance, requests: Sequence[Request], shares: dict[str, Share]) -> None:
        """Whatever phase those of unknown wiring are on: the fullest phase against the emptiest."""
        first = balance.circuit * LIMITS
        on, drifting, any_new = [0, 0, 0], 0, False
        for request in requests:
            amps = shares[request.charge_point].amps_ma
            phases = [line - first for line in request.lines if first <= line < first + WIRES]
            if not amps or not phases:
                continue
            any_new = True
            if request.adrift:
                drifting += amps
            else:
                for phase in phases:
                    on[phase] += amps
        most = [current + flows for current, flows in zip(on, balance.most_ma, strict=True)]
        least = [current + flows for current, flows in zip(on, balance.least_ma, strict=True)]
        spread = max(most[a] - least[b] for a in range(WIRES) for b in range(WIRES) if a != b) + drifting
        if any_new and spread > balance.limit_ma and not _only_by_others(balance):
            self._broken("S6", f"circuit {balance.circuit}", f"{spread} mA apart, {balance.limit_ma} mA allowed")

    def _left_over(self, requests: Sequence[Request], left: Sequence[int], shares: dict[str, Share]) -> None:
        """Nobody who has a share could take another step of the hardware: rounding down leaves less than one each."""
        rounded = [0] * len(left)
        for request in requests:
            if shares[request.charge_point].amps_ma:
                for line, pull in pulls(request.lines).items():
                    rounded[line] += pull * request.resolution_ma
        for request in requests:
            amps, step = shares[request.charge_point].amps_ma, request.resolution_ma
            if not amps or amps + step > request.maximum_ma:
                continue
            if all(left[line] >= rounded[line] + pull * step for line, pull in pulls(request.lines).items()):
                self._broken("S10", request.charge_point, f"has {amps} mA, and {step} mA more are left for it")


def _currents(shares: dict[str, Share]) -> dict[str, int]:
    return {name: share.amps_ma for name, share in shares.items()}


def _left(requests: Sequence[Request], room: Sequence[int], shares: dict[str, Share]) -> list[int]:
    left = list(room)
    for request in requests:
        amps = shares[request.charge_point].amps_ma
        for line, pull in pulls(request.lines).items() if amps else ():
            left[line] -= pull * amps
    return left


def _only_by_others(balance: Balance) -> bool:
    """What a plan cannot change is too far apart already."""
    pairs = ((a, b) for a in range(WIRES) for b in range(WIRES) if a != b)
    return any(balance.most_ma[a] - balance.least_ma[b] > balance.limit_ma for a, b in pairs)
