"""Records every park view a node shows, and judges them by what load management promises."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from itertools import pairwise

from nodes.energy.client import watch
from park.errors import ParkUnreachable
from park.model.electric import PHASE_NAMES
from park.view import CircuitRow, ParkView


class Views:
    """Watches until the node ends; without a port it judges what it is given."""

    def __init__(self, port: int | None, *seen: ParkView) -> None:
        self.seen: list[ParkView] = [*seen]
        if port is None:
            return
        self._thread = threading.Thread(target=self._watch, args=(f"127.0.0.1:{port}",), daemon=True)
        self._thread.start()

    def join(self) -> None:
        """The node has ended: nothing more comes."""
        self._thread.join(10)

    def _watch(self, target: str) -> None:
        with contextlib.suppress(ParkUnreachable):
            self.seen.extend(watch(target))

    def raises(self) -> int:
        """How often a grant was higher than in the view before."""
        return sum(1 for before, view in pairwise(self.seen) if _rose(before, view))

    def overcommitted(self) -> Iterator[str]:
        """S1: Σ committed > available where a grant rose, or in the next report after it for the same foreign load."""
        risen: ParkView | None = None
        for before, view in pairwise(self.seen):
            if _rose(before, view):
                risen = view
                yield from _excess(view, view)
            elif risen is not None and view.circuits != risen.circuits:
                yield from _excess(view, risen)
                risen = None


def _rose(before: ParkView, view: ParkView) -> bool:
    earlier = {row.name: row.grant.amps_ma for row in before.charge_points if row.grant is not None}
    return any(row.grant is not None and row.grant.amps_ma > earlier.get(row.name, 0) for row in view.charge_points)


def _excess(view: ParkView, then: ParkView) -> Iterator[str]:
    for row, earlier in zip(view.circuits, then.circuits, strict=True):
        yield from _over(row, earlier, view)


def _over(row: CircuitRow, earlier: CircuitRow, view: ParkView) -> Iterator[str]:
    for name, phase, before in zip(PHASE_NAMES, row.phases, earlier.phases, strict=True):
        if phase.committed_ma is None or phase.available_ma is None or phase.external_ma != before.external_ma:
            continue
        if phase.committed_ma > phase.available_ma:
            amounts = f"{phase.committed_ma} mA committed, {phase.available_ma} mA available"
            yield f"{row.name} {name} at {view.now.wall:%X}: {amounts}"
