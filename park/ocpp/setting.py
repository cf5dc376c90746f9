"""A configuration key's value as it was set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Setting:
    """`by`: backend, a person's command, or empty for what is not kept. `at`: when."""

    value: str
    by: str = ""
    at: datetime | None = None
