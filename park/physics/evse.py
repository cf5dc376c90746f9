"""The electronics of one charge point and the car on it: pilot, contactor, lock, deadman, energy register.

Exact between calls: everything the device and the car do by themselves has a due time, and `advance` handles them in
order, so the result does not depend on how often it is called.
"""

from __future__ import annotations

from typing import assert_never

from msgspec import Struct

from park.errors import BenchRefused
from park.model.electric import MINIMUM_CURRENT_MA, NOMINAL_VOLTAGE_MV, ZERO, PerPhase, Wiring, on_phases
from park.model.evse import (
    EvseCommand,
    EvseReported,
    MoveRecloser,
    PilotOutput,
    PilotState,
    Pole,
    ReportLevels,
    SetContactor,
    SetLock,
    Signal,
)
from park.physics.actuator import Actuator
from park.physics.hardware import REPORTED, TRAITS, TRIPPING, EvseSpec, Fault, Outlet, proximity_ohms
from park.physics.vehicle import MATCH_SECONDS, NEVER, STOP_SECONDS, Vehicle, VehicleSpec

CONTACTOR_SECONDS = 0.05  # IEC 61851-1 A.3 wants the circuit open within 100 ms after the pilot leaves state C
LOCK_SECONDS = 0.4  # a motor's way
LARGEST_PILOT_MA = 80_000  # IEC 61851-1 A.5: 96-97 % duty
WH_PER_MA_SECOND = NOMINAL_VOLTAGE_MV / 1e6 / 3600  # on one phase at 230 V, resistive
CAR_ON = frozenset({PilotState.C, PilotState.D})


class Visit(Struct, frozen=True):
    """One car from plug to unplug, with the energy register at both ends (None: it is still there)."""

    plugged_at: float
    start_wh: float
    unplugged_at: float | None = None
    end_wh: float | None = None


class Evse:
    """One virtual charge point. Read the public attributes, change it by the methods only; `mono` never goes back.

    `due`: mono of the next thing that happens here by itself, infinite if none. `revision` grows with every change of
    what `report` tells. `current_ma` flows on each phase of the car. `secondary`: the pole of L2 and L3, None: they
    hang on `contactor`. `torn`: how often it moved while current flowed, which must never be.
    """

    __slots__ = (
        "_deadman_at", "_levels", "_match_at", "_mono", "_must_open_at", "_wiring", "amps_ma", "cable_ohms",
        "contactor", "current_ma", "due", "energy_wh", "faults", "flow_ma", "lapse_ma", "lock", "matched",
        "matched_at", "output", "permitted", "pilot", "residual_ua", "revision", "secondary", "spec", "temperature_c",
        "token", "torn", "tripped", "vehicle", "visits", "wh_per_second",
    )  # fmt: skip

    def __init__(self, spec: EvseSpec, mono: float = 0.0) -> None:
        self.spec = spec
        self.output = PilotOutput.IDLE
        self.amps_ma = 0  # offered by PWM
        self.lapse_ma = 0
        self.token = -1
        self.tripped = False
        self.permitted = False
        self.vehicle: Vehicle | None = None
        self.cable_ohms: float | None = None  # of the plug in the socket
        self.contactor = Actuator(CONTACTOR_SECONDS)
        self.secondary = Actuator(CONTACTOR_SECONDS) if spec.switchable else None
        self.torn = 0
        self.lock = Actuator(LOCK_SECONDS) if spec.outlet is Outlet.SOCKET else None
        self.faults: set[Fault] = set()
        self.temperature_c = 25.0
        self.residual_ua: int | None = None  # its monitor tells nothing before somebody lets current leak
        self.matched: bool | None = None  # None: the modem was not asked since a car came
        self.matched_at = NEVER
        self.energy_wh = 0.0
        self.pilot = PilotState.A
        self.current_ma = 0
        self.flow_ma: PerPhase = ZERO  # on the grid's phases
        self.wh_per_second = 0.0
        self.visits: list[Visit] = []
        self.revision = 0
        self._wiring = Wiring.RST if spec.wiring is Wiring.UNKNOWN else spec.wiring
        self._mono = mono
        self._deadman_at = NEVER
        self._must_open_at = NEVER
        self._match_at = NEVER
        self.due = NEVER
        self._levels = self._read()

    # ------------------------------------------------------------ time

    def advance(self, mono: float) -> None:
        """Let time pass until `mono`."""
        if mono < self.due:
            self._flow(mono)
            return
        while self.due <= mono:
            self._flow(max(self.due, self._mono))
            self._happen()
        self._flow(mono)

    def _flow(self, until: float) -> None:
        """Count the energy of a constant current until then."""
        seconds = until - self._mono
        if seconds <= 0.0:
            return
        self._mono = until
        if self.wh_per_second and self.vehicle is not None:
            energy = self.wh_per_second * seconds
            self.energy_wh += energy
            self.vehicle.received_wh += energy

    def _happen(self) -> None:
        """Do everything that is due now."""
        mono = self._mono
        if self._deadman_at <= mono:
            self._fall(mono)
        if self._must_open_at <= mono:
            self._must_open_at = NEVER
            self.permitted = False
        if self._match_at <= mono:
            self.matched, self.matched_at, self._match_at = True, mono, NEVER
        self._follow(mono)

    def _follow(self, mono: float) -> None:
        """Let car, contactor and lock answer to each other until nothing more is due at this moment."""
        if self.lock is not None:
            self.lock.settle(mono)
            if self.vehicle is None and not self.lock.closed:
                self.cable_ohms = None  # the driver takes the cable along
        if self.vehicle is not None:
            self.vehicle.settle(mono)
        self.contactor.settle(mono)
        if self.secondary is not None:
            self._settle_secondary(self.secondary, mono)
        self.pilot = self._pilot()
        self.contactor.drive(self.permitted and self.pilot in CAR_ON and not self.faults & TRIPPING, mono)
        self._load()
        self.due = self._soonest()
        levels = self._read()
        if levels != self._levels:
            self._levels = levels
            self.revision += 1

    def _settle_secondary(self, pole: Actuator, mono: float) -> None:
        before = pole.closed
        pole.settle(mono)
        if pole.closed is not before and self.current_ma and self.contactor.closed:
            self.torn += 1

    @property
    def live_phases(self) -> int:
        """Phases of the connector that get through to the car while the contactor is closed."""
        return self.spec.phases if self.secondary is None or self.secondary.closed else 1

    def _pilot(self) -> PilotState:
        if Fault.PILOT in self.faults or self.output is PilotOutput.ZERO:
            return PilotState.E
        if self.output is PilotOutput.FAULT:
            return PilotState.F
        if self.vehicle is None:
            return PilotState.A
        return PilotState.C if self.vehicle.ready else PilotState.B

    def _load(self) -> None:
        vehicle = self.vehicle
        flowing = vehicle is not None and self.contactor.closed and vehicle.ready
        if vehicle is None or not flowing:
            self.current_ma, self.flow_ma, self.wh_per_second = 0, ZERO, 0.0
            return
        phases = min(vehicle.spec.phases, self.live_phases)
        self.current_ma = vehicle.demand_ma
        self.flow_ma = on_phases(vehicle.demand_ma, self._wiring.grid_phases(phases))
        self.wh_per_second = vehicle.demand_ma * phases * WH_PER_MA_SECOND

    def _soonest(self) -> float:
        soonest = min(self._deadman_at, self._must_open_at, self._match_at, self.contactor.next_change())
        if self.lock is not None:
            soonest = min(soonest, self.lock.next_change())
        if self.secondary is not None:
            soonest = min(soonest, self.secondary.next_change())
        if self.vehicle is not None:
            soonest = min(soonest, self.vehicle.next_change())
            if self.wh_per_second:
                soonest = min(soonest, self._mono + self.vehicle.energy_to_change() / self.wh_per_second)
        return soonest

    # ------------------------------------------------------------ the device

    def apply(self, command: EvseCommand, mono: float) -> None:
        """Obey the controller. A repeated order to open or close is no new movement."""
        self.advance(mono)
        match command:
            case Signal():
                self._signal(command)
            case SetContactor(pole=Pole.SECONDARY):
                if self.secondary is not None:
                    self.secondary.drive(command.closed, mono)
            case SetContactor():
                self.permitted = command.closed and not self.faults & TRIPPING
                self._must_open_at = NEVER
            case SetLock():
                if self.lock is not None:
                    self.lock.drive(command.closed, mono)
            case MoveRecloser():
                if self.spec.recloser:
                    self.break_down(Fault.RCD, not command.closed, mono)
            case ReportLevels():
                self.revision += 1
            case _:
                assert_never(command)
        self._follow(mono)
        self.advance(mono)  # a signal that is over already

    def _signal(self, signal: Signal) -> None:
        """Offer what the hardware can: in its steps, at most its rating, never between 0 and 6 A (B-263).

        A signal that came too late is over already and raises nothing.
        """
        deadline = min(self._mono + signal.valid_for, signal.until)
        amps_ma = self._offerable(signal.amps_ma) if signal.output is PilotOutput.PWM else 0
        if deadline <= self._mono:
            amps_ma = min(amps_ma, self.amps_ma)
        output = PilotOutput.IDLE if signal.output is PilotOutput.PWM and amps_ma == 0 else signal.output
        self.lapse_ma = self._offerable(signal.lapse_ma)
        self.token = signal.token
        self.tripped = False
        self._must_open_at = NEVER
        self._deadman_at = deadline
        self._put(output, amps_ma)

    def _offerable(self, amps_ma: int) -> int:
        most = min(amps_ma, self.spec.maximum_ma, LARGEST_PILOT_MA)
        stepped = most - most % TRAITS.resolution_ma
        return stepped if stepped >= MINIMUM_CURRENT_MA else 0

    def _put(self, output: PilotOutput, amps_ma: int) -> None:
        if self.vehicle is not None:
            if output is PilotOutput.ZERO:
                self.vehicle.wake()
            if amps_ma != self.amps_ma:
                self.vehicle.see(amps_ma, self._mono)
        self.output = output
        self.amps_ma = amps_ma
        self._listen()

    def _listen(self) -> None:
        """The modem finds a car that answers while 5 % is shown, and no other."""
        if self.vehicle is None or self.output is not PilotOutput.DIGITAL:
            self._match_at = NEVER
        elif not self.matched and self._match_at == NEVER:
            self.matched = False
            self._match_at = self._mono + MATCH_SECONDS if self.vehicle.spec.mac else NEVER

    def _fall(self, mono: float) -> None:
        """Deadman: the controller is silent. Never raises; without a lapse current the contactor goes after 3 s."""
        self._deadman_at = NEVER
        self.tripped = True
        if self.output is PilotOutput.FAULT:
            return
        amps_ma = min(self.amps_ma, self.lapse_ma)
        self._put(PilotOutput.PWM if amps_ma else PilotOutput.IDLE, amps_ma)
        if not amps_ma:
            self._must_open_at = mono + STOP_SECONDS

    def _read(self) -> tuple[object, ...]:
        """All that `report` depends on, cheap to compare."""
        lock = self.lock
        return (
            self.pilot, self.cable_ohms, self.contactor.closed, self.contactor.failed, lock and lock.closed,
            lock and lock.failed, self.output, self.amps_ma, self.lapse_ma, self.token, self.tripped,
            self.temperature_c, self.residual_ua, frozenset(self.faults) if self.faults else None,
            self.secondary and (self.secondary.closed, self.secondary.failed), self.matched,
        )  # fmt: skip

    def report(self, charge_point: str | None = None) -> EvseReported:
        """Read all levels, as the device would tell them; `charge_point`: its name at the controller's."""
        names = {fault.value for fault in self.faults & REPORTED}
        if self.contactor.failed or (self.secondary is not None and self.secondary.failed):
            names.add("contactor")
        if self.lock is not None and self.lock.failed:
            names.add("lock")
        return EvseReported(
            charge_point=charge_point or self.spec.name,
            pilot=self.pilot,
            proximity_ohms=None if Fault.PP in self.faults else self.cable_ohms,
            contactor_closed=self.contactor.closed,
            lock_closed=None if self.lock is None else self.lock.closed,
            output=self.output,
            signalled_ma=self.amps_ma,
            lapse_ma=self.lapse_ma,
            token=self.token,
            deadman_tripped=self.tripped,
            temperature_c=self.temperature_c,
            faults=tuple(sorted(names)),
            residual_ua=self.residual_ua,
            recloser_closed=Fault.RCD not in self.faults if self.spec.recloser else None,
            secondary_closed=None if self.secondary is None else self.secondary.closed,
            matched=self.matched,
        )

    def currents_ma(self) -> PerPhase:
        """Current on the grid's phases now."""
        return self.flow_ma

    # ------------------------------------------------------------ people

    def plug(self, spec: VehicleSpec, mono: float, cable_ma: int | None = None) -> None:
        """Connect a car; `cable_ma`: rating of its loose cable, by preset the smallest that carries its maximum.

        Raises BenchRefused if a car is there, or a closed lock keeps the plug out.
        """
        self.advance(mono)
        if self.vehicle is not None:
            raise BenchRefused(f"{self.spec.name} has a car already: unplug it first")
        if self.lock is not None and self.cable_ohms is None:
            if self.lock.closed:
                raise BenchRefused(f"{self.spec.name}: the lock is closed, no plug goes in")
            self.cable_ohms = proximity_ohms(spec.maximum_ma if cable_ma is None else cable_ma)
        self.vehicle = Vehicle(spec)
        self.visits.append(Visit(mono, self.energy_wh))
        if self.amps_ma:
            self.vehicle.see(self.amps_ma, mono)
        self._listen()
        self._follow(mono)

    def unplug(self, mono: float) -> None:
        """Disconnect at the car; the cable leaves the socket once the lock is open. Without a car: BenchRefused."""
        self.advance(mono)
        if self.vehicle is None:
            raise BenchRefused(f"{self.spec.name} has no car")
        self.vehicle = None
        self.matched, self.matched_at = None, NEVER
        self._listen()
        last = self.visits[-1]
        self.visits[-1] = Visit(last.plugged_at, last.start_wh, mono, self.energy_wh)
        self.permitted = False  # leave given to one car is none for the next
        self._follow(mono)

    def break_down(self, fault: Fault, on: bool, mono: float) -> None:  # noqa: FBT001 - mirrors `fault CP NAME on|off`
        """Inject or heal a fault. What the hardware switched off stays off until the controller permits it again."""
        self.advance(mono)
        (self.faults.add if on else self.faults.discard)(fault)
        if fault in TRIPPING and on:
            self.permitted = False
        if fault in {Fault.WELDED, Fault.CONTACTOR}:
            self.contactor.blocked_closed = Fault.WELDED in self.faults
            self.contactor.blocked_open = Fault.CONTACTOR in self.faults
            self.contactor.again(mono)
        if fault is Fault.WELDED_SECONDARY and self.secondary is not None:
            self.secondary.blocked_closed = on
            self.secondary.again(mono)
        if fault is Fault.LOCK and self.lock is not None:
            self.lock.blocked_closed = self.lock.blocked_open = on
            self.lock.again(mono)
        self._follow(mono)

    def heat(self, celsius: float, mono: float) -> None:
        """Set the temperature the device measures."""
        self.advance(mono)
        self.temperature_c = celsius
        self._follow(mono)

    def leak(self, microamperes: int, mono: float) -> None:
        """Set the residual current the device measures."""
        self.advance(mono)
        self.residual_ua = microamperes
        self._follow(mono)
