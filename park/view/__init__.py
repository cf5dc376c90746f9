"""The read model of a park: all that is known at one moment, immutable, for those who show it; nobody decides by it."""

from park.view.rows import (
    ActorRow,
    BackendRow,
    ChargePointRow,
    CircuitPhase,
    CircuitRow,
    MeterRow,
    NodeReported,
    ParkView,
)
from park.view.status import SCHEMA, to_json

__all__ = [
    "SCHEMA",
    "ActorRow",
    "BackendRow",
    "ChargePointRow",
    "CircuitPhase",
    "CircuitRow",
    "MeterRow",
    "NodeReported",
    "ParkView",
    "to_json",
]
