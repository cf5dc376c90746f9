"""Who gets how much: at least the minimum or nothing, then fair shares (safety §2; B-091, B-407, B-409)."""

from __future__ import annotations

from collections.abc import Sequence

from park.load.admission import Admission, Request, Share
from park.load.fair.adrift import lay
from park.load.fair.balance import Balance, Scales
from park.load.fair.columns import Climber, Stop
from park.load.fair.filling import raise_together, whole
from park.load.fair.plain import Crowd, rise
from park.load.fair.rounding import level_again


def allocate(requests: Sequence[Request], room: Sequence[int], balances: Sequence[Balance] = ()) -> dict[str, Share]:
    """The share of each request, by charge point name; the same whatever the order of the requests (S7).

    `room`: mA available on each line (may be negative). A higher class rises before a lower one, which keeps its
    minima. Currents are rounded down to the resolution of the hardware; what that takes from a phase is taken from
    those who need its balance too.
    """
    if not balances:
        shares = _with_room_for_all(requests, room)
        if shares is not None:
            return shares
    requests, room, balances = lay(requests, room, balances)
    admission = Admission(list(room), Scales(balances))
    admission.decide(requests)
    admitted, shares = admission.admitted, admission.refused
    climbers = [
        Climber(request.lines, request.minimum_ma, request.maximum_ma, request.weight, request.priority)
        for request in admitted
    ]
    spreads = admission.scales.spreads()
    stops = raise_together(climbers, admission.room, spreads)
    if not balances:
        return shares | _rounded(admitted, stops)
    currents: list[int] = []
    for request, (reached, _) in zip(admitted, stops, strict=True):
        current, step = whole(reached), request.resolution_ma
        rounded = current - current % step
        currents.append(max(rounded, request.minimum_ma))
    level_again(admitted, currents, admission.scales)
    lines = len(room)
    for request, current, (_, row) in zip(admitted, currents, stops, strict=True):
        if row is None or row < lines:
            shares[request.charge_point] = Share(current, row)
        else:
            shares[request.charge_point] = Share(current, spreads[row - lines].over, balance=True)
    return shares


def _with_room_for_all(requests: Sequence[Request], room: Sequence[int]) -> dict[str, Share] | None:
    """The usual case, without asking for anybody's turn. None: not all minima fit."""
    crowd, able, shares = Crowd(), list[Request](), dict[str, Share]()
    for request in requests:
        name, lines, minimum, maximum, since, _, margin, priority, weight, _, _, _ = request
        if maximum < minimum:
            shares[name] = Share(0, None)
        elif margin and since is None:
            return None
        else:
            crowd.joins(lines, minimum, maximum, weight, priority)
            able.append(request)
    left = crowd.beside_floors(room)
    return None if left is None else shares | _rounded(able, rise(crowd, left))


def _rounded(requests: Sequence[Request], stops: Sequence[Stop]) -> dict[str, Share]:
    """What each reached as a share; many are alike."""
    shares: dict[str, Share] = {}
    known: dict[tuple[float, int | None, int, int], Share] = {}
    for request, (reached, line) in zip(requests, stops, strict=True):
        key = (reached, line, request[2], request[9])
        share = known.get(key)
        if share is None:
            share = known[key] = _share(reached, line, request)
        shares[request[0]] = share
    return shares


def _share(reached: float, line: int | None, request: Request) -> Share:
    current = whole(reached)
    return Share(max(current - current % request.resolution_ma, request.minimum_ma), line)
