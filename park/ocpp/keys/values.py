"""The values in force: what was set, by whom and when, else the default of this station, else of the table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from park.ocpp.keys.registry import find
from park.ocpp.setting import Setting


class KeyValues(Struct, frozen=True):
    """`changed`, `station`: by key, or `Key[place]` for one place: a connector's number or a board's name.

    `station`: what this station's file says; `changed` goes before it, and the narrower place before the wider.
    """

    changed: Mapping[str, Setting]
    station: Mapping[str, str]

    def text(self, name: str) -> str:
        """The park's value."""
        found = self.changed.get(name)
        if found is not None:
            return found.value
        value = self.station.get(name)
        if value is not None:
            return value
        key = find(name)
        return "" if key is None else key.default

    def text_at(self, name: str, *places: str) -> str:
        """The value at a charge point; `places`: the narrowest first."""
        for place in places:
            found = self.changed.get(f"{name}[{place}]")
            if found is not None:
                return found.value
        if name not in self.changed:
            for place in places:
                value = self.station.get(f"{name}[{place}]")
                if value is not None:
                    return value
        return self.text(name)

    def differs(self, name: str) -> bool:
        """Whether some place has a value of its own."""
        begins = f"{name}["
        return any(each.startswith(begins) for each in (*self.changed, *self.station))

    def number(self, name: str) -> int:
        return int(self.text(name))

    def switch(self, name: str) -> bool:
        return self.text(name) == "true"

    def items(self, name: str) -> tuple[str, ...]:
        return split(self.text(name))

    def with_value(self, name: str, value: str, by: str = "", at: datetime | None = None) -> KeyValues:
        return replace(self, changed={**self.changed, name: Setting(value, by, at)})

    def without(self, name: str) -> KeyValues:
        return replace(self, changed={each: value for each, value in self.changed.items() if each != name})


def split(text: str) -> tuple[str, ...]:
    return tuple(item for item in (part.strip() for part in text.split(",")) if item)
