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
        return _without_balances(requests, room)
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


def _without_balances(requests: Sequence[Request], room: Sequence[int]) -> dict[str, Share]:
    """Nearly always all minima fit, and nobody's turn matters: only those on short lines are asked one by one."""
    able = [request for request in requests if request.maximum_ma >= request.minimum_ma]
    shares = {each.charge_point: Share(0, None) for each in requests if each.maximum_ma < each.minimum_ma}
    crowd = Crowd([(each.lines, each.minimum_ma, each.maximum_ma, each.weight, each.priority) for each in able])
    left = crowd.beside_floors(room)
    short = crowd.short(left)
    waits = [
        kind in short or (each.margin_ma > 0 and each.charging_since is None)
        for each, kind in zip(able, crowd.kind, strict=True)
    ]
    if any(waits):
        admission = Admission(left, Scales(()))
        admission.in_turn([request for request, turn in zip(able, waits, strict=True) if turn])
        refused = admission.refused
        shares |= refused
        crowd = crowd.without([request.charge_point in refused for request in able])
        able = [request for request in able if request.charge_point not in refused]
    return shares | _rounded(able, rise(crowd, left))


def _rounded(requests: Sequence[Request], stops: Sequence[Stop]) -> dict[str, Share]:
    """What each reached as a share; many are alike."""
    shares: dict[str, Share] = {}
    known: dict[tuple[float, int | None, int, int], Share] = {}
    for request, (reached, line) in zip(requests, stops, strict=True):
        key = (reached, line, request.minimum_ma, request.resolution_ma)
        share = known.get(key)
        if share is None:
            share = known[key] = _share(reached, line, request)
        shares[request.charge_point] = share
    return shares


def _share(reached: float, line: int | None, request: Request) -> Share:
    current = whole(reached)
    return Share(max(current - current % request.resolution_ma, request.minimum_ma), line)
