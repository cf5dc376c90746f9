"""A board as its users meet it: real processes, sockets, cars and cards."""

from __future__ import annotations

import json
from collections.abc import Generator

import pytest
from support.cli import chargepark
from support.rig import Rig, eventually, rig

from nodes.virtual.ledger import LedgerTransaction

ADA, BOB, BLOCKED = "04A1B2C3", "04D4E5F6", "04B10C4E"

pytestmark = pytest.mark.xdist_group("charging")


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Generator[Rig]:
    with rig(tmp_path_factory.mktemp("charging"), backend_process=False) as made:
        made.start_backend("--blocked", BLOCKED)
        made.start_node()
        eventually("the node is online", made.online)
        yield made
        assert made.end("node") == 0


def only(park: Rig, connector: int) -> LedgerTransaction:
    """The one transaction of a connector, which has ended; exact to the watt-hour."""
    mine = lambda: [each for each in park.ledger().transactions() if each.connector == connector]  # noqa: E731
    eventually("the stop is delivered", lambda: any(each.stops for each in mine()))
    (transaction,) = mine()
    assert (transaction.starts, transaction.stops, transaction.order_kept) == (1, 1, True)
    assert abs((transaction.energy_wh or 0) - park.evse(f"cp{connector}").energy_wh) <= 1
    assert park.ledger().violations() == []
    return transaction


def test_plug_card_charge_unplug_is_one_transaction_with_the_energy_of_the_meter(park: Rig) -> None:
    park.plug("cp1")
    eventually("the cable is locked", lambda: park.evse("cp1").levels.lock_closed)
    park.swipe(ADA, "cp1-reader")
    eventually("current flows", lambda: park.charging("cp1"))
    eventually("some energy", lambda: park.evse("cp1").energy_wh > 20)
    park.unplug("cp1")
    transaction = only(park, 1)
    assert (transaction.id_tag, transaction.stop_reason) == (ADA, "EVDisconnected")


def test_a_card_before_the_plug_works_too_and_the_same_card_ends_the_session(park: Rig) -> None:
    park.swipe(BOB, "cp2-reader")  # it serves this one charge point: the card can only be meant for it
    eventually("the reader says yes", lambda: park.feedback("cp2-reader") == "ACCEPTED")
    assert not park.charging("cp2")
    park.plug("cp2", maximum_ma=16_000)
    eventually("current flows", lambda: park.charging("cp2"))
    eventually("some energy, later than a reader takes for one swipe", lambda: park.evse("cp2").energy_wh > 20)
    park.swipe(BOB, "cp2-reader")
    transaction = only(park, 2)
    assert (transaction.id_tag, transaction.stop_reason) == (BOB, "Local")
    assert not park.charging("cp2")
    assert park.evse("cp2").HasField("vehicle")
    park.unplug("cp2")


def test_no_car_charges_without_a_card_or_with_one_the_backend_blocks(park: Rig) -> None:
    eventually("nobody is there", lambda: park.pilot("cp2") == "A")
    park.plug("cp2")
    eventually("the car is seen", lambda: park.pilot("cp2") == "B")
    park.swipe(BLOCKED, "cp2-reader")
    eventually("the reader says no", lambda: park.feedback("cp2-reader") == "REFUSED")
    assert park.evse("cp2").levels.signalled_ma == 0
    assert not park.evse("cp2").permitted
    park.unplug("cp2")


@pytest.mark.rule("B-377")
def test_what_passed_between_node_and_backend_is_shown_at_the_board(park: Rig) -> None:
    done = chargepark("messages", "--json", "--target", f"127.0.0.1:{park.config.energy}")
    told = [each for each in json.loads(done.stdout) if each["action"] == "StatusNotification"]
    assert {each["direction"] for each in told} == {"sent", "received"}
    assert not any(tag in done.stdout for tag in (ADA, BOB, BLOCKED))
