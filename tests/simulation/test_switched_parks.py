"""Random parks whose charge points switch phases, under faults: what is promised holds, and who breaks it is found."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.parks import SMALL, broken

from actors.charge_point import ChargePoint
from actors.coordinator import Coordinator
from actors.messages import ChargePointMessage, CoordinatorMessage
from nodes.simulation.park_outcome import text
from nodes.simulation.park_run import ParkRun
from nodes.wiring import Roles
from park.model.demand import CurrentSignalled
from park.model.grant import ApplyGrant

SWITCHING = replace(SMALL, switches=True)
SWITCHED = 8  # a park where a vehicle goes to one phase and back to three
ON_ONE = 17  # a park where a three-phase vehicle is to go to one
TIGHT = 5  # one where others wait for the current that frees
LONG_MINUTES = 10.0
MINUTES = 8.0


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7, SWITCHED, 11, 12])
def test_no_fault_breaks_a_promise_while_phases_are_switched(seed: int):
    outcome = ParkRun(seed, MINUTES, SWITCHING).go()
    assert [text(each) for each in outcome.violations] == []
    assert outcome.crashes == ()


class OnThreePhases(ChargePoint):
    """Takes every grant as one of all phases."""

    def receive(self, message: ChargePointMessage) -> None:
        if isinstance(message, ApplyGrant):
            message = ApplyGrant(replace(message.grant, phases=(1, 2, 3)))
        super().receive(message)


class Trusting(Coordinator):
    """Believes that a board has switched as soon as it was told to."""

    def receive(self, message: CoordinatorMessage) -> None:
        if isinstance(message, CurrentSignalled) and message.phases:
            message = replace(message, phases=1)
        super().receive(message)


def go(seed: int, roles: Roles) -> set[str]:
    return broken(ParkRun(seed, LONG_MINUTES, SWITCHING, roles, faults=()).go())


def test_a_board_that_ignores_the_number_of_phases_gets_no_current_for_one():
    assert go(ON_ONE, Roles(charge_point=OnThreePhases)) == set()


def test_a_board_that_ignores_the_number_is_found_where_its_server_trusts_it():
    """By S2: it signals what was granted for one phase on three. An honest board never does, whatever its server."""
    assert "S2" not in go(ON_ONE, Roles(coordinator=Trusting))
    assert "S2" in go(ON_ONE, Roles(charge_point=OnThreePhases, coordinator=Trusting))


def test_a_server_that_trusts_a_board_before_it_has_switched_is_found_by_the_fuse():
    assert "S1" in go(TIGHT, Roles(coordinator=Trusting))
