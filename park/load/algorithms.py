"""How shares are found: the rule a park chose for all its charge points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol, TypeAlias

from park.load.admission import Request, Share
from park.load.allocate import allocate
from park.load.common_current import Asked, CommonCurrent, common_current
from park.load.fair.balance import Balance
from park.load.parts import Parts


class Algorithm(Enum):
    """The values are those of the configuration."""

    FAIR = "fair"  # weighted max-min, class by class
    GREENFLUX_LOCAL = "greenflux-local"  # one common current, then turns

    @property
    def has_classes(self) -> bool:
        """Who is of a higher class comes first."""
        return self is Algorithm.FAIR


ShareOut: TypeAlias = Callable[[Sequence[Request], Sequence[int], Sequence[Balance]], dict[str, Share]]
"""Shares by charge point of (requests, mA of room by line, limits of imbalance)."""


class Sharing(Protocol):
    """Shares out again and again, and remembers what was last."""

    @property
    def asked(self) -> Asked | None: ...

    @property
    def shares(self) -> dict[str, Share]: ...

    def allocate(
        self, requests: Sequence[Request], room: Sequence[int], balances: Sequence[Balance] = ()
    ) -> dict[str, Share]: ...

    def again(self, path: tuple[int, ...], requests: list[Request], room: Sequence[int]) -> dict[str, Share] | None: ...


def sharing(algorithm: Algorithm) -> Sharing:
    """For the plans of a coordinator, where little changes from one to the next."""
    return CommonCurrent() if algorithm is Algorithm.GREENFLUX_LOCAL else Parts()


def share_out(algorithm: Algorithm) -> ShareOut:
    """The same shares, without a memory: for a look at what else could be."""
    return common_current if algorithm is Algorithm.GREENFLUX_LOCAL else allocate
