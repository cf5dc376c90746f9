"""A board as its users meet it: real processes, sockets, cars and cards."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from support.rig import Rig, eventually, rig

ADA = "04A1B2C3"


@pytest.fixture
def park(tmp_path: Path) -> Generator[Rig]:
    with rig(tmp_path) as made:
        made.start_node()
        eventually("the node is online", made.online)
        yield made


def test_plug_card_charge_unplug_is_one_transaction_with_the_energy_of_the_meter(park: Rig) -> None:
    park.plug("cp1")
    eventually("the car is seen", lambda: park.evse("cp1").levels.lock_closed)
    park.swipe(ADA)
    eventually("current flows", lambda: park.charging("cp1"))
    eventually("some energy", lambda: park.evse("cp1").energy_wh > 20)
    park.unplug("cp1")
    eventually("the stop is delivered", lambda: any(each.stops for each in park.ledger().transactions()))
    (transaction,) = park.ledger().transactions()
    assert (transaction.starts, transaction.stops, transaction.order_kept) == (1, 1, True)
    assert transaction.id_tag == ADA
    assert transaction.stop_reason == "EVDisconnected"
    assert abs((transaction.energy_wh or 0) - park.evse("cp1").energy_wh) <= 1
    assert park.ledger().violations() == []
    assert park.end("node") == 0


def test_a_card_before_the_plug_works_too_and_the_same_card_ends_the_session(park: Rig) -> None:
    park.plug("cp2")
    park.unplug("cp2")
    park.swipe(ADA)
    park.plug("cp1", maximum_ma=16_000)
    park.plug("cp2", maximum_ma=16_000)
    eventually("one of them", lambda: park.charging("cp1") or park.charging("cp2"))
