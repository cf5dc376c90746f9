"""How exact and how good allocation is, seed by seed, beside oracles of linear and mixed integer programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.crowds import Crowd, Kind, crowd
from benchmarks.linear import Program
from benchmarks.table import Table
from park.load.admission import Admission, Fleet, Request
from park.load.allocate import allocate
from park.load.fair.adrift import lay
from park.load.fair.balance import Scales
from park.load.fair.columns import Climber
from park.load.fair.filling import raise_together

RANDOM = Kind(rotated=False)
DEEP = Kind(rotated=False, stations_too=True, levels=4, classes=2)
SIZES: tuple[tuple[str, int, int, Kind], ...] = (
    ("12", 12, 40, Kind()),
    ("12, wiring as it comes", 12, 40, RANDOM),
    ("12, 4 levels, classes", 12, 40, DEEP),
    ("100", 100, 40, Kind()),
    ("100, wiring as it comes", 100, 40, RANDOM),
    ("100, 4 levels, classes", 100, 40, DEEP),
    ("1 000", 1_000, 40, Kind()),
    ("1 000, wiring as it comes", 1_000, 40, RANDOM),
)
MIXED_UP_TO = 100  # the mixed program of a thousand would not end


@dataclass(frozen=True, slots=True)
class Row:
    """`off_ma`: from the oracle's shares before rounding. `over_ma`: above any limit, after it.

    `admitted`: in the most that any choice could admit; None: not known.
    """

    off_ma: float
    over_ma: float
    admitted: float | None


def report(*, quick: bool) -> Table:
    sizes = (("12", 12, 2, Kind()),) if quick else SIZES
    return Table(
        "Exactness of fair shares",
        ("charge points", "worst off mA", "above a limit mA", "admitted, median", "least", "seeds"),
        tuple(
            _cells(name, [row(crowd(seed, points, kind)) for seed in range(seeds)])
            for name, points, seeds, kind in sizes
        ),
        "Off: before rounding to the hardware, from lexicographic max-min by a sequence of linear programs on the same "
        "cars. Admitted: of the most that a mixed integer program finds.",
    )


def shares(park: Crowd) -> tuple[list[Request], list[float]]:
    """Who is admitted, and the fair currents in mA before rounding."""
    requests, room, balances = lay(*park)
    admission = Admission(Fleet(requests, len(room)), room, Scales(balances))
    admission.decide()
    climbers = [
        Climber(request.lines, request.minimum_ma, request.maximum_ma, request.weight, request.priority)
        for request in admission.admitted
    ]
    stops = raise_together(climbers, admission.room, admission.scales.spreads())
    known = {request.charge_point: request for request in park.requests}
    return [known[request.charge_point] for request in admission.admitted], [reached for reached, _ in stops]


def off_ma(park: Crowd) -> float:
    """Largest distance of a share from the oracle's, before rounding to the hardware."""
    admitted, reached = shares(park)
    expected = Program(admitted, park.room, park.balances).fair()
    return max((abs(one - other) for one, other in zip(reached, expected, strict=True)), default=0.0)


def over_ma(park: Crowd) -> float:
    """How far any limit is exceeded by what is allocated; 0 or less: none is."""
    rounded = allocate(*park)
    served = [request for request in park.requests if rounded[request.charge_point].amps_ma]
    program = Program(served, park.room, park.balances)
    return program.over([rounded[request.charge_point].amps_ma for request in served]) if served else 0.0


def row(park: Crowd) -> Row:
    most = Program(*park).admitted() if len(park.requests) <= MIXED_UP_TO else None
    return Row(off_ma(park), over_ma(park), None if most is None else len(shares(park)[0]) / most)


def _cells(name: str, rows: Sequence[Row]) -> tuple[str, ...]:
    known = [each.admitted for each in rows if each.admitted is not None]
    return (
        name,
        f"{max(each.off_ma for each in rows):.4f}",
        f"{max(0.0, *(each.over_ma for each in rows)):.4f}",
        f"{median(known):.3f}" if known else "–",
        f"{min(known):.3f}" if known else "–",
        str(len(rows)),
    )
