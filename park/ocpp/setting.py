"""A configuration key's value as it was set."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Setting(Struct, frozen=True):
    """`by`: backend, a person's command, or empty for what is not kept. `at`: when."""

    value: str
    by: str = ""
    at: datetime | None = None
