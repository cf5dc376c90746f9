"""A charge point's step with everything around it: electronics with a deadman, a car, a lock, a meter, a journal.

Time moves only by `advance`; ticks come when the step asked for them. What the step does is kept in `log`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from msgspec.structs import replace

from park.charging.charge_point import Answer, ChargePointEvent, ChargePointState, Effect, initial, step
from park.charging.settings import ChargePointSettings, Outlet
from park.model.access import AuthorizationGranted, CommandAnswer, ConnectorStatus, ConnectorStatusChanged
from park.model.electric import on_phases
from park.model.evse import (
    EvseReported,
    EvseTraits,
    MoveRecloser,
    PilotOutput,
    PilotState,
    Pole,
    ReportLevels,
    SetContactor,
    SetLock,
    Signal,
)
from park.model.grant import ApplyGrant, Grant, Reason, Stamp
from park.model.metering import Quality, ReadingTaken, Sample
from park.model.session import (
    FactPersisted,
    OpenSession,
    RecordFact,
    RecoverSession,
    SessionEnded,
    SessionFact,
    SessionMetered,
    SessionRecovered,
    SessionStarted,
    key_of,
)
from park.model.signals import Start, Tick, WakeAt
from park.model.time import Now

NAME = "garage-1/cp1"
BOOT = "boot-1"
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
CABLE_32 = 220.0
VOLTS = 230

E = TypeVar("E")


def settings(**changes: Any) -> ChargePointSettings:  # noqa: ANN401 - any field
    """A socket outlet with lock and meter, 3 × 32 A, as most tests want it."""
    numbers = iter(range(1, 10_000))
    standard: dict[str, Any] = {
        "name": NAME,
        "node": "garage-1",
        "connector": 1,
        "circuit": "grid",
        "boot_id": BOOT,
        "traits": EvseTraits(has_deadman=True, resolution_ma=100, switchable_phases=False, has_lock=True),
        "new_session_id": lambda: f"session-{next(numbers)}",
        "meter": "cp1-meter",
    }
    return ChargePointSettings(**{**standard, **changes})


@dataclass
class Slot:
    """Where answers to commands arrive."""

    answers: list[CommandAnswer] = field(default_factory=list)

    def tell(self, message: CommandAnswer) -> None:
        self.answers.append(message)


@dataclass
class Electronics:
    """Control pilot, contactor and lock of one outlet, and the car on it.

    `follows`: the car closes S2 when it is offered current and opens it when not; `sleeps`: not before 0 V woke it.
    `stuck_contactor`, `stuck_lock`: the position they stay in whatever they are told. `secondary`: the pole of L2 and
    L3, None: there is none; `stuck_secondary`: it stays where it is. It never moves while the other one is closed.
    """

    lock: bool | None = False
    car: PilotState | None = None
    follows: bool = True
    sleeps: bool = False
    ohms: float | None = None
    permitted: bool = False
    stuck_contactor: bool | None = None
    stuck_lock: bool | None = None
    output: PilotOutput = PilotOutput.IDLE
    amps_ma: int = 0
    lapse_ma: int = 0
    expires: float = math.inf
    token: int = -1
    tripped: bool = False
    faults: tuple[str, ...] = ()
    temperature_c: float | None = None
    residual_ua: int | None = None
    recloser_closed: bool | None = None
    stuck_recloser: bool = False
    shorted: bool = False
    secondary: bool | None = None
    stuck_secondary: bool = False
    matched: bool | None = None

    @property
    def pilot(self) -> PilotState:
        if self.shorted or self.output is PilotOutput.ZERO:
            return PilotState.E
        if self.output is PilotOutput.FAULT:
            return PilotState.F
        return self.car or PilotState.A

    @property
    def closed(self) -> bool:
        if self.stuck_contactor is not None:
            return self.stuck_contactor
        return self.permitted and self.pilot in {PilotState.C, PilotState.D}

    def move_secondary(self, closed: bool) -> None:
        assert self.secondary is not None, "there is no second pole"
        assert not self.closed, "the secondary pole moves under load"
        if not self.stuck_secondary:
            self.secondary = closed

    @property
    def live(self) -> tuple[int, ...]:
        """Phases that carry voltage at the plug."""
        if not self.closed:
            return ()
        return (1,) if self.secondary is False else (1, 2, 3)

    def obey(self, signal: Signal, mono: float) -> None:
        self.output, self.amps_ma, self.lapse_ma = signal.output, signal.amps_ma, signal.lapse_ma
        self.expires, self.token, self.tripped = mono + signal.valid_for, signal.token, False
        self.sleeps = self.sleeps and signal.output is not PilotOutput.ZERO

    def pass_time(self, mono: float) -> None:
        """The deadman, then the car."""
        if mono >= self.expires:
            self.amps_ma, self.expires, self.tripped = self.lapse_ma, math.inf, True
            self.output = PilotOutput.PWM if self.lapse_ma else PilotOutput.IDLE
        if self.follows and self.car is not None:
            self.car = PilotState.C if self.output is PilotOutput.PWM and not self.sleeps else PilotState.B

    def report(self) -> EvseReported:
        return EvseReported(
            charge_point=NAME,
            pilot=self.pilot,
            proximity_ohms=self.ohms,
            contactor_closed=self.closed,
            lock_closed=self.lock,
            output=self.output,
            signalled_ma=self.amps_ma,
            lapse_ma=self.lapse_ma,
            token=self.token,
            deadman_tripped=self.tripped,
            temperature_c=self.temperature_c,
            residual_ua=self.residual_ua,
            recloser_closed=self.recloser_closed,
            faults=self.faults,
            secondary_closed=self.secondary,
            matched=self.matched,
        )


class ChargePointHarness:
    """Drives `step`. `persist`: the journal acknowledges at once. `answers`: the electronics report at once."""

    def __init__(
        self,
        config: ChargePointSettings | None = None,
        *,
        open_session: OpenSession | None = None,
        electronics: Electronics | None = None,
        start: bool = True,
    ) -> None:
        config = config or settings()
        self.mono = 1000.0
        self.wall_offset = timedelta()
        self.state: ChargePointState = initial(config)
        self.log: list[tuple[float, Effect]] = []
        self.facts: dict[tuple[str, int], SessionFact] = {}
        self.persist = True
        self.recovers = True
        self.connected = True
        self.open_session = open_session
        self.electronics = electronics or Electronics(
            lock=False if config.outlet is Outlet.SOCKET else None,
            secondary=False if config.traits.switchable_phases else None,
        )
        self.meter_works = config.meter is not None
        self.car_maximum_ma = 32_000
        self.overdraw_ma: int | None = None
        self.car_phases = 3
        self.energy = 1_000.0
        self.metered_at = self.mono
        self.sequence = 0
        self.granting: int | None = None
        self.phases: tuple[int, ...] = (1, 2, 3)
        self.last_report: EvseReported | None = None
        self.slot = Slot()
        if start:
            self.send(Start())
            self.read_meter()

    # -- driving

    def now(self) -> Now:
        return Now(self.mono, MIDNIGHT + timedelta(seconds=self.mono) + self.wall_offset)

    def send(self, event: ChargePointEvent) -> list[Effect]:
        """One event, its effects performed, whatever follows from them at this instant included."""
        self.state, effects = step(self.state, event, self.now())
        for effect in effects:
            self.log.append((self.mono, effect))
        for effect in effects:
            self._perform(effect)
        self.report_changes()
        return list(effects)

    def advance(self, seconds: float) -> None:
        """Let time pass: ticks as asked, a reading and a renewed grant each second, car and deadman in between."""
        end = self.mono + seconds
        while self.mono < end:
            whole = math.floor(self.mono) + 1.0
            self.mono = min(end, whole, max(self.state.wake, self.mono), self.electronics.expires)
            self.electronics.pass_time(self.mono)
            self.report_changes()
            if self.mono >= self.state.wake:
                self.send(Tick())
            if self.mono == whole:
                self.read_meter()
                if self.granting is not None and whole % 3 == 0:
                    self.grant(self.granting, phases=self.phases)

    def report_changes(self) -> None:
        report = self.electronics.report()
        if self.connected and self.last_report is not None and report != self.last_report:
            self.last_report = report
            self.send(report)

    def _perform(self, effect: Effect) -> None:
        electronics = self.electronics
        match effect:
            case Signal() if self.connected:
                electronics.obey(effect, self.mono)
            case SetContactor(pole=Pole.SECONDARY) if self.connected:
                electronics.move_secondary(effect.closed)
            case SetContactor() if self.connected:
                self._settle_meter()
                electronics.permitted = effect.closed
            case SetLock() if self.connected:
                if electronics.lock is not None and electronics.stuck_lock is None:
                    electronics.lock = effect.closed
            case MoveRecloser() if self.connected and not electronics.stuck_recloser:
                electronics.recloser_closed = effect.closed
            case ReportLevels() if self.connected:
                self.last_report = electronics.report()
                self.send(self.last_report)
            case RecordFact():
                if self.persist:
                    self.acknowledge(effect.fact)
            case RecoverSession():
                if self.recovers:
                    self.send(SessionRecovered(NAME, self.open_session))
            case Answer():
                effect.reply_to.tell(effect.answer)
            case _:
                pass

    def acknowledge(self, fact: SessionFact) -> None:
        known = self.facts.setdefault((fact.session, fact.ordinal), fact)
        assert known == fact, "a repeated fact differs from the first"
        self.send(FactPersisted(NAME, key_of(fact)))

    # -- the world

    def plug(self, ohms: float = CABLE_32, pilot: PilotState = PilotState.B) -> None:
        self.electronics.car = pilot
        if self.electronics.lock is not None:
            self.electronics.ohms = ohms
        self.report_changes()

    def unplug(self, *, cable_stays: bool = False) -> None:
        self.electronics.car = None
        if not cable_stays:
            self.electronics.ohms = None
        self.report_changes()

    def pilot(self, state: PilotState) -> None:
        self.electronics.car = state
        self.report_changes()

    def fault(self, *names: str) -> None:
        self.electronics.faults = names
        self.report_changes()

    def authorize(self, tag: str = "AA", by: str = "whitelist") -> None:
        self.send(AuthorizationGranted(NAME, tag, by))

    def grant(self, amps_ma: int, **changes: Any) -> None:  # noqa: ANN401 - any field
        self.sequence += 1
        values: dict[str, Any] = {
            "charge_point": NAME,
            "amps_ma": amps_ma,
            "phases": self.phases,
            "epoch": 1,
            "server_id": "server",
            "sequence": self.sequence,
            "valid_for": 10.0,
            "lapse_ma": 6_000,
            "stamp": Stamp("garage-1", BOOT, self.mono),
            "reason": (Reason("fuse", "grid"),),
        }
        self.send(ApplyGrant(Grant(**{**values, **changes})))

    def keep_granting(self, amps_ma: int | None, phases: tuple[int, ...] | None = None) -> None:
        """Renew every three seconds, as the coordinator does."""
        self.granting = amps_ma
        self.phases = phases or self.phases
        if amps_ma is not None:
            self.grant(amps_ma, phases=self.phases)

    def drawn_ma(self) -> int:
        if self.overdraw_ma is not None:
            return self.overdraw_ma if self.electronics.closed else 0
        return min(self.electronics.amps_ma, self.car_maximum_ma) if self.electronics.closed else 0

    def read_meter(self, quality: Quality = Quality.FRESH) -> None:
        if not self.meter_works or self.state.settings.meter is None:
            return
        self._settle_meter()
        drawn = self.drawn_ma()
        currents = on_phases(drawn, self.state.settings.wiring.grid_phases(self.car_phases))
        sample = Sample(currents, sum(currents) * VOLTS // 1000, int(self.energy))
        self.send(
            ReadingTaken(self.state.settings.meter, quality, sample, sample.currents_ma, self.mono, self.now().wall)
        )

    def lose_meter(self) -> None:
        self.meter_works = False
        if self.state.reading is not None:
            self.send(replace(self.state.reading, quality=Quality.STALE, average_ma=None))

    def _settle_meter(self) -> None:
        hours = (self.mono - self.metered_at) / 3600
        self.energy += 3 * VOLTS * self.drawn_ma() / 1000 * hours
        self.metered_at = self.mono

    def begin(self, amps_ma: int = 16_000, tag: str = "AA") -> None:
        """Plug, card, grant, until current flows."""
        self.plug()
        self.authorize(tag)
        self.keep_granting(amps_ma)
        self.advance(8)
        assert self.status is ConnectorStatus.CHARGING, self.state

    # -- what was seen

    def effects(self, kind: type[E]) -> list[E]:
        return [effect for _, effect in self.log if isinstance(effect, kind)]

    def times(self, kind: type[E], **values: Any) -> list[float]:  # noqa: ANN401 - any field
        return [
            mono
            for mono, effect in self.log
            if isinstance(effect, kind) and all(getattr(effect, key) == value for key, value in values.items())
        ]

    def last(self, kind: type[E]) -> E:
        return self.effects(kind)[-1]

    @property
    def status(self) -> ConnectorStatus:
        return self.last(ConnectorStatusChanged).status

    @property
    def started(self) -> list[SessionStarted]:
        return [fact for fact in self.facts.values() if isinstance(fact, SessionStarted)]

    @property
    def metered(self) -> list[SessionMetered]:
        return [fact for fact in self.facts.values() if isinstance(fact, SessionMetered)]

    @property
    def ended(self) -> list[SessionEnded]:
        return [fact for fact in self.facts.values() if isinstance(fact, SessionEnded)]

    @property
    def fault_codes(self) -> set[str]:
        return {fault.kind.code for fault in self.state.faults}

    def wakes(self) -> list[float]:
        return [effect.mono for effect in self.effects(WakeAt)]
