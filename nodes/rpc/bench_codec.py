"""The bench's wire messages to and from the domain's: a value that makes no sense raises ValueError saying which."""

from __future__ import annotations

import math
from typing import assert_never

from nodes.rpc import bench_pb2 as pb
from park.model.access import Feedback, ShowFeedback
from park.model.electric import PerPhase
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
from park.physics.meters import Mode
from park.physics.vehicle import Behaviour, VehicleSpec

LONGEST_VALIDITY_SECONDS = 86_400.0  # a standing offer, whose lapse is the same current; more is a mistake in units
LONGEST_MAC = 40  # a MAC has 17 with its colons; room for what is none
LARGEST_MA = 1_000_000  # no pilot, car or cable comes near 1000 A

_PILOTS = {
    PilotState.A: pb.PILOT_A,
    PilotState.B: pb.PILOT_B,
    PilotState.C: pb.PILOT_C,
    PilotState.D: pb.PILOT_D,
    PilotState.E: pb.PILOT_E,
    PilotState.F: pb.PILOT_F,
}
_OUTPUTS = {
    PilotOutput.PWM: pb.PILOT_DRIVE_PWM,
    PilotOutput.IDLE: pb.PILOT_DRIVE_IDLE,
    PilotOutput.FAULT: pb.PILOT_DRIVE_FAULT,
    PilotOutput.DIGITAL: pb.PILOT_DRIVE_DIGITAL,
    PilotOutput.ZERO: pb.PILOT_DRIVE_ZERO,
}
_FEEDBACKS = {
    Feedback.ACCEPTED: pb.READER_FEEDBACK_ACCEPTED,
    Feedback.REFUSED: pb.READER_FEEDBACK_REFUSED,
    Feedback.IGNORED: pb.READER_FEEDBACK_IGNORED,
    Feedback.WAIT: pb.READER_FEEDBACK_WAIT,
    Feedback.UNCLEAR: pb.READER_FEEDBACK_UNCLEAR,
}
_BEHAVIOURS = {
    Behaviour.NORMAL: pb.VEHICLE_BEHAVIOUR_NORMAL,
    Behaviour.SLOW: pb.VEHICLE_BEHAVIOUR_SLOW,
    Behaviour.GREEDY: pb.VEHICLE_BEHAVIOUR_GREEDY,
    Behaviour.TAPER: pb.VEHICLE_BEHAVIOUR_TAPER,
    Behaviour.FULL: pb.VEHICLE_BEHAVIOUR_FULL,
    Behaviour.IGNORES: pb.VEHICLE_BEHAVIOUR_IGNORES,
    Behaviour.ASLEEP: pb.VEHICLE_BEHAVIOUR_ASLEEP,
}
_MODES = {
    Mode.LIVE: pb.METER_MODE_LIVE,
    Mode.SILENT: pb.METER_MODE_SILENT,
    Mode.FROZEN: pb.METER_MODE_FROZEN,
}
_PILOTS_BACK = {wire: state for state, wire in _PILOTS.items()}
_OUTPUTS_BACK = {wire: output for output, wire in _OUTPUTS.items()}
_FEEDBACKS_BACK = {wire: feedback for feedback, wire in _FEEDBACKS.items()}
_BEHAVIOURS_BACK = {wire: behaviour for behaviour, wire in _BEHAVIOURS.items()}
_MODES_BACK = {wire: mode for mode, wire in _MODES.items()}


# ------------------------------------------------------------ levels


def levels_to_wire(report: EvseReported, charge_point: str) -> pb.EvseLevels:
    """Levels under the name their receiver knows the charge point by."""
    return pb.EvseLevels(
        charge_point=charge_point,
        pilot=_PILOTS[report.pilot],
        proximity_ohms=report.proximity_ohms,
        contactor_closed=report.contactor_closed,
        lock_closed=report.lock_closed,
        output=_OUTPUTS[report.output],
        signalled_ma=report.signalled_ma,
        lapse_ma=report.lapse_ma,
        token=report.token,
        deadman_tripped=report.deadman_tripped,
        temperature_c=report.temperature_c,
        faults=report.faults,
        residual_ua=report.residual_ua,
        recloser_closed=report.recloser_closed,
        secondary_closed=report.secondary_closed,
        matched=report.matched,
    )


def levels_from_wire(levels: pb.EvseLevels) -> EvseReported:
    """Levels as the charge point is told them; ValueError for a state this version does not know."""
    if levels.pilot not in _PILOTS_BACK or levels.output not in _OUTPUTS_BACK:
        raise ValueError(
            f"{levels.charge_point}: pilot state {levels.pilot} or output {levels.output} is not known here"
        )
    return EvseReported(
        charge_point=levels.charge_point,
        pilot=_PILOTS_BACK[levels.pilot],
        proximity_ohms=levels.proximity_ohms if levels.HasField("proximity_ohms") else None,
        contactor_closed=levels.contactor_closed,
        lock_closed=levels.lock_closed if levels.HasField("lock_closed") else None,
        output=_OUTPUTS_BACK[levels.output],
        signalled_ma=levels.signalled_ma,
        lapse_ma=levels.lapse_ma,
        token=levels.token,
        deadman_tripped=levels.deadman_tripped,
        temperature_c=levels.temperature_c if levels.HasField("temperature_c") else None,
        faults=tuple(levels.faults),
        residual_ua=levels.residual_ua if levels.HasField("residual_ua") else None,
        recloser_closed=levels.recloser_closed if levels.HasField("recloser_closed") else None,
        secondary_closed=levels.secondary_closed if levels.HasField("secondary_closed") else None,
        matched=levels.matched if levels.HasField("matched") else None,
    )


def pilot_to_wire(state: PilotState) -> pb.Pilot.ValueType:
    """Translate a vehicle state."""
    return _PILOTS[state]


def output_to_wire(output: PilotOutput) -> pb.PilotDrive.ValueType:
    """Translate what the station puts on the pilot."""
    return _OUTPUTS[output]


# ------------------------------------------------------------ commands


def command_to_wire(command: EvseCommand | ShowFeedback, stamp: float | None = None) -> pb.DriverToBench:
    """Translate what the driver was told. `stamp`: of the bench's clock, from which a signal's validity counts."""
    match command:
        case Signal():
            signal = pb.SignalCommand(
                charge_point=command.charge_point,
                output=_OUTPUTS[command.output],
                amps_ma=command.amps_ma,
                phases=command.phases,
                valid_for=command.valid_for,
                lapse_ma=command.lapse_ma,
                token=command.token,
                stamp=stamp,
            )
            return pb.DriverToBench(signal=signal)
        case SetContactor():
            contactor = pb.ContactorCommand(
                charge_point=command.charge_point, closed=command.closed, secondary=command.pole is Pole.SECONDARY
            )
            return pb.DriverToBench(contactor=contactor)
        case SetLock():
            return pb.DriverToBench(lock=pb.LockCommand(charge_point=command.charge_point, closed=command.closed))
        case MoveRecloser():
            moved = pb.RecloserCommand(charge_point=command.charge_point, closed=command.closed)
            return pb.DriverToBench(recloser=moved)
        case ReportLevels():
            return pb.DriverToBench(report_levels=pb.ReportLevelsCommand(charge_point=command.charge_point))
        case ShowFeedback():
            feedback = pb.FeedbackCommand(reader=command.reader, feedback=_FEEDBACKS[command.feedback])
            return pb.DriverToBench(feedback=feedback)
        case _:
            assert_never(command)


def command_from_wire(message: pb.DriverToBench) -> EvseCommand | ShowFeedback:
    """Translate what a driver said after `attach`; ValueError for anything else and for impossible values."""
    match message.WhichOneof("message"):
        case "signal":
            return _signal(message.signal)
        case "contactor":
            pole = Pole.SECONDARY if message.contactor.secondary else Pole.PRIMARY
            return SetContactor(message.contactor.charge_point, message.contactor.closed, pole)
        case "lock":
            return SetLock(message.lock.charge_point, message.lock.closed)
        case "recloser":
            return MoveRecloser(message.recloser.charge_point, message.recloser.closed)
        case "report_levels":
            return ReportLevels(message.report_levels.charge_point)
        case "feedback":
            if message.feedback.feedback not in _FEEDBACKS_BACK:
                raise ValueError(f"{message.feedback.reader}: feedback {message.feedback.feedback} is not known here")
            return ShowFeedback(message.feedback.reader, _FEEDBACKS_BACK[message.feedback.feedback])
        case "attach":
            raise ValueError("attached already: `attach` comes first, and once")
        case _:
            raise ValueError("an empty or unknown message")


def _signal(signal: pb.SignalCommand) -> Signal:
    if signal.output not in _OUTPUTS_BACK:
        raise ValueError(f"{signal.charge_point}: pilot output {signal.output} is not known here")
    if not 0 <= signal.valid_for <= LONGEST_VALIDITY_SECONDS:
        raise ValueError(f"{signal.charge_point}: valid for {signal.valid_for} s; 0 to {LONGEST_VALIDITY_SECONDS:g} s")
    if not math.isfinite(signal.stamp):
        raise ValueError(f"{signal.charge_point}: stamp {signal.stamp} is no time of this bench")
    _plausible(signal.charge_point, signal.amps_ma, signal.lapse_ma)
    return Signal(
        charge_point=signal.charge_point,
        output=_OUTPUTS_BACK[signal.output],
        amps_ma=signal.amps_ma,
        phases=tuple(signal.phases),
        valid_for=signal.valid_for,
        lapse_ma=signal.lapse_ma,
        token=signal.token,
        until=signal.stamp + signal.valid_for if signal.HasField("stamp") else math.inf,
    )


def _plausible(name: str, *currents_ma: int) -> None:
    for current_ma in currents_ma:
        if abs(current_ma) > LARGEST_MA:
            raise ValueError(f"{name}: {current_ma / 1000:g} A is no current of a charging park")


# ------------------------------------------------------------ verbs


def car_from_wire(request: pb.PlugRequest) -> VehicleSpec:
    """Make the car of a plug request; what it leaves out is preset. ValueError for one that cannot exist."""
    if request.behaviour not in _BEHAVIOURS_BACK:
        raise ValueError(f"behaviour {request.behaviour} is not known here")
    preset = VehicleSpec()
    _plausible(request.charge_point, request.maximum_ma, request.minimum_ma, request.cable_ma)
    return VehicleSpec(
        phases=request.phases if request.HasField("phases") else preset.phases,
        maximum_ma=request.maximum_ma if request.HasField("maximum_ma") else preset.maximum_ma,
        minimum_ma=request.minimum_ma if request.HasField("minimum_ma") else preset.minimum_ma,
        energy_wh=request.energy_wh if request.HasField("energy_wh") else preset.energy_wh,
        behaviour=_BEHAVIOURS_BACK[request.behaviour],
        mac=_short(request.mac),
    )


def _short(mac: str) -> str:
    if len(mac) > LONGEST_MAC or not mac.isprintable():
        raise ValueError(f"MAC {mac[:LONGEST_MAC]!r}…: up to {LONGEST_MAC} printable characters, sense or nonsense")
    return mac


def behaviour_to_wire(behaviour: Behaviour) -> pb.VehicleBehaviour.ValueType:
    """Translate how a car follows the pilot."""
    return _BEHAVIOURS[behaviour]


def mode_to_wire(mode: Mode) -> pb.MeterMode.ValueType:
    """Translate how a meter answers."""
    return _MODES[mode]


def mode_from_wire(mode: pb.MeterMode.ValueType) -> Mode:
    """Translate how a meter shall answer; ValueError for an unknown way."""
    if mode not in _MODES_BACK:
        raise ValueError(f"meter mode {mode} is not known here")
    return _MODES_BACK[mode]


def feedback_to_wire(feedback: Feedback | None) -> pb.ReaderFeedback.ValueType:
    """Translate what a reader shows; None: nothing yet."""
    return pb.READER_FEEDBACK_NONE if feedback is None else _FEEDBACKS[feedback]


def currents_to_wire(currents_ma: PerPhase) -> pb.PhaseCurrents:
    """Translate currents on L1, L2, L3."""
    l1, l2, l3 = currents_ma
    return pb.PhaseCurrents(l1_ma=l1, l2_ma=l2, l3_ma=l3)


def currents_from_wire(currents: pb.PhaseCurrents) -> PerPhase:
    """Translate currents on L1, L2, L3; ValueError beyond 1000 A."""
    _plausible("load", currents.l1_ma, currents.l2_ma, currents.l3_ma)
    return (currents.l1_ma, currents.l2_ma, currents.l3_ma)


def celsius_from_wire(celsius: float) -> float:
    """Check a temperature; ValueError for one no sensor shows."""
    if not (math.isfinite(celsius) and -100.0 <= celsius <= 300.0):  # noqa: PLR2004 - Pt 1000 sensors end there
        raise ValueError(f"{celsius} °C: a sensor shows -100 to 300 °C")
    return celsius
