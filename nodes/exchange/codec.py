"""Frames as protobuf: every message type that may cross a link, and nothing else."""

from __future__ import annotations

import math
from typing import Final

from nodes.exchange.shapes import Shape, Unreadable, shape, snake
from nodes.rpc import exchange_pb2 as pb
from park.authorization.messages import ApplyRules, ReadersAnnounced
from park.charging.report import ChargePointReported
from park.exchange.messages import (
    BoardHello,
    LinkRefused,
    LogPart,
    LogWanted,
    OfferAgain,
    RecloserOrdered,
    RestartOrdered,
    ServerHello,
    StopOrdered,
    UnlockOrdered,
)
from park.exchange.session import Entry, Frame
from park.model.access import (
    AuthorizationGranted,
    CardPresented,
    ConnectorStatusChanged,
    Done,
    OccupancyChanged,
    Refused,
    RepeatSettings,
    SettingChanged,
    ShowFeedback,
    StopSession,
    Undeliverable,
)
from park.model.autocharge import VehicleIdentified
from park.model.demand import BoardHeartbeat, CurrentSignalled, DemandChanged
from park.model.grant import ApplyGrant
from park.model.limit import InputChanged
from park.model.listed import ApplyLocalList
from park.model.metering import MeterReported, ReadingTaken
from park.model.placement import Placed, PlacementKept
from park.model.reservation import ConnectorReserved
from park.model.session import FactDelivered, FactOffered, FactsHeld, FactsKnown, FactTaken, TransactionAssigned
from park.model.signals import RepeatLevels
from park.rolling.messages import (
    FirmwareAsked,
    FirmwareOffered,
    FirmwareOrdered,
    FirmwarePiece,
    FirmwareStanding,
    FirmwareWanted,
)

CROSSING: Final[tuple[type, ...]] = (
    ApplyGrant,
    ApplyLocalList,
    ApplyRules,
    AuthorizationGranted,
    BoardHeartbeat,
    BoardHello,
    CardPresented,
    ChargePointReported,
    ConnectorReserved,
    ConnectorStatusChanged,
    CurrentSignalled,
    DemandChanged,
    Done,
    FactDelivered,
    FactOffered,
    FactTaken,
    FactsHeld,
    FactsKnown,
    FirmwareAsked,
    FirmwareOffered,
    FirmwareOrdered,
    FirmwarePiece,
    FirmwareStanding,
    FirmwareWanted,
    InputChanged,
    LinkRefused,
    LogPart,
    LogWanted,
    MeterReported,
    OccupancyChanged,
    OfferAgain,
    Placed,
    PlacementKept,
    ReadersAnnounced,
    ReadingTaken,
    Refused,
    RepeatLevels,
    RepeatSettings,
    RestartOrdered,
    ServerHello,
    SettingChanged,
    ShowFeedback,
    StopOrdered,
    StopSession,
    TransactionAssigned,
    Undeliverable,
    VehicleIdentified,
    RecloserOrdered,
    UnlockOrdered,
)

_ENTRY = pb.Entry.DESCRIPTOR


def _shapes() -> dict[type, tuple[str, Shape]]:
    found: dict[type, tuple[str, Shape]] = {}
    for cls in CROSSING:
        name = snake(cls.__name__)
        message = _ENTRY.fields_by_name[name].message_type
        if message is None:
            raise TypeError(f"{name} is no message")
        found[cls] = (name, shape(cls, message))
    return found


_BY_TYPE: Final = _shapes()
_BY_NAME: Final = dict(_BY_TYPE.values())


def encode(frame: Frame) -> pb.Frame:
    """Raise KeyError for a message that must not cross: a defect of ours."""
    message = pb.Frame(number=frame.number, ack=frame.ack, mono=frame.mono, echo=frame.echo, echoed_at=frame.echoed_at)
    for entry in frame.entries:
        name, written = _BY_TYPE[type(entry.message)]
        added = message.entries.add(target=entry.target, at=entry.at)
        written.write(getattr(added, name), entry.message)
    return message


def decode(message: pb.Frame) -> tuple[Frame, tuple[str, ...]]:
    """The frame, and why entries were left out: unknown to this version, or not what their type says.

    An entry that is left out takes nothing else with it. Raises Unreadable when the frame itself makes no sense.
    """
    for value in (message.mono, message.echo, message.echoed_at):
        if not math.isfinite(value):
            raise Unreadable(f"a frame's clock says {value}")
    entries: list[Entry] = []
    problems: list[str] = []
    for entry in message.entries:
        name = entry.WhichOneof("message")
        known = None if name is None else _BY_NAME.get(name)
        if known is None or not math.isfinite(entry.at):
            problems.append("an entry of a kind this version does not know")
            continue
        try:
            entries.append(Entry(entry.target, entry.at, known.read(getattr(entry, name or ""))))
        except Unreadable as error:
            problems.append(f"{name}: {error}")
    echoed = message.HasField("echo") and message.HasField("echoed_at")
    frame = Frame(
        message.number,
        message.ack,
        message.mono,
        message.echo if echoed else None,
        message.echoed_at if echoed else None,
        tuple(entries),
    )
    return frame, tuple(problems)
