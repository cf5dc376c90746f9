"""Whether the demo notices every way in which a backend's transactions and the virtual meters can disagree."""

import pytest
from msgspec.structs import replace

from nodes.demo.settlement import settle
from nodes.demo.sightings import Visit
from nodes.virtual.ledger import LedgerTransaction

VISIT = Visit("cp2", plugged_at=10.0, start_wh=100.4, end_wh=141.9)
TRANSACTION = LedgerTransaction(
    "DEMO", 2, "04AA", "2026-11-20T22:00:00Z", 100, 1001, 1, 1, 1, 2, 141, "EVDisconnected", order_kept=True
)


def problems(visits: list[Visit], *transactions: LedgerTransaction):
    return [problem for each in settle(visits, transactions) for problem in each.problems()]


def test_one_visit_one_transaction_the_same_energy():
    (settled,) = settle([VISIT], [TRANSACTION])

    assert (settled.ended, settled.backend_wh, settled.meter_wh) == (True, 41, pytest.approx(41.5))
    assert list(settled.problems()) == []


@pytest.mark.parametrize(
    ("transaction", "words"),
    [
        (replace(TRANSACTION, starts=2), "was started 2 times"),
        (replace(TRANSACTION, stops=2), "was stopped 2 times"),
        (replace(TRANSACTION, order_kept=False), "out of order"),
        (replace(TRANSACTION, meter_stop=143), "has 43 Wh, the meter counted 41.5 Wh"),
        (replace(TRANSACTION, meter_stop=140), "has 40 Wh, the meter counted 41.5 Wh"),
        (replace(TRANSACTION, connector=3), "the backend has no transaction of it"),
    ],
)
def test_what_is_wrong_is_named(transaction: LedgerTransaction, words: str):
    assert any(words in problem for problem in problems([VISIT], transaction))


def test_after_a_death_a_frame_may_have_come_twice_but_nothing_else():
    (settled,) = settle([VISIT], [replace(TRANSACTION, starts=2, stops=2)])
    assert list(settled.disagreements()) == []
    for wrong in (
        replace(TRANSACTION, stops=2, different_stops=2),
        replace(TRANSACTION, order_kept=False),
        replace(TRANSACTION, meter_stop=143),
        replace(TRANSACTION, stops=0, meter_stop=None),
    ):
        (settled,) = settle([VISIT], [wrong])
        assert list(settled.disagreements()) != []


def test_a_stop_that_is_missing_is_one():
    assert any("has no stop" in each for each in problems([VISIT], replace(TRANSACTION, stops=0, meter_stop=None)))


def test_a_car_that_is_still_there_needs_no_stop():
    assert problems([replace(VISIT, end_wh=None)], replace(TRANSACTION, stops=0, meter_stop=None)) == []


def test_a_car_without_energy_and_without_session_is_nothing():
    assert problems([replace(VISIT, end_wh=VISIT.start_wh)]) == []


def test_transactions_belong_to_the_visit_in_which_they_began():
    later = Visit("cp2", plugged_at=60.0, start_wh=141.9, end_wh=150.0)
    second = replace(TRANSACTION, transaction_id=1002, meter_start=141, meter_stop=150, id_tag="04BB")
    settled = settle([VISIT, later], [TRANSACTION, second])

    assert [[each.transaction_id for each in one.transactions] for one in settled] == [[1001], [1002]]
    assert problems([VISIT, later], TRANSACTION, second) == []


def test_a_visit_may_hold_two_sessions():
    halves = (
        replace(TRANSACTION, meter_stop=120),
        replace(TRANSACTION, transaction_id=1002, meter_start=120, id_tag="04BB"),
    )

    assert problems([VISIT], *halves) == []
