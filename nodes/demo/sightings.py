"""What was seen while the demo ran: the most cars charging together, the most held back by the fuse, every visit."""

from __future__ import annotations

from msgspec import Struct, field

from nodes.rpc import bench_pb2 as pb
from park.model.evse import PilotState
from park.view import ChargePointRow, ParkView

CHARGING_MA = 1_000  # a car that draws less is not charging: standby is far below
POWERED = {PilotState.C, PilotState.D}


class Visit(Struct, frozen=True):
    """One car by the register of the virtual hardware; `end_wh` None: it is still there."""

    charge_point: str
    plugged_at: float
    start_wh: float
    end_wh: float | None


class Sightings(Struct):
    """Grows with every look. `fuse` is the newest record of the grid circuit's fuse."""

    most_charging: int = 0
    most_held_back: int = 0
    fuse: pb.CircuitTruth | None = None
    _visits: dict[tuple[str, float], Visit] = field(default_factory=dict[tuple[str, float], Visit])

    def look(self, truth: pb.BenchTruth | None, park: ParkView | None = None) -> None:
        """Take in what is now."""
        if truth is not None:
            self.most_charging = max(self.most_charging, sum(map(draws, truth.evses)))
            self.fuse = truth.circuits[0]
            for evse in truth.evses:
                for visit in evse.visits:
                    end = visit.end_wh if visit.HasField("end_wh") else None
                    seen = Visit(evse.charge_point, visit.plugged_at, visit.start_wh, end)
                    self._visits[seen.charge_point, seen.plugged_at] = seen
        if park is not None:
            self.most_held_back = max(self.most_held_back, sum(map(held_back, park.charge_points)))

    def visits(self) -> list[Visit]:
        """All cars so far, in the order in which they came to each charge point."""
        return sorted(self._visits.values(), key=lambda visit: visit.plugged_at)


def draws(evse: pb.EvseTruth) -> bool:
    """Whether a car charges there now."""
    return max(evse.currents.l1_ma, evse.currents.l2_ma, evse.currents.l3_ma) >= CHARGING_MA


def held_back(point: ChargePointRow) -> bool:
    """Whether a car that wants to charge gets less than it could take, because a circuit has no more."""
    if point.session is None or point.grant is None or point.state not in POWERED:
        return False
    return any(link.circuit is not None for link in point.grant.reason)
