"""The clocks of the board, read in one place."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from park.model.time import Now


def now() -> Now:
    """Read both clocks."""
    return Now(time.monotonic(), datetime.now(UTC))
