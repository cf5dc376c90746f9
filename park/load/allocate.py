"""Who gets how much: at least the minimum or nothing, then equal shares on every phase (safety §2; B-407, B-409)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from park.load.circuit import Lines
from park.load.fill import Climber, raise_together


@dataclass(frozen=True, slots=True)
class Request:
    """A vehicle that wants current.

    `lines`: the conductors it loads. `charging_since`: mono since it has had current, None: it waits.
    `margin_ma`: what must be free beyond the minimum before it is admitted (it was shed before: no toggling).
    """

    charge_point: str
    lines: Lines
    minimum_ma: int
    maximum_ma: int
    charging_since: float | None = None
    waiting_since: float = 0.0
    margin_ma: int = 0
    priority: int = 0
    weight: int = 1
    resolution_ma: int = 100


@dataclass(frozen=True, slots=True)
class Share:
    """`amps_ma`: 0 or at least the minimum. `line`: the conductor that allowed no more, None: the vehicle's maximum."""

    amps_ma: int
    line: int | None


def precedence(request: Request) -> tuple[int, bool, float, float, str]:
    """Order of admission: class, then those who charge, the longest charging last (B-410), then the longest waiting."""
    since = request.charging_since
    waits = since is None
    return (
        -request.priority,
        waits,
        0.0 if since is None else -since,
        request.waiting_since,
        request.charge_point,
    )


def admit(requests: Sequence[Request], room: list[int]) -> tuple[list[Request], dict[str, Share]]:
    """Those who get their minimum, in order of precedence, and the shares (0 mA) of those who do not.

    Takes the minima of the admitted out of `room`. One who does not fit does not keep the next from fitting.
    """
    admitted: list[Request] = []
    refused: dict[str, Share] = {}
    for request in sorted(requests, key=precedence):
        if request.maximum_ma < request.minimum_ma:
            refused[request.charge_point] = Share(0, None)
            continue
        needed = request.minimum_ma + (request.margin_ma if request.charging_since is None else 0)
        tight = [line for line in request.lines if room[line] < needed]
        if tight:
            refused[request.charge_point] = Share(0, min(tight, key=lambda line: (room[line], line)))
            continue
        for line in request.lines:
            room[line] -= request.minimum_ma
        admitted.append(request)
    return admitted, refused


def allocate(requests: Sequence[Request], room: Sequence[int]) -> dict[str, Share]:
    """The share of each request, by charge point name; the same whatever the order of the requests (S7).

    `room`: mA available on each conductor (may be negative). A higher class rises before a lower one, which keeps its
    minima. Currents are rounded down to the resolution of the hardware.
    """
    free = list(room)
    admitted, shares = admit(requests, free)
    for priority in sorted({request.priority for request in admitted}, reverse=True):
        _fill_class([request for request in admitted if request.priority == priority], free, shares)
    return shares


def _fill_class(requests: Sequence[Request], free: list[int], shares: dict[str, Share]) -> None:
    alike: dict[tuple[Lines, int, int, int], list[Request]] = {}
    for request in requests:
        key = (request.lines, request.minimum_ma, request.maximum_ma, request.weight)
        alike.setdefault(key, []).append(request)
    climbers = [Climber(*key, count=len(members)) for key, members in alike.items()]
    for members, (reached, line) in zip(alike.values(), raise_together(climbers, free), strict=True):
        for request in members:
            shares[request.charge_point] = Share(_rounded_down(reached, request), line)


def _rounded_down(current_ma: int, request: Request) -> int:
    return max(request.minimum_ma, current_ma - current_ma % request.resolution_ma)
