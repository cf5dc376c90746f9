"""The whole state of one charge point, and the events and effects of its step."""

from __future__ import annotations

import math
from copy import copy
from typing import TypeAlias

from msgspec import Struct, field

from park.charging import outbox as outboxes
from park.charging import phases_in_use
from park.charging.contactor import Contactor
from park.charging.faults import STOPS_ENERGY, Fault, Impact
from park.charging.lease import Lease, boot_lease
from park.charging.lock import Lock
from park.charging.outbox import Outbox
from park.charging.overdraw import Overdraw
from park.charging.phase_switching import ONE, PhaseSwitch
from park.charging.phases_in_use import PhasesInUse
from park.charging.reclosing import Reclosing
from park.charging.report import ChargePointReported
from park.charging.session import IDLE, Session
from park.charging.settings import ChargePointSettings
from park.charging.signalling import Signalling
from park.charging.unlocking import Unlocking
from park.charging.vehicle import READY, Vehicle
from park.charging.waking import RESTING, Waking
from park.model.access import (
    Answer,
    AuthorizationGranted,
    ConnectorStatus,
    ConnectorStatusChanged,
    OccupancyChanged,
    OrderRecloser,
    RemoteStop,
    RepeatSettings,
    SettingChanged,
    StopSession,
    UnlockConnector,
)
from park.model.demand import CurrentSignalled, DemandChanged
from park.model.evse import EvseCommand, EvseLost, EvseReported, PilotOutput
from park.model.grant import ApplyGrant
from park.model.metering import Quality, ReadingTaken
from park.model.placement import Placed
from park.model.reservation import ConnectorReserved
from park.model.session import (
    FactPersisted,
    RecordFact,
    RecoverSession,
    SessionRecovered,
    TransactionAssigned,
)
from park.model.signals import RepeatLevels, Start, Tick, WakeAt

NOT_RESERVED = -math.inf
PATIENCE_SECONDS = 5.0  # after a start: how long the electronics keep what they do while the journal is asked


ChargePointEvent: TypeAlias = (
    Start
    | Tick
    | RepeatLevels
    | EvseReported
    | EvseLost
    | ApplyGrant
    | AuthorizationGranted
    | StopSession
    | RemoteStop
    | UnlockConnector
    | OrderRecloser
    | FactPersisted
    | SessionRecovered
    | ReadingTaken
    | TransactionAssigned
    | SettingChanged
    | Placed
    | ConnectorReserved
)

Effect: TypeAlias = (
    EvseCommand
    | RecordFact
    | RecoverSession
    | RepeatSettings
    | DemandChanged
    | CurrentSignalled
    | OccupancyChanged
    | ConnectorStatusChanged
    | Answer
    | WakeAt
    | ChargePointReported
)


Status: TypeAlias = tuple[ConnectorStatus, str, str, str]
"""Status, OCPP error code, info, vendor's error code: what a status notification says."""

CurrentKey: TypeAlias = tuple[int, int, tuple[int, int], bool, int]
"""Signalled mA, lapse mA, (epoch, sequence), contactor open, phases of two poles: what a confirmation says."""


class ChargePointState(Struct):
    """`evse`: newest levels, None before the first. `lost`: why the electronics are away, None: they are there.

    `started_at`: mono of `Start`. `recovered`: the journal answered. `recover_due`: mono at which it is asked again.
    `ground_fault`, `ventilation`: hold until the vehicle leaves. `told_…`: what was told last, so that nothing is told
    twice. `wake`: mono of the earliest `Tick` asked for. `reserved_ends`: mono until which it is kept for somebody.
    `found`: since when (mono) the vehicle is known that was there before the start. `unlocking`, `reclosing`: orders
    that wait for the bolt and for the residual current device. `freed`: since when (mono) the vehicle stands there
    whose plug was freed by order. `poles`: of a point that switches phases, None: one
    contactor does it all.

    Outside of a step a state never changes. A step works on its own `fork`: a `replace` for each of its changes would
    be paid on the path every reading and every renewed grant takes.
    """

    settings: ChargePointSettings
    lease: Lease
    evse: EvseReported | None = None
    lost: str | None = None
    started_at: float = math.inf
    recovered: bool = False
    recover_due: float = math.inf
    reading: ReadingTaken | None = None
    vehicle: Vehicle = field(default_factory=Vehicle)
    session: Session = IDLE
    outbox: Outbox = outboxes.EMPTY
    lock: Lock = field(default_factory=Lock)
    contactor: Contactor = field(default_factory=Contactor)
    signalling: Signalling = field(default_factory=Signalling)
    overdraw: Overdraw = field(default_factory=Overdraw)
    phases_in_use: PhasesInUse = phases_in_use.UNKNOWN
    waking: Waking = RESTING
    ground_fault: bool = False
    ventilation: bool = False
    reserved_ends: float = NOT_RESERVED
    faults: tuple[Fault, ...] = ()
    told_demand: DemandChanged | None = None
    told_occupancy: OccupancyChanged | None = None
    told_status: Status | None = None
    told_current: CurrentKey | None = None
    told_report: ChargePointReported | None = None
    wake: float = math.inf
    unlocking: Unlocking | None = None
    reclosing: Reclosing | None = None
    freed: float | None = None
    told_temperature_c: float | None = None
    told_residual_ua: int | None = None
    found: float | None = None
    poles: PhaseSwitch | None = None

    def fork(self) -> ChargePointState:
        """A copy to work on; the parts are immutable and shared."""
        return copy(self)

    @property
    def ready(self) -> bool:
        """Vehicle in state C or D."""
        return self.evse is not None and self.evse.pilot in READY

    @property
    def is_waking(self) -> bool:
        """The pilot shows 0 V to a vehicle that sleeps."""
        return self.signalling.offer is not None and self.signalling.offer.output is PilotOutput.ZERO

    @property
    def meter_fresh(self) -> bool:
        return self.reading is not None and self.reading.quality is Quality.FRESH and self.reading.sample is not None

    @property
    def energy_stopped(self) -> bool:
        """A fault forbids energy."""
        return any(fault.kind.impact in STOPS_ENERGY for fault in self.faults)

    @property
    def start_prevented(self) -> bool:
        """A fault forbids a new session."""
        return any(fault.kind.impact is not Impact.NOTE for fault in self.faults)

    def commands(self, mono: float) -> bool:
        """The electronics are there and may be told something: the journal answered or had its time."""
        return (
            self.evse is not None
            and self.lost is None
            and (self.recovered or mono >= self.started_at + PATIENCE_SECONDS)
        )


def initial(settings: ChargePointSettings) -> ChargePointState:
    """Before `Start`: nothing known, nothing commanded, the boot current in force."""
    poles = PhaseSwitch(count=ONE, wanted=ONE, pause_seconds=settings.phase_pause_seconds)
    return ChargePointState(
        settings=settings, lease=boot_lease(settings), poles=poles if settings.traits.switchable_phases else None
    )
