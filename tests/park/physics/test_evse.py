"""The electronics of a charge point: contactor, deadman, lock, faults, and energy as the integral of the current."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from park.errors import BenchRefused
from park.model.electric import ZERO, Wiring
from park.model.evse import PilotOutput, PilotState, Pole, ReportLevels, SetContactor, SetLock, Signal
from park.physics.evse import Evse
from park.physics.hardware import EvseSpec, Fault, Outlet, proximity_ohms
from park.physics.vehicle import Behaviour, VehicleSpec


def signal(amps_ma: int, *, valid_for: float = 10.0, lapse_ma: int = 0, token: int = 1) -> Signal:
    output = PilotOutput.PWM if amps_ma else PilotOutput.IDLE
    return Signal("cp1", output, amps_ma, (1, 2, 3), valid_for, lapse_ma, token)


def charging(
    car: VehicleSpec | None = None,
    spec: EvseSpec | None = None,
    amps_ma: int = 16_000,
    valid_for: float = 1000.0,
    lapse_ma: int = 0,
) -> Evse:
    """An EVSE that has been offering since mono 0 and is charging at mono 8."""
    evse = Evse(spec or EvseSpec("cp1"))
    evse.plug(car or VehicleSpec(), 0.0)
    evse.apply(SetContactor("cp1", closed=True), 0.0)
    evse.apply(signal(amps_ma, valid_for=valid_for, lapse_ma=lapse_ma), 0.0)
    evse.advance(8.0)
    assert evse.contactor.closed
    return evse


def test_from_plug_to_current_and_back():
    evse = Evse(EvseSpec("cp1"))
    assert evse.report().pilot is PilotState.A
    evse.plug(VehicleSpec(), 0.0)
    assert (evse.report().pilot, evse.report().proximity_ohms) == (PilotState.B, 220.0)
    evse.apply(signal(16_000), 1.0)
    assert (evse.report().output, evse.report().signalled_ma, evse.report().token) == (PilotOutput.PWM, 16_000, 1)
    evse.advance(3.0)
    assert (evse.pilot, evse.contactor.closed) == (PilotState.C, False)
    evse.apply(SetContactor("cp1", closed=True), 3.0)
    evse.advance(3.2)
    assert (evse.report().contactor_closed, evse.currents_ma()) == (True, (16_000, 16_000, 16_000))
    evse.apply(signal(0), 4.0)
    evse.advance(7.1)
    assert (evse.pilot, evse.contactor.closed, evse.currents_ma()) == (PilotState.B, False, ZERO)
    evse.unplug(8.0)
    assert (evse.pilot, evse.report().proximity_ohms) == (PilotState.A, None)


@pytest.mark.parametrize(
    ("wiring", "phases", "flow"),
    [
        (Wiring.RST, 1, (10_000, 0, 0)),
        (Wiring.STR, 1, (0, 10_000, 0)),
        (Wiring.TSR, 2, (0, 10_000, 10_000)),
        (Wiring.TRS, 3, (10_000, 10_000, 10_000)),
        (Wiring.UNKNOWN, 1, (10_000, 0, 0)),
    ],
)
def test_current_flows_on_the_phases_it_is_wired_to(wiring: Wiring, phases: int, flow: tuple[int, int, int]):
    assert charging(VehicleSpec(phases=phases), EvseSpec("cp1", wiring), 10_000).currents_ma() == flow


def test_a_single_phase_station_loads_one_phase():
    assert charging(spec=EvseSpec("cp1", phases=1), amps_ma=10_000).currents_ma() == (10_000, 0, 0)


@pytest.mark.rule("B-263")
@pytest.mark.parametrize(
    ("asked", "output", "signalled"),
    [
        (5_999, PilotOutput.IDLE, 0),
        (6_000, PilotOutput.PWM, 6_000),
        (6_099, PilotOutput.PWM, 6_000),
        (10_150, PilotOutput.PWM, 10_100),
        (40_000, PilotOutput.PWM, 32_000),
    ],
)
def test_only_what_the_hardware_can_signal(asked: int, output: PilotOutput, signalled: int):
    evse = Evse(EvseSpec("cp1"))
    evse.apply(signal(asked), 0.0)
    assert (evse.report().output, evse.report().signalled_ma) == (output, signalled)


def test_no_contactor_without_permission_and_none_for_the_next_car():
    evse = charging()
    evse.unplug(9.0)
    evse.plug(VehicleSpec(), 20.0)
    evse.advance(60.0)
    assert (evse.pilot, evse.contactor.closed, evse.report().contactor_closed) == (PilotState.C, False, False)


@pytest.mark.rule("B-349")
def test_without_an_offer_the_car_stays_in_b():
    evse = Evse(EvseSpec("cp1"))
    evse.plug(VehicleSpec(), 0.0)
    evse.advance(60.0)
    assert evse.pilot is PilotState.B


# ---------------------------------------------------------------- deadman


@pytest.mark.parametrize(
    ("amps_ma", "lapse_ma", "output", "signalled"),
    [
        (16_000, 6_000, PilotOutput.PWM, 6_000),
        (16_000, 0, PilotOutput.IDLE, 0),
        (16_000, 5_000, PilotOutput.IDLE, 0),
        (8_000, 10_000, PilotOutput.PWM, 8_000),
        (0, 6_000, PilotOutput.IDLE, 0),
    ],
)
def test_the_deadman_falls_to_the_lapse_current_and_never_raises(
    amps_ma: int, lapse_ma: int, output: PilotOutput, signalled: int
):
    evse = Evse(EvseSpec("cp1"))
    evse.apply(signal(amps_ma, valid_for=10.0, lapse_ma=lapse_ma), 5.0)
    evse.advance(14.999)
    assert not evse.report().deadman_tripped
    evse.advance(15.0)
    report = evse.report()
    assert (report.deadman_tripped, report.output, report.signalled_ma) == (True, output, signalled)


def test_a_refresh_in_time_keeps_it_and_a_late_one_ends_it():
    evse = charging(valid_for=10.0, lapse_ma=6_000)
    evse.apply(signal(16_000, valid_for=10.0, lapse_ma=6_000, token=2), 9.0)
    evse.advance(18.9)
    assert evse.amps_ma == 16_000
    evse.advance(30.0)
    assert (evse.tripped, evse.current_ma) == (True, 6_000)
    evse.apply(signal(16_000, token=3), 31.0)
    evse.advance(33.0)
    assert (evse.tripped, evse.current_ma, evse.token) == (False, 16_000, 3)


@pytest.mark.parametrize(
    ("amps_ma", "lapse_ma", "signalled"), [(32_000, 20_000, 10_000), (32_000, 6_000, 6_000), (8_000, 8_000, 8_000)]
)
def test_a_signal_that_came_too_late_lowers_but_never_raises(amps_ma: int, lapse_ma: int, signalled: int):
    evse = charging(amps_ma=10_000)
    late = Signal("cp1", PilotOutput.PWM, amps_ma, (1, 2, 3), 10.0, lapse_ma, 2, 40.0)
    evse.apply(late, 40.0)
    report = evse.report()
    assert (report.token, report.deadman_tripped, report.signalled_ma) == (2, True, signalled)


def test_a_signal_that_waited_ends_when_it_was_meant_to():
    evse = charging(amps_ma=10_000)
    evse.apply(Signal("cp1", PilotOutput.PWM, 16_000, (1, 2, 3), 10.0, 6_000, 2, 40.0), 39.0)
    assert evse.report().signalled_ma == 16_000
    evse.advance(40.0)
    assert (evse.report().deadman_tripped, evse.report().signalled_ma) == (True, 6_000)


@pytest.mark.parametrize("behaviour", [Behaviour.NORMAL, Behaviour.SLOW, Behaviour.IGNORES])
def test_without_lapse_current_the_contactor_opens_three_seconds_after_the_deadman(behaviour: Behaviour):
    evse = charging(VehicleSpec(behaviour=behaviour), valid_for=10.0)
    evse.advance(13.2)
    assert (evse.contactor.closed, evse.currents_ma()) == (False, ZERO)
    evse.apply(signal(16_000, token=2), 20.0)
    evse.advance(30.0)
    assert not evse.contactor.closed, "leave to close went with the controller"


def test_a_signal_that_is_over_already_is_never_offered():
    evse = Evse(EvseSpec("cp1"))
    evse.apply(signal(16_000, valid_for=0.0), 1.0)
    assert (evse.amps_ma, evse.tripped) == (0, True)


# ---------------------------------------------------------------- lock and cable


def test_lock_takes_its_time_and_keeps_the_cable():
    evse = Evse(EvseSpec("cp1"))
    evse.plug(VehicleSpec(maximum_ma=16_000), 0.0)
    evse.apply(SetLock("cp1", closed=True), 1.0)
    assert evse.report().lock_closed is False
    evse.advance(2.0)
    assert (evse.report().lock_closed, evse.report().proximity_ohms) == (True, 680.0)
    evse.unplug(3.0)
    assert (evse.report().pilot, evse.report().proximity_ohms) == (PilotState.A, 680.0)
    evse.apply(SetLock("cp1", closed=False), 4.0)
    evse.advance(5.0)
    assert evse.report().proximity_ohms is None


def test_a_fixed_cable_has_neither_lock_nor_proximity():
    evse = Evse(EvseSpec("cp1", outlet=Outlet.CABLE))
    evse.plug(VehicleSpec(), 0.0)
    evse.apply(SetLock("cp1", closed=True), 0.0)
    evse.advance(5.0)
    assert (evse.report().lock_closed, evse.report().proximity_ohms, evse.report().faults) == (None, None, ())


@pytest.mark.parametrize(("amps_ma", "ohms"), [(10_000, 1500.0), (13_000, 1500.0), (20_000, 680.0), (63_000, 100.0)])
def test_proximity_coding(amps_ma: int, ohms: float):
    assert proximity_ohms(amps_ma) == ohms


def test_impossible_wishes_are_refused_with_a_reason():
    evse = Evse(EvseSpec("cp1"))
    with pytest.raises(BenchRefused, match="has no car"):
        evse.unplug(0.0)
    evse.apply(SetLock("cp1", closed=True), 0.0)
    with pytest.raises(BenchRefused, match="the lock is closed"):
        evse.plug(VehicleSpec(), 5.0)
    evse.apply(SetLock("cp1", closed=False), 5.0)
    evse.plug(VehicleSpec(), 6.0)
    with pytest.raises(BenchRefused, match="has a car already"):
        evse.plug(VehicleSpec(), 7.0)
    with pytest.raises(ValueError, match="no plug is coded for 80 A"):
        proximity_ohms(80_000)


# ---------------------------------------------------------------- faults


def test_a_welded_contactor_stays_closed_and_is_told():
    evse = charging(VehicleSpec(behaviour=Behaviour.IGNORES))
    evse.break_down(Fault.WELDED, True, 9.0)
    evse.apply(SetContactor("cp1", closed=False), 9.0)
    evse.advance(20.0)
    assert (evse.report().contactor_closed, evse.report().faults, evse.current_ma) == (True, ("contactor",), 32_000)
    evse.break_down(Fault.WELDED, False, 21.0)
    evse.advance(22.0)
    assert (evse.report().contactor_closed, evse.report().faults, evse.current_ma) == (False, (), 0)


def test_a_contactor_that_does_not_close_is_told():
    evse = Evse(EvseSpec("cp1"))
    evse.break_down(Fault.CONTACTOR, True, 0.0)
    evse.plug(VehicleSpec(), 0.0)
    evse.apply(SetContactor("cp1", closed=True), 0.0)
    evse.apply(signal(16_000), 0.0)
    evse.advance(5.0)
    assert (evse.report().contactor_closed, evse.report().faults, evse.current_ma) == (False, ("contactor",), 0)


@pytest.mark.parametrize(
    ("fault", "names", "pilot"),
    [
        (Fault.RCD, ("rcd",), PilotState.C),
        (Fault.EMERGENCY, ("emergency",), PilotState.C),
        (Fault.PILOT, (), PilotState.E),
    ],
)
def test_the_hardware_opens_the_contactor_and_waits_for_new_leave(
    fault: Fault, names: tuple[str, ...], pilot: PilotState
):
    evse = charging()
    evse.break_down(fault, True, 9.0)
    evse.advance(9.1)
    assert (evse.report().faults, evse.pilot, evse.contactor.closed, evse.current_ma) == (names, pilot, False, 0)
    evse.break_down(fault, False, 10.0)
    evse.advance(11.0)
    assert not evse.contactor.closed, "leave is gone with the fault"
    evse.break_down(fault, True, 11.0)
    evse.apply(SetContactor("cp1", closed=True), 11.0)
    evse.break_down(fault, False, 12.0)
    evse.advance(13.0)
    assert not evse.contactor.closed, "no leave can be given while it lasts"
    evse.apply(SetContactor("cp1", closed=True), 13.0)
    evse.advance(14.0)
    assert evse.contactor.closed


def test_a_jammed_lock_is_told_and_heals():
    evse = Evse(EvseSpec("cp1"))
    evse.break_down(Fault.LOCK, True, 0.0)
    evse.apply(SetLock("cp1", closed=True), 0.0)
    evse.advance(3.0)
    assert (evse.report().lock_closed, evse.report().faults) == (False, ("lock",))
    evse.break_down(Fault.LOCK, False, 4.0)
    evse.advance(5.0)
    assert (evse.report().lock_closed, evse.report().faults) == (True, ())


def test_missing_proximity_and_diode():
    evse = Evse(EvseSpec("cp1"))
    evse.plug(VehicleSpec(), 0.0)
    evse.break_down(Fault.PP, True, 1.0)
    evse.break_down(Fault.DIODE, True, 1.0)
    assert (evse.report().proximity_ohms, evse.report().faults) == (None, ("diode",))


def test_state_f_lets_the_car_go():
    evse = charging()
    evse.apply(Signal("cp1", PilotOutput.FAULT, 0, (1, 2, 3), 10.0, 0, 2), 9.0)
    assert evse.pilot is PilotState.F
    evse.advance(12.1)
    assert (evse.contactor.closed, evse.current_ma) == (False, 0)


# ---------------------------------------------------------------- energy


def test_energy_of_an_hour_and_the_end_of_the_charge():
    evse = charging(VehicleSpec(energy_wh=11_040.0), amps_ma=16_000, valid_for=1e6)
    evse.advance(10_000.0)
    assert (evse.pilot, evse.current_ma) == (PilotState.B, 0)
    assert evse.energy_wh == pytest.approx(11_040.0, abs=1e-3)
    began, ended = 1.05, 1.05 + 3600.0
    half = charging(VehicleSpec(energy_wh=11_040.0), amps_ma=16_000, valid_for=1e6)
    half.advance((began + ended) / 2)
    assert half.energy_wh == pytest.approx(5_520.0, abs=0.01)


def test_visits_keep_the_register_at_plug_and_unplug():
    evse = charging()
    evse.unplug(1_000.0)
    visit = evse.visits[0]
    assert (visit.plugged_at, visit.unplugged_at, visit.start_wh, visit.end_wh) == (0.0, 1_000.0, 0.0, evse.energy_wh)
    assert evse.energy_wh > 2_900


def test_revision_grows_with_every_change_of_a_level_and_when_asked():
    evse = charging()
    before = evse.revision
    evse.advance(100.0)
    assert evse.revision == before
    evse.apply(ReportLevels("cp1"), 100.0)
    assert evse.revision == before + 1
    evse.heat(40.0, 101.0)
    assert (evse.revision, evse.report().temperature_c) == (before + 2, 40.0)


@settings(max_examples=60)
@given(steps=st.lists(st.floats(0.001, 40.0), min_size=1, max_size=30), behaviour=st.sampled_from(Behaviour))
def test_the_result_does_not_depend_on_how_often_time_is_told(steps: list[float], behaviour: Behaviour):
    car = VehicleSpec(energy_wh=300.0, behaviour=behaviour)
    often, once = Evse(EvseSpec("cp1")), Evse(EvseSpec("cp1"))
    for evse in (often, once):
        evse.plug(car, 0.0)
        evse.apply(SetContactor("cp1", closed=True), 0.0)
        evse.apply(signal(16_000, valid_for=50.0, lapse_ma=6_000), 0.0)
    mono = 0.0
    for step in steps:
        mono += step
        often.advance(mono)
    once.advance(mono)
    assert often.report() == once.report()
    assert often.energy_wh == pytest.approx(once.energy_wh, abs=1e-6)


class Abuse(RuleBasedStateMachine):
    """Any order of commands, verbs and waits: the laws of the device hold all the time."""

    @initialize(behaviour=st.sampled_from(Behaviour), phases=st.integers(1, 3), outlet=st.sampled_from(Outlet))
    def build(self, behaviour: Behaviour, phases: int, outlet: Outlet):
        self.car = VehicleSpec(phases=phases, energy_wh=400.0, behaviour=behaviour)
        self.evse = Evse(EvseSpec("cp1", outlet=outlet))
        self.mono = 0.0
        self.expected_wh = 0.0
        self.valid_until, self.allowed_ma, self.lapse_ma = 0.0, 0, 0
        self.revision = self.evse.revision
        self.report = self.evse.report()

    @rule(seconds=st.floats(0.001, 30.0))
    def wait(self, seconds: float):
        end = self.mono + seconds
        while self.mono < end:  # integrate the current by hand, event by event
            step = min(end, max(self.evse.due, self.mono))
            self.expected_wh += sum(self.evse.flow_ma) / 1000 * 230 * (step - self.mono) / 3600
            self.mono = step
            self.evse.advance(step)

    @rule(amps_ma=st.integers(0, 40_000), valid_for=st.floats(0.0, 20.0), lapse_ma=st.sampled_from([0, 6_000, 8_000]))
    def offer(self, amps_ma: int, valid_for: float, lapse_ma: int):
        self.evse.apply(signal(amps_ma, valid_for=valid_for, lapse_ma=lapse_ma), self.mono)
        self.valid_until, self.allowed_ma, self.lapse_ma = self.mono + valid_for, amps_ma, lapse_ma

    @rule(closed=st.booleans())
    def permit(self, closed: bool):
        self.evse.apply(SetContactor("cp1", closed), self.mono)

    @rule(closed=st.booleans())
    def move_lock(self, closed: bool):
        self.evse.apply(SetLock("cp1", closed), self.mono)

    @rule(fault=st.sampled_from(Fault), on=st.booleans())
    def break_down(self, fault: Fault, on: bool):
        self.evse.break_down(fault, on, self.mono)

    @rule()
    def plug(self):
        if self.evse.vehicle is None and (self.evse.lock is None or not self.evse.lock.closed):
            self.evse.plug(self.car, self.mono)

    @rule()
    def unplug(self):
        if self.evse.vehicle is not None:
            self.evse.unplug(self.mono)

    @invariant()
    def no_current_through_an_open_contactor(self):
        if not self.evse.contactor.closed or self.evse.vehicle is None:
            assert (self.evse.current_ma, self.evse.flow_ma, self.evse.wh_per_second) == (0, ZERO, 0.0)

    @invariant()
    def energy_is_the_integral_of_the_current(self):
        assert self.evse.energy_wh == pytest.approx(self.expected_wh, abs=1e-6)

    @invariant()
    def what_the_register_counts_went_into_the_car(self):
        if self.evse.vehicle is not None:
            taken = self.evse.energy_wh - self.evse.visits[-1].start_wh
            assert self.evse.vehicle.received_wh == pytest.approx(taken, abs=1e-6)

    @invariant()
    def signals_at_most_the_grant_or_after_it_the_lapse_current(self):
        in_force = self.allowed_ma if self.mono < self.valid_until else self.lapse_ma
        assert self.evse.amps_ma <= in_force
        assert self.evse.amps_ma == 0 or 6_000 <= self.evse.amps_ma <= 32_000

    @invariant()
    def every_change_of_a_level_has_a_new_revision(self):
        report = self.evse.report()
        if report != self.report:
            assert self.evse.revision > self.revision
        self.report, self.revision = report, self.evse.revision

    @invariant()
    def time_has_an_end(self):
        assert self.evse.due > self.mono


Abuse.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestAbuse = Abuse.TestCase


def two_poles(*, secondary: bool, fault: Fault | None = None) -> Evse:
    evse = Evse(EvseSpec("cp1", Wiring.STR, switchable=True))
    if fault is not None:
        evse.break_down(fault, True, 0.0)
    evse.apply(SetContactor("cp1", secondary, Pole.SECONDARY), 0.0)
    evse.plug(VehicleSpec(), 1.0)
    evse.apply(SetContactor("cp1", closed=True), 1.0)
    evse.apply(Signal("cp1", PilotOutput.PWM, 10_000, (1,), 60.0, 0, 1), 1.0)
    evse.advance(5.0)
    return evse


@pytest.mark.parametrize(("secondary", "flow"), [(True, (10_000, 10_000, 10_000)), (False, (0, 10_000, 0))])
def test_current_flows_on_the_phases_of_the_closed_poles(secondary: bool, flow: tuple[int, int, int]):
    evse = two_poles(secondary=secondary)
    assert evse.currents_ma() == flow
    assert evse.report().secondary_closed is secondary
    assert evse.torn == 0


def test_a_secondary_pole_that_moves_under_load_is_counted():
    evse = two_poles(secondary=True)
    evse.apply(SetContactor("cp1", closed=False, pole=Pole.SECONDARY), 6.0)
    evse.advance(7.0)
    assert (evse.torn, evse.currents_ma()) == (1, (0, 10_000, 0))


def test_a_welded_secondary_pole_stays_closed_and_is_reported():
    evse = two_poles(secondary=True)
    evse.break_down(Fault.WELDED_SECONDARY, True, 5.0)
    evse.apply(SetContactor("cp1", closed=False), 6.0)
    evse.apply(SetContactor("cp1", closed=False, pole=Pole.SECONDARY), 7.0)
    evse.advance(9.0)
    report = evse.report()
    assert (report.contactor_closed, report.secondary_closed, report.faults) == (False, True, ("contactor",))
