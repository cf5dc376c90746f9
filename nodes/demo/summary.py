"""How a demo went: a paragraph for people, and summary.json for scripts and tests."""

from __future__ import annotations

from msgspec import Struct, field

from nodes.demo.settlement import Settled
from nodes.demo.sightings import Sightings

SCHEMA = 1


class Summary(Struct):
    """Everything known at the end. `problems` decide about the exit code; `played_seconds` None: it never began."""

    park: str
    directory: str
    addresses: dict[str, str]
    pids: dict[str, int] = field(default_factory=dict[str, int])
    ready_seconds: float | None = None
    played_seconds: float | None = None
    sightings: Sightings = field(default_factory=Sightings)
    settled: list[Settled] = field(default_factory=list[Settled])
    problems: list[str] = field(default_factory=list[str])

    @property
    def exit_code(self) -> int:
        return 1 if self.problems else 0

    def started(self) -> int:
        """Sessions the backend knows."""
        return sum(len(each.transactions) for each in self.settled)

    def ended(self) -> list[Settled]:
        """Cars that had a session and are gone."""
        return [each for each in self.settled if each.ended]

    def to_json(self) -> dict[str, object]:
        """For `json.dumps`."""
        ended = self.ended()
        return {
            "schema": SCHEMA,
            "park": self.park,
            "directory": self.directory,
            "addresses": self.addresses,
            "pids": self.pids,
            "ready_seconds": self.ready_seconds,
            "played_seconds": self.played_seconds,
            "most_charging_together": self.sightings.most_charging,
            "most_held_back_together": self.sightings.most_held_back,
            "sessions": {"started": self.started(), "ended": len(ended)},
            "energy_wh": {
                "backend": sum(each.backend_wh for each in ended),
                "meter": round(sum(each.meter_wh or 0.0 for each in ended), 3),
            },
            "visits": [_visit(each) for each in self.settled],
            "fuse": self._fuse(),
            "problems": self.problems,
            "exit_code": self.exit_code,
        }

    def lines(self) -> list[str]:
        """For people."""
        ended, fuse = self.ended(), self._fuse()
        lines: list[str] = []
        if self.played_seconds is None:
            lines.append("ended before the park was up")
        else:
            lines.append(
                f"{self.played_seconds:.0f} s: up to {self.sightings.most_charging} cars charged together, "
                f"up to {self.sightings.most_held_back} of them held back by the fuse"
            )
            lines.append(
                f"sessions: {self.started()} started, {len(ended)} ended; the ended ones took "
                f"{sum(each.backend_wh for each in ended)} Wh by the backend, "
                f"{sum(each.meter_wh or 0.0 for each in ended):.1f} Wh by the virtual meters"
            )
        if fuse is not None:
            above = f"{fuse['longest_above_seconds']} s above the limit at a stretch"
            lines.append(f"fuse: highest current {fuse['peak_percent']} %, at most {above}")
        if not self.problems and self.played_seconds is not None:
            lines.append("the backend has each start and stop once")
        return [*lines, *(f"PROBLEM: {problem}" for problem in self.problems)]

    def _fuse(self) -> dict[str, object] | None:
        fuse = self.sightings.fuse
        if fuse is None:
            return None
        return {
            "peak_percent": round(fuse.peak_ratio * 100),
            "longest_above_seconds": round(fuse.longest_above, 1),
            "tripped": fuse.HasField("tripped_at"),
        }


def _visit(settled: Settled) -> dict[str, object]:
    return {
        "charge_point": settled.visit.charge_point,
        "meter_wh": None if settled.meter_wh is None else round(settled.meter_wh, 3),
        "transactions": [
            {
                "id": transaction.transaction_id,
                "starts": transaction.starts,
                "stops": transaction.stops,
                "energy_wh": transaction.energy_wh,
                "stop_reason": transaction.stop_reason,
            }
            for transaction in settled.transactions
        ],
    }
