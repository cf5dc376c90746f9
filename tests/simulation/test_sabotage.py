"""Checkers that find nothing prove nothing: each promise is broken on purpose here, and found broken."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from support.simulation import board, morning, simulated

from actors.charge_point import ChargePoint
from actors.coordinator import Coordinator
from actors.journal import Journal
from actors.messages import ChargePointMessage, CoordinatorMessage, DriverMessage, JournalMessage
from nodes.simulation.outcome import Outcome
from nodes.simulation.run import Run
from nodes.wiring import Roles
from park.model.evse import Signal
from park.model.grant import ApplyGrant
from park.model.metering import ReadingTaken
from park.model.session import FactPersisted, RecordFact, SessionEnded, key_of
from park.ocpp.link import SendCall

QUARTER = 0.25  # hours: by then all places are taken and the fuse is full


def broken(outcome: Outcome) -> set[str]:
    assert not outcome.crashes
    return {violation.invariant for violation in outcome.violations}


class Unfeeling(Coordinator):
    """Believes that there is no house."""

    def receive(self, message: CoordinatorMessage) -> None:
        if isinstance(message, ReadingTaken) and message.meter == "grid-meter" and message.sample is not None:
            message = replace(message, sample=replace(message.sample, currents_ma=(0, 0, 0)))
        super().receive(message)


class Generous(ChargePoint):
    """Takes every grant for 4 A more."""

    def receive(self, message: ChargePointMessage) -> None:
        if isinstance(message, ApplyGrant) and message.grant.amps_ma:
            message = ApplyGrant(replace(message.grant, amps_ma=message.grant.amps_ma + 4_000))
        super().receive(message)


class Clinging(ChargePoint):
    """Takes every grant for ever."""

    def receive(self, message: ChargePointMessage) -> None:
        if isinstance(message, ApplyGrant):
            message = ApplyGrant(replace(message.grant, valid_for=1e6))
        super().receive(message)


class Silent(Coordinator):
    """Renews nothing after ten minutes."""

    def receive(self, message: CoordinatorMessage) -> None:
        if self.now().mono < 600.0:
            super().receive(message)


class Forgetful(Journal):
    """Says of ends that they are on disk, and throws them away."""

    def receive(self, message: JournalMessage) -> None:
        if isinstance(message, RecordFact) and isinstance(message.fact, SessionEnded):
            fact = message.fact
            self._wires.charge_points[fact.charge_point].tell(FactPersisted(fact.charge_point, key_of(fact)))
            return
        super().receive(message)


def altered(run: Run, alter: Callable[[Signal], Signal | None]) -> Run:
    """Every signal passes `alter` on its way to the electronics; None: it is lost."""
    tell = run.hardware.tell

    def altering(message: DriverMessage, /) -> None:
        if not isinstance(message, Signal):
            tell(message)
        elif (changed := alter(message)) is not None:
            tell(changed)

    run.hardware.tell = altering
    return run


def test_without_sabotage_nothing_is_broken():
    outcome = simulated(morning(QUARTER)).go()
    assert broken(outcome) == set()
    assert outcome.full_seconds > 60.0, "the fuse was what limited the cars"


def test_raises_without_regard_for_the_house_break_s1():
    assert "S1" in broken(simulated(morning(QUARTER), roles=Roles(coordinator=Unfeeling)).go())


def test_an_overload_that_nobody_ends_breaks_s3():
    """The coordinator plans for no house at all, so its cars and the house are too much for the fuse."""
    assert {"S3", "S4"} & broken(simulated(morning(QUARTER), roles=Roles(coordinator=Unfeeling)).go())


def test_a_charge_point_that_signals_more_than_its_grant_breaks_s2():
    assert "S2" in broken(simulated(morning(QUARTER), roles=Roles(charge_point=Generous)).go())


def test_a_driver_that_applies_no_reduction_breaks_s2():
    most: dict[str, int] = {}

    def only_raises(signal: Signal) -> Signal | None:
        held = most[signal.charge_point] = max(most.get(signal.charge_point, 0), signal.amps_ma)
        return replace(signal, amps_ma=held) if signal.amps_ma else signal

    assert "S2" in broken(altered(simulated(morning(QUARTER)), only_raises).go())


def test_a_signal_that_outlives_its_lease_breaks_s2():
    """The coordinator falls silent; neither the charge point nor the watchdog below it lets go."""
    run = simulated(morning(QUARTER), roles=Roles(coordinator=Silent, charge_point=Clinging))
    assert "S2" in broken(altered(run, lambda signal: replace(signal, valid_for=1e6)).go())


def test_a_signal_below_the_minimum_breaks_s5():
    config = board(("min_amps = 6", "min_amps = 8"), ("fallback_amps = 6", "fallback_amps = 8"))
    run = altered(
        simulated(morning(QUARTER), config), lambda signal: replace(signal, amps_ma=min(signal.amps_ma, 7_000))
    )
    assert broken(run.go()) == {"S5"}


def test_a_stop_that_is_dropped_breaks_d1():
    outcome = simulated(morning(QUARTER), roles=Roles(journal=Forgetful)).go()
    assert broken(outcome) == {"D1"}
    assert any("different stops at the backend" in violation.detail for violation in outcome.violations)


@pytest.mark.parametrize("action", ["StopTransaction", "MeterValues"])
def test_a_backend_that_confirms_and_keeps_nothing_breaks_d1(action: str):
    run = simulated(morning(QUARTER))
    record = run.backend.ledger.record

    def keep(at: str, identity: str, told: str, unique_id: str, payload: SendCall | object) -> None:
        if told != action:
            record(at, identity, told, unique_id, payload)  # pyright: ignore[reportArgumentType]

    run.backend.ledger.record = keep  # pyright: ignore[reportAttributeAccessIssue]
    assert broken(run.go()) == {"D1"}
