"""What stands at the connector: a vehicle, a cable, since when, and for how long current could flow."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from park.charging.proximity import ProximityFault, cable_rating
from park.charging.settings import ChargePointSettings, Outlet
from park.model.evse import EvseReported, PilotOutput, PilotState

READY = (PilotState.C, PilotState.D)
CONNECTED = (PilotState.B, PilotState.C, PilotState.D)
PROXIMITY_SETTLE_SECONDS = 1.0  # plugs bounce: a resistor not readable for less than this is no fault yet


class Vehicle(Struct, frozen=True):
    """`present`: a vehicle answers on the pilot. In E and F nobody can tell, then the last answer stands.

    `since`: mono of plug-in, or of leaving. `cable_ma`: what the cable carries, None while unknown. `cable_in`: a plug
    is in the socket (a fixed cable: a vehicle is there). `cable_changed`: the rating changed in a session (B-248).
    `charging_seconds`: time in state C or D of this plug-in before `ready_since`.
    """

    present: bool = False
    since: float = 0.0
    cable_in: bool = False
    cable_ma: int | None = None
    proximity: ProximityFault | None = None
    proximity_since: float = 0.0
    cable_changed: bool = False
    ready_since: float | None = None
    charging_seconds: float = 0.0


def is_present(before: bool, report: EvseReported, outlet: Outlet) -> bool:  # noqa: FBT001 - the level before
    if report.pilot in CONNECTED:
        return True
    if report.pilot is PilotState.A:
        return False
    # With our own -12 V or 0 V on the pilot a vehicle cannot answer; an empty socket still tells that it left.
    mute = report.output in {PilotOutput.FAULT, PilotOutput.ZERO}
    gone = outlet is Outlet.SOCKET and mute and report.proximity_ohms is None
    return before and not gone


def observe(
    vehicle: Vehicle, report: EvseReported, settings: ChargePointSettings, *, in_session: bool, mono: float
) -> Vehicle:
    """The vehicle after one report of levels. `in_session`: a changed cable rating is then remembered until unplug."""
    present = is_present(vehicle.present, report, settings.outlet)
    if present != vehicle.present:
        vehicle = Vehicle(present=present, since=mono)
    vehicle = _with_cable(vehicle, report, settings, in_session=in_session, mono=mono)
    return _with_readiness(vehicle, ready=report.pilot in READY, mono=mono)


def proximity_fault(vehicle: Vehicle, mono: float) -> ProximityFault | None:
    """Missing or invalid coding of a plug that stays so (B-247)."""
    if vehicle.proximity is None or not vehicle.present:
        return None
    return vehicle.proximity if mono >= vehicle.proximity_since + PROXIMITY_SETTLE_SECONDS else None


def _with_cable(
    vehicle: Vehicle, report: EvseReported, settings: ChargePointSettings, *, in_session: bool, mono: float
) -> Vehicle:
    if settings.outlet is Outlet.CABLE:
        rating = settings.cable_rating_ma or settings.maximum_ma
        if vehicle.cable_in == vehicle.present and vehicle.cable_ma == rating:
            return vehicle
        return replace(vehicle, cable_in=vehicle.present, cable_ma=rating)
    rating = cable_rating(report.proximity_ohms, settings.phases)
    if isinstance(rating, ProximityFault):
        if vehicle.proximity is rating:
            return vehicle
        cable_in = rating is not ProximityFault.MISSING
        return replace(vehicle, cable_in=cable_in, proximity=rating, proximity_since=mono)
    if in_session and vehicle.cable_ma is not None and rating != vehicle.cable_ma:
        return replace(
            vehicle,
            cable_in=True,
            cable_ma=min(rating, vehicle.cable_ma),
            cable_changed=True,
            proximity=None,
        )
    if vehicle.cable_in and vehicle.proximity is None and vehicle.cable_ma == rating:
        return vehicle
    return replace(vehicle, cable_in=True, cable_ma=rating, proximity=None)


def _with_readiness(vehicle: Vehicle, *, ready: bool, mono: float) -> Vehicle:
    if ready and vehicle.ready_since is None:
        return replace(vehicle, ready_since=mono)
    if not ready and vehicle.ready_since is not None:
        return replace(
            vehicle,
            ready_since=None,
            charging_seconds=vehicle.charging_seconds + mono - vehicle.ready_since,
        )
    return vehicle
