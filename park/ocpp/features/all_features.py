"""Every feature this station has; the backend's calls of others are answered with NotImplemented."""

from __future__ import annotations

from collections.abc import Mapping

from park.model.storage import Row
from park.model.time import Now
from park.ocpp.effects import CentralSystemEffect
from park.ocpp.features import (
    aligned_readings,
    change_availability,
    configuration,
    connectors,
    data_transfer,
    dating,
    input_notices,
    local_list,
    local_services,
    queue_capacity,
    registered,
    remote_transactions,
    reservation,
    reset,
    smart_charging,
    timely,
    transaction_data,
    trigger,
    upkeep,
    withholding,
)
from park.ocpp.features.feature import Feature, Handler, Turn
from park.ocpp.state import CentralSystem

FEATURES: tuple[Feature, ...] = (
    configuration.FEATURE,  # first: the others load and act under the values of the keys
    timely.FEATURE,
    remote_transactions.FEATURE,
    change_availability.FEATURE,
    connectors.FEATURE,
    reset.FEATURE,
    data_transfer.FEATURE,
    local_services.FEATURE,
    smart_charging.FEATURE,
    reservation.FEATURE,
    local_list.FEATURE,
    trigger.FEATURE,
    transaction_data.FEATURE,
    dating.FEATURE,  # after the readings that a stop repeats are there
    aligned_readings.FEATURE,
    queue_capacity.FEATURE,
    upkeep.FEATURE,
    withholding.FEATURE,
    registered.FEATURE,
    input_notices.FEATURE,
)
HANDLERS: Mapping[str, Handler] = {
    action: handler for feature in FEATURES for action, handler in feature.handlers.items()
}
TABLES: tuple[str, ...] = tuple(dict.fromkeys(table for feature in FEATURES for table in feature.tables))

_LOADING = tuple(feature.load for feature in FEATURES if feature.load is not None)
_SETTLING = tuple(feature.settle for feature in FEATURES if feature.settle is not None)
_DEADLINES = tuple(feature.deadline for feature in FEATURES if feature.deadline is not None)
_REPEATING = tuple(feature.repeat for feature in FEATURES if feature.repeat is not None)


def load(state: CentralSystem, rows: tuple[Row, ...], now: Now) -> Turn:
    """Each feature takes what it kept on disk."""
    effects: tuple[CentralSystemEffect, ...] = ()
    for each in _LOADING:
        state, more = each(state, rows, now)
        effects += more
    return state, effects


def settle(state: CentralSystem, now: Now) -> Turn:
    """Each feature does what is due."""
    effects: tuple[CentralSystemEffect, ...] = ()
    for each in _SETTLING:
        state, more = each(state, now)
        effects += more
    return state, effects


def deadline(state: CentralSystem) -> float | None:
    """The nearest moment at which a feature has something to do."""
    return min((at for each in _DEADLINES if (at := each(state)) is not None), default=None)


def repeat(state: CentralSystem, point: str) -> tuple[CentralSystemEffect, ...]:
    """What a charge point that began anew has to hear."""
    return tuple(effect for each in _REPEATING for effect in each(state, point))
