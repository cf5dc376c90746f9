"""Where the server puts a charge point of a client board: connector, circuit, and the currents counted for it."""

from __future__ import annotations

from msgspec.structs import replace

from park.charging.lease import Lease
from park.charging.settings import ChargePointSettings
from park.model.electric import Wiring
from park.model.placement import Placed


def unplaced(settings: ChargePointSettings) -> ChargePointSettings:
    """Of a board that was never paired, or a point the server does not know: nothing counts it, so it signals 0 A."""
    return replace(settings, connector=0, circuit="", fallback_ma=0, boot_ma=0)


def with_placement(settings: ChargePointSettings, placed: Placed) -> ChargePointSettings:
    """The settings as the server counts them (the link has fitted them to the hardware).

    Where hardware and server leave no current between them, as if never placed.
    """
    smallest, largest = placed.minimum_ma, placed.maximum_ma
    if not placed.connector or smallest > largest:
        return unplaced(settings)
    return replace(
        settings,
        connector=placed.connector,
        circuit=placed.circuit,
        wiring=Wiring(placed.wiring),
        phases=placed.phases,
        minimum_ma=smallest,
        maximum_ma=largest,
        fallback_ma=_lapse(placed.fallback_ma, smallest, largest),
        boot_ma=_lapse(placed.boot_ma, smallest, largest),
    )


def within(lease: Lease, settings: ChargePointSettings) -> Lease:
    """The lease with a lapse current that is counted: what was allowed before may be more than the new placement's."""
    most = settings.boot_ma if lease.grant is None else settings.fallback_ma
    return lease if lease.lapse_ma <= most else replace(lease, lapse_ma=most)


def _lapse(current_ma: int, smallest_ma: int, largest_ma: int) -> int:
    """A lapse current this hardware can signal, not more than counted."""
    return min(current_ma, largest_ma) if current_ma >= smallest_ma else 0
