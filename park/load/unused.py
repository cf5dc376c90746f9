"""Current granted and not drawn: others get it by lowering the grant; it is offered back by probing (B-404, B-408)."""

from __future__ import annotations

THRESHOLD_MA = 3_000  # draw below the grant by more than this … (CHARX and WARP practice)
SETTLE_SECONDS = 60.0  # … for so long, unless the park says otherwise, and the grant is lowered
MARGIN_MA = 1_000  # left above the draw, so that a vehicle that wants more can show it
USING_MA = 500  # this near to the cap it wants more
PROBE_SECONDS = 30.0  # S8: probing at least 30 s apart
PROBE_STEP_MA = 6_000


class Usage:
    """How much of its grant one vehicle draws. Mutable.

    `cap_ma` None: everything is offered. A cap only takes effect while somebody else could use the current.
    `settle_seconds`: how long it has to draw less (B-159: 15 minutes).
    """

    __slots__ = ("_below_since", "_probe_at", "_settle_seconds", "cap_ma", "peak_ma")

    def __init__(self, settle_seconds: float = SETTLE_SECONDS) -> None:
        self._settle_seconds = settle_seconds
        self.reset()

    def reset(self) -> None:
        """Another vehicle, another wish, or no meter: nothing is known."""
        self.cap_ma: int | None = None
        self.peak_ma = 0
        self._below_since: float | None = None
        self._probe_at = 0.0

    def drew(self, drawn_ma: int, granted_ma: int, mono: float) -> bool:
        """The meter's largest phase while `granted_ma` holds. True: the cap changed."""
        if self.cap_ma is not None and granted_ma <= self.cap_ma and drawn_ma >= granted_ma - USING_MA:
            return self._offer_back(mono)
        if granted_ma - drawn_ma <= THRESHOLD_MA:
            self._below_since = None
            return False
        if self._below_since is None:
            self._below_since, self.peak_ma = mono, drawn_ma
        self.peak_ma = max(self.peak_ma, drawn_ma)
        if mono - self._below_since < self._settle_seconds:
            return False
        self._below_since = None
        lower = self.peak_ma + MARGIN_MA
        changed = self.cap_ma is None or lower < self.cap_ma
        if changed:
            self.cap_ma, self._probe_at = lower, mono + PROBE_SECONDS
        return changed

    def _offer_back(self, mono: float) -> bool:
        """It draws all it is offered: offer more, a step at a time."""
        self._below_since = None
        if self.cap_ma is None or mono < self._probe_at:
            return False
        self.cap_ma += PROBE_STEP_MA
        self._probe_at = mono + PROBE_SECONDS
        return True
