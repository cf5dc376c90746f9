"""Shares found in the straightforward way: the reference that the fast one is held against."""

from __future__ import annotations

from collections.abc import Sequence

from park.load.admission import Request, Share
from park.load.fair.adrift import lay
from park.load.fair.balance import Balance
from park.load.fair.columns import Climber
from park.load.fair.filling import whole
from tests.park.load.slow.admission import Admission
from tests.park.load.slow.balance import Scales
from tests.park.load.slow.filling import fill
from tests.park.load.slow.rounding import level_again


def allocate(requests: Sequence[Request], room: Sequence[int], balances: Sequence[Balance] = ()) -> dict[str, Share]:
    """The share of each request, by charge point name; the same whatever the order of the requests (S7).

    `room`: mA available on each line (may be negative). A higher class rises before a lower one, which keeps its
    minima. Currents are rounded down to the resolution of the hardware; what that takes from a phase is taken from
    those who need its balance too.
    """
    requests, room, balances = lay(requests, room, balances)
    admission = Admission(list(room), Scales(balances))
    admission.decide(requests)
    admitted, shares = admission.admitted, admission.refused
    climbers = [
        Climber(request.lines, request.minimum_ma, request.maximum_ma, request.weight, request.priority)
        for request in admitted
    ]
    spreads = admission.scales.spreads()
    stops = fill(climbers, admission.room, spreads)
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
