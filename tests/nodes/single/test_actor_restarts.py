"""One actor of a board fails and begins anew, in virtual time: within seconds nobody could tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.rig import configuration

from actors.messages import ChargePointMessage
from nodes.checked_config import read_checked
from nodes.simulation.run import Run
from nodes.simulation.scenario import Scenario
from park.model.session import TransactionAssigned
from park.model.signals import Tick
from park.ocpp.link import BackendCalled, SendCall
from park.physics.hardware import TRAITS
from park.physics.vehicle import VehicleSpec

ADA, BOB = "04A1B2C3", "04D4E5F6"
FAILING = (
    "authorizer",
    "coordinator",
    "central-system",
    "journal",
    "station",
    "board/cp1/charge-point",
    "board/cp1/meter",
    "meter-grid-meter",
    "reader-door",
)
NOBODY_COMES = Scenario.model_validate(
    {
        "name": "nobody comes",
        "start": "2026-06-01T12:00:00Z",
        "hours": 1,
        "board": "board.toml",
        "arrivals": {
            "per_hour": (0.0,) * 24,
            "stay_minutes": (1.0, 1.0),
            "reader": "door",
            "tags": (ADA,),
            "car": ({"share": 1.0},),
        },
    },
    strict=False,
)


class Planted(Exception):
    pass


def planted(_message: object) -> None:
    raise Planted


class Board(Run):
    """A simulated board with two charge points; the test is the people. `called`: what the backend received."""

    def __init__(self, directory: Path, seed: int = 1) -> None:
        self.called: list[SendCall] = []
        config = read_checked(configuration(directory).path, lambda _: TRAITS).config
        super().__init__(NOBODY_COMES, config, seed)
        self._begin()
        self.world.run_for(5)

    def _called(self, call: SendCall) -> None:
        super()._called(call)
        self.called.append(call)

    def fail(self, name: str) -> None:
        """Make the actor raise; it is back within a tenth of a second."""
        (child,) = (each for each in self.park.supervisor.children() if each.name == name)
        vars(child._worker)["receive"] = planted  # of this incarnation only
        child.tell(Tick())
        self.world.run_for(1)
        assert len(self.crashes.texts) == 1, self.crashes.texts
        assert (child.restarts, child.state) == (1, "running")

    def plug(self, point: str) -> None:
        self.site.plug(point, VehicleSpec(3, 16_000, 6_000, 20_000.0), self.world.now().mono, 32_000)
        self.hardware.changed()
        self.world.run_for(2)

    def unplug(self, point: str) -> None:
        self.site.unplug(point, self.world.now().mono)
        self.hardware.changed()

    def swipe(self, tag: str) -> None:
        self.hardware.swipe("door", tag)

    def charging_ma(self, point: str) -> int:
        return self.site.evses[point].current_ma

    def readings(self) -> list[dict[str, Any]]:
        return [dict(call.payload) for call in self.called if call.action == "MeterValues"]

    def configure(self, key: str, value: str) -> None:
        self.park.central.tell(BackendCalled(f"set {key}", "ChangeConfiguration", {"key": key, "value": value}))
        self.world.run_for(1)

    def finish(self, sessions: int) -> None:
        """Everybody leaves: every session is at the backend once, whole, and no promise was broken."""
        for point in ("cp1", "cp2"):
            if self.site.evses[point].vehicle is not None:
                self.unplug(point)
        self.world.run_for(60)
        outcome = self._outcome(1.0, 1.0)
        assert outcome.violations == ()
        assert outcome.sessions == sessions
        assert outcome.wire_repeats == 0


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


@pytest.mark.parametrize("name", FAILING)
def test_a_card_works_after_any_actor_began_anew(board: Board, name: str):
    board.plug("cp1")
    board.fail(name)
    board.swipe(ADA)
    board.world.run_for(20)
    assert board.charging_ma("cp1") == 16_000
    board.finish(1)


@pytest.mark.parametrize("name", FAILING)
def test_a_session_outlives_any_actor_and_its_card_still_ends_it(board: Board, name: str):
    board.plug("cp1")
    board.swipe(ADA)
    board.world.run_for(20)
    assert board.charging_ma("cp1") == 16_000
    board.fail(name)
    lowest = 16_000
    for _ in range(40):
        board.world.run_for(1)
        lowest = min(lowest, board.charging_ma("cp1"))
    assert lowest == 16_000
    board.swipe(ADA)
    board.world.run_for(10)
    assert board.charging_ma("cp1") == 0
    board.finish(1)


@pytest.mark.parametrize("name", ["coordinator", "authorizer", "board/cp1/charge-point"])
def test_another_car_gets_its_share_after_a_restart(board: Board, name: str):
    board.plug("cp1")
    board.swipe(ADA)
    board.world.run_for(20)
    board.fail(name)
    board.plug("cp2")
    board.swipe(BOB)
    board.world.run_for(20)
    assert (board.charging_ma("cp1"), board.charging_ma("cp2")) == (16_000, 16_000)
    board.finish(2)


@pytest.mark.parametrize("name", ["authorizer", "central-system"])
def test_the_whitelist_still_decides_offline_after_a_restart(board: Board, name: str):
    board.backend.go_away(3_600.0)
    board.world.run_for(5)
    board.fail(name)
    board.plug("cp1")
    board.swipe("04FFFFFF")
    board.world.run_for(20)
    assert board.charging_ma("cp1") == 0
    board.swipe(ADA)
    board.world.run_for(20)
    assert board.charging_ma("cp1") == 16_000


def test_a_card_refused_while_its_charge_point_fails_charges_no_longer(board: Board):
    board.backend.verdict = "Blocked"
    board.plug("cp1")
    board.swipe(ADA)
    (child,) = (each for each in board.park.supervisor.children() if each.name == "board/cp1/charge-point")
    missed: list[TransactionAssigned] = []
    hear = vars(type(child._worker))["receive"]

    def fail_at_the_verdict(message: ChargePointMessage) -> None:
        if isinstance(message, TransactionAssigned):
            missed.append(message)
            raise Planted
        hear(child._worker, message)

    vars(child._worker)["receive"] = fail_at_the_verdict
    board.world.run_for(40)
    assert [each.status for each in missed] == ["Blocked"]
    assert child.restarts == 1
    assert board.charging_ma("cp1") == 0
    board.world.run_for(20)
    (transaction,) = board.backend.ledger.transactions()
    assert transaction.stop_reason == "DeAuthorized"
    board.finish(1)


def test_a_central_system_that_began_anew_tells_the_backend_every_status(board: Board):
    board.plug("cp1")
    board.swipe(ADA)
    board.world.run_for(20)
    board.called.clear()
    board.fail("central-system")
    board.world.run_for(5)
    assert board.called[0].action == "BootNotification"
    told = {call.payload["connectorId"]: call.payload["status"] for call in board.called if "status" in call.payload}
    assert told == {0: "Available", 1: "Charging", 2: "Available"}


def test_readings_come_every_minute_unless_the_backend_wants_otherwise(board: Board):
    board.plug("cp1")
    board.swipe(ADA)
    board.world.run_for(185)
    periodic = [values for values in board.readings() if "Sample.Periodic" in str(values)]
    assert len(periodic) == 3


@pytest.mark.parametrize("name", ["board/cp1/charge-point", "central-system"])
def test_a_setting_of_the_backend_outlives_the_actors_it_concerns(board: Board, name: str):
    board.configure("MeterValueSampleInterval", "10")
    board.plug("cp1")
    board.swipe(ADA)
    board.world.run_for(20)
    board.fail(name)
    board.called.clear()
    board.world.run_for(60)
    assert len(board.readings()) == 6
    board.finish(1)
