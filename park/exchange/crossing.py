"""What each type of message needs to cross a link: a key to be conflated by, and its times on the other clock."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from msgspec.structs import replace

from park.authorization.messages import ApplyRules, ReadersAnnounced
from park.charging.report import ChargePointReported
from park.exchange.messages import RecloserOrdered, RestartOrdered, StopOrdered, UnlockOrdered
from park.exchange.session import Haste
from park.model.access import (
    AuthorizationGranted,
    CardPresented,
    OccupancyChanged,
    SettingChanged,
    ShowFeedback,
    StopSession,
)
from park.model.autocharge import VehicleIdentified
from park.model.demand import BoardHeartbeat, CurrentSignalled, DemandChanged
from park.model.grant import ApplyGrant
from park.model.limit import InputChanged
from park.model.listed import ApplyLocalList
from park.model.metering import MeterReported, Quality, ReadingTaken, Sample, Signed
from park.model.placement import Placed, PlacementKept
from park.model.reservation import ConnectorReserved
from park.model.session import FactOffered
from park.model.signals import RepeatLevels
from park.model.time import BootTime
from park.rolling.messages import FirmwarePiece, FirmwareStanding, FirmwareWanted


def key_of(target: str, message: object) -> Hashable | None:
    """Messages with an equal key are levels of one thing: the newest says all. None: every one counts."""
    match message:
        case DemandChanged() | CurrentSignalled() | OccupancyChanged() | PlacementKept():
            return (type(message), message.charge_point)
        case ReadingTaken() | MeterReported():
            return (type(message), message.meter)
        case ChargePointReported():
            return (type(message), message.name)
        case BoardHeartbeat() | ReadersAnnounced() | ApplyRules() | ApplyLocalList():
            return type(message)
        case FirmwareStanding() | FirmwareWanted() | FirmwarePiece():
            return type(message)
        case InputChanged():
            return (type(message), message.number)
        case SettingChanged():
            return (type(message), target, message.name)
        case ApplyGrant() | Placed() | RepeatLevels() | ConnectorReserved():
            return (type(message), target)
        case _:
            return None


_URGENT = (
    ApplyGrant,
    AuthorizationGranted,
    CardPresented,
    CurrentSignalled,
    DemandChanged,
    OccupancyChanged,
    ShowFeedback,
    RestartOrdered,
    StopOrdered,
    UnlockOrdered,
    RecloserOrdered,
    StopSession,
    VehicleIdentified,
)
"""Somebody at a charge point waits for these, or a fuse does: they do not wait for company on the wire."""
_LEISURELY = (ChargePointReported, MeterReported, ReadingTaken)
"""Levels measured about once a second: the age of a reading is counted from when it was taken, not from its arrival."""
HASTE: Mapping[type, Haste] = dict.fromkeys(_URGENT, Haste.URGENT) | dict.fromkeys(_LEISURELY, Haste.LEISURELY)


def dated(message: object, offset: float, boot: str) -> object:
    """The message with its times of the sender's monotonic clock moved by `offset` to ours, of this run `boot`.

    What a board stamps for itself (`BoardHeartbeat.stamp`, `Grant.stamp`) stays as it is.
    """
    match message:
        case DemandChanged(since=since):
            return replace(message, since=since + offset)
        case ReadingTaken():
            return reading_as(message, message.meter, message.mono + offset)
        case CurrentSignalled(mono=mono):
            return replace(message, mono=mono + offset)
        case OccupancyChanged(plugged_since=float(since)):
            return replace(message, plugged_since=since + offset)
        case MeterReported(mono=float(mono)):
            return replace(message, mono=mono + offset)
        case ChargePointReported():
            return _report(message, offset)
        case FactOffered(fact=fact) if fact.undated is not None:
            moved = BootTime(boot, fact.undated.mono + offset)
            return replace(message, fact=replace(fact, undated=moved))
        case _:
            return message


def reading_as(reading: ReadingTaken, meter: str, mono: float) -> ReadingTaken:
    """The reading under another name and time; written out, as most of what crosses is readings.

    What the meter signed stays with the charge point, whose facts carry it; its key crosses.
    """
    return ReadingTaken(
        meter,
        reading.quality,
        without_record(reading.sample),
        reading.average_ma,
        mono,
        reading.wall,
        reading.resolution_ma,
    )


def without_record(sample: Sample | None) -> Sample | None:
    """The sample as a level: once a second a signed text would be half of what crosses."""
    if sample is None or sample.signed is None or not sample.signed.record:
        return sample
    return replace(sample, signed=Signed("", sample.signed.key))


def report_of(reading: ReadingTaken, failures: int) -> MeterReported:
    """What the meter reports beside this reading, while it can be read."""
    return MeterReported(reading.meter, reading.quality, reading.sample, reading.mono, failures, None)


def follows_from(report: MeterReported, reading: ReadingTaken) -> bool:
    """Whether `report_of` the reading says the same."""
    if report.problem is not None or reading.quality is not Quality.FRESH:
        return False
    return (report.quality, report.mono) == (reading.quality, reading.mono) and report.sample == reading.sample


def _report(report: ChargePointReported, offset: float) -> ChargePointReported:
    grant = None if report.grant is None else replace(report.grant, ends=report.grant.ends + offset)
    plugged = None if report.plugged_since is None else report.plugged_since + offset
    charging = None if report.charging_since is None else report.charging_since + offset
    return replace(report, grant=grant, plugged_since=plugged, charging_since=charging)
