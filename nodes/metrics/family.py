"""What a metric family is: declared once, and both writers (library objects, text) go by the declaration."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

from msgspec import Struct

from park.view import ParkView

Sample: TypeAlias = tuple[tuple[str, ...], float]
"""Label values in the order of `Family.labels`, and the value in base units."""

Samples: TypeAlias = Callable[[ParkView], Iterable[Sample]]


class Family(Struct, frozen=True):
    """`name` without the `_total` of counters; `samples` leaves out what is unknown, it never says 0 instead."""

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    labels: tuple[str, ...]
    samples: Samples

    @property
    def sample_name(self) -> str:
        """The name on the sample lines."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


def gauge(name: str, explanation: str, labels: tuple[str, ...], samples: Samples) -> Family:
    return Family(f"chargepark_{name}", "gauge", explanation, labels, samples)


def counter(name: str, explanation: str, labels: tuple[str, ...], samples: Samples) -> Family:
    return Family(f"chargepark_{name}", "counter", explanation, labels, samples)
