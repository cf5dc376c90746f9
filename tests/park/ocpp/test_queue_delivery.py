"""The transaction queue through the central system's step: order, repeats, late answers, and the end of patience."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from park.model.access import BackendAuthorized, RepeatSettings, Verdict
from park.model.session import FactDelivered, FactTaken, TransactionAssigned
from park.ocpp.effects import ClockOffered, RestartBoards, Write
from park.ocpp.intake import GAP_SECONDS
from park.ocpp.link import ResetLink, UseConnection
from park.ocpp.rows import TRANSACTIONS
from tests.support.facts import ended, metered, started
from tests.support.station import ACCEPTED, Station, started_answer


def online(**keys: str) -> Station:
    station = Station(keys).online()
    station.clear()
    return station


@pytest.mark.rule("B-027")
def test_a_session_is_sent_in_order_with_the_backends_number():
    station = online()
    station.offer(started(), metered(), ended())
    station.answer(started_answer(42))
    station.answer({})
    station.answer({})
    assert station.actions() == ["StartTransaction", "MeterValues", "StopTransaction"]
    start, values, stop = (call.payload for call in station.sent)
    assert start == {
        "connectorId": 1,
        "idTag": "04A1B2C3",
        "meterStart": 1000,
        "timestamp": "2026-01-05T08:00:00.000Z",
    }
    assert values["transactionId"] == 42
    assert stop == {
        "transactionId": 42,
        "meterStop": 2000,
        "timestamp": "2026-01-05T09:00:00.000Z",
        "reason": "EVDisconnected",
    }
    assert station.of(TransactionAssigned) == [TransactionAssigned("cp1", "s1", 42, True, "Accepted")]
    assert [told.transaction for told in station.of(FactDelivered)] == [42, 42, 42]
    assert station.queued() == 0


def test_a_fact_is_taken_only_when_it_is_on_disk():
    station = online()
    station.writes = False
    station.offer(started())
    assert station.of(FactTaken) == []
    assert station.sent == []
    station.commit()
    assert len(station.of(FactTaken)) == 1
    assert station.actions() == ["StartTransaction"]


def test_an_answer_counts_when_it_is_on_disk_and_nothing_is_sent_before():
    station = online()
    station.offer(started(), metered())
    station.writes = False
    station.answer(started_answer())
    assert station.of(FactDelivered) == []
    assert station.actions() == ["StartTransaction"]
    station.commit()
    assert station.actions() == ["StartTransaction", "MeterValues"]


BLOCKED = TransactionAssigned("cp1", "s1", 42, accepted=False, status="Blocked")


def test_a_charge_point_that_begins_anew_hears_number_and_verdict_of_its_running_session_again():
    station = online()
    station.offer(started(), started("s2", "cp2", 2))
    station.answer(started_answer(42, "Blocked"))
    assert station.of(TransactionAssigned) == [BLOCKED]
    station.clear()
    station.tell(RepeatSettings("cp1"))
    assert station.of(TransactionAssigned) == [BLOCKED]
    station.offer(ended(ordinal=1))
    station.clear()
    station.tell(RepeatSettings("cp1"))  # its session is over
    station.tell(RepeatSettings("cp2"))  # no answer yet
    assert station.of(TransactionAssigned) == []


def test_the_verdict_outlives_a_kill_and_is_told_when_the_rows_are_there():
    station = online()
    station.offer(started())
    station.writes = False
    station.answer(started_answer(42, "Blocked"))
    station.put_on_disk(station.pending[0])  # on disk, and the process dies before anybody is told
    station.writes = True
    station.restart()
    assert station.of(TransactionAssigned) == [BLOCKED]
    station.tell(RepeatSettings("cp1"))
    assert station.of(TransactionAssigned) == [BLOCKED, BLOCKED]


def test_a_transaction_written_before_verdicts_were_kept_counts_as_accepted():
    station = online()
    station.offer(started())
    station.answer(started_answer(42, "Blocked"))
    key = next(key for key in station.disk if key[0] == TRANSACTIONS)
    row = json.loads(station.disk[key])
    del row["verdict"]
    station.disk[key] = json.dumps(row)
    station.clear()
    station.restart()
    assert station.of(TransactionAssigned) == [TransactionAssigned("cp1", "s1", 42, accepted=True, status="Accepted")]


def test_a_fact_offered_again_is_never_sent_again():
    station = online()
    station.offer(started(), started())
    station.answer(started_answer())
    station.offer(started())
    assert station.actions() == ["StartTransaction"]
    assert len(station.of(FactDelivered)) == 2
    station.offer(ended(ordinal=1))
    station.answer({})
    station.restart()
    station.connect()
    station.offer(started(), ended(ordinal=1))
    assert station.actions().count("StopTransaction") == 1
    assert station.of(FactDelivered)[-1].transaction == 7


def test_facts_of_one_session_wait_for_one_the_disk_refused():
    station = online()
    station.writes = False
    station.offer(started())
    station.fail_commit()
    station.writes = True
    station.offer(metered())
    assert station.queued() == 0
    assert station.alarms() == ["ocpp-store-failed"]
    station.offer(started(), metered())
    station.answer(started_answer())
    assert station.actions() == ["StartTransaction", "MeterValues"]


def test_an_end_does_not_overtake_readings_that_the_disk_refused_and_a_bad_network_keeps_back():
    """D1: the network lets the newest through first, long after the disk refused a reading before them."""
    station = online()
    station.offer(started())
    station.answer(started_answer())
    station.writes = False
    station.offer(metered(ordinal=1))
    station.fail_commit()
    station.writes = True
    station.offer(metered(ordinal=2))
    station.pass_time(30.0)
    station.offer(metered(ordinal=3), ended(ordinal=4))
    assert station.queued() == 0
    station.offer(metered(ordinal=1), metered(ordinal=2), metered(ordinal=3), ended(ordinal=4))
    for _ in range(4):
        station.answer({})
    assert station.actions() == ["StartTransaction", *["MeterValues"] * 3, "StopTransaction"]
    assert "ocpp-reading-missing" not in station.alarms()


def test_an_outcome_the_disk_refuses_is_written_again_and_the_queue_waits():
    station = online()
    station.offer(started(), metered())
    station.writes = False
    station.answer(started_answer())
    station.fail_commit()
    assert station.pending == []
    station.pass_time(1.0)
    station.writes = True
    station.commit()
    assert station.actions() == ["StartTransaction", "MeterValues"]
    assert len(station.of(TransactionAssigned)) == 1


@pytest.mark.rule("B-122", "B-123")
def test_an_error_is_answered_by_the_same_payload_after_a_longer_wait_each_time():
    station = online(TransactionMessageRetryInterval="10")
    station.offer(started())
    for transmissions in (1, 2, 3):
        station.refuse()
        station.pass_time(10 * transmissions - 0.1)
        assert len(station.sent) == transmissions
        station.pass_time(0.1)
    assert station.actions() == ["StartTransaction"] * 4
    assert len({json.dumps(dict(call.payload)) for call in station.sent}) == 1
    assert len({call.unique_id for call in station.sent}) == 4


def test_a_late_answer_to_an_old_id_counts_and_the_stop_is_sent_once():
    station = online(TransactionMessageRetryInterval="0")
    station.offer(started(), ended(ordinal=1))
    first = station.sent[-1]
    station.pass_time(30.0)
    assert station.actions() == ["StartTransaction", "Heartbeat"]
    station.answer({"currentTime": "2026-01-05T09:30:30Z"})
    second = station.sent[-1]
    assert second.action == "StartTransaction"
    assert second.unique_id != first.unique_id
    station.answer(started_answer(77), first)
    station.answer(started_answer(77), second)
    assert station.sent[-1].action == "StopTransaction"
    assert station.sent[-1].payload["transactionId"] == 77
    station.answer({})
    assert station.actions().count("StopTransaction") == 1
    assert station.report().repeats <= station.report().unanswered


def test_an_answer_during_the_probe_spares_the_retransmission():
    station = online()
    station.offer(started())
    first = station.sent[-1]
    station.pass_time(31.0)
    station.answer(started_answer(), first)
    station.answer({"currentTime": "2026-01-05T09:30:31Z"})
    assert station.actions() == ["StartTransaction", "Heartbeat"]
    assert station.queued() == 0


@pytest.mark.rule("B-023", "B-025")
@pytest.mark.parametrize(("attempts", "dead"), [("1", True), ("3", True), ("0", False)])
def test_after_the_last_attempt_the_whole_transaction_is_a_dead_letter_and_the_queue_goes_on(attempts: str, dead: bool):
    station = online(TransactionMessageAttempts=attempts, TransactionMessageRetryInterval="0")
    station.offer(started("s1"), metered("s1"), started("s2", "cp2", 2), ended("s1"))
    for _ in range(int(attempts) or 20):
        station.refuse()
    if dead:
        assert station.dead() == ["GARAGE/s1/00000000", "GARAGE/s1/00000001", "GARAGE/s1/00000002"]
        assert station.alarms() == ["ocpp-dead-letter"]
        assert station.sent[-1].payload["connectorId"] == 2
        assert {told.id.number for told in station.of(FactDelivered)} == {1000, 1001, 1002}
        assert station.report().dead_letters == 1
    else:
        assert station.dead() == []
        assert station.sent[-1].payload["connectorId"] == 1


@pytest.mark.rule("B-209")
def test_three_attempts_thirty_seconds_apart_hold_after_a_restart_too():
    station = Station().online()
    for key, value in [("TransactionMessageAttempts", "3"), ("TransactionMessageRetryInterval", "30")]:
        station.ask("ChangeConfiguration", {"key": key, "value": value})
    station.restart()
    station.connect()
    station.answer(ACCEPTED)
    station.answer({})
    station.offer(started())
    for wait in (30.0, 60.0):
        station.refuse()
        transmissions = len(station.sent)
        station.pass_time(wait - 1.0)
        assert len(station.sent) == transmissions
        station.pass_time(1.0)
        assert station.sent[-1].action == "StartTransaction"
    station.refuse()
    assert station.dead() == ["GARAGE/s1/00000000"]


def refusals_until_dead(station: Station) -> int | None:
    """How often the head of the queue is refused before it is a dead letter; None: ten times are not enough."""
    before = len(station.dead())
    for count in range(1, 11):
        station.refuse()
        if len(station.dead()) > before:
            return count
    return None


@pytest.mark.rule("B-024", "B-028", "B-029")
@pytest.mark.parametrize(
    ("of_calibrated", "dies_after"), [("0", None), ("4", 4), ("-1", 2)], ids=["no end", "its own", "as the others"]
)
def test_messages_of_a_certified_meter_have_attempts_of_their_own(of_calibrated: str, dies_after: int | None):
    station = Station(
        {
            "TransactionMessageAttempts": "2",
            "EichrechtTransactionMessageAttempts": of_calibrated,
            "TransactionMessageRetryInterval": "0",
            "EichrechtActive[1]": "true",
        }
    ).online()
    station.offer(started("s2", "cp2", 2))
    assert refusals_until_dead(station) == 2
    station.offer(started("s1"))
    assert refusals_until_dead(station) == dies_after


@pytest.mark.rule("B-028")
def test_the_range_of_these_attempts():
    station = online()
    for value, status in [("-1", "Accepted"), ("5", "Accepted"), ("6", "Rejected"), ("-2", "Rejected")]:
        change = {"key": "EichrechtTransactionMessageAttempts", "value": value}
        assert station.ask("ChangeConfiguration", change)["status"] == status


def test_a_dead_letter_keeps_a_delivered_start_and_takes_later_facts():
    station = online(TransactionMessageAttempts="1")
    station.offer(started(), metered())
    station.answer(started_answer(9))
    station.refuse()
    assert station.dead() == ["GARAGE/s1/00000000", "GARAGE/s1/00000001"]
    start = json.loads(station.disk["dead_letters", "GARAGE/s1/00000000"])
    assert (start["delivered"], start["transaction"]) == (True, 9)
    station.restart()
    station.connect()
    station.answer(ACCEPTED)
    station.offer(ended())
    assert station.dead()[-1] == "GARAGE/s1/00000002"
    assert station.queued() == 0
    assert station.report().dead_letters == 1
    assert "StopTransaction" not in station.actions()


def test_a_reading_of_a_dead_session_that_the_disk_refused_is_not_overtaken():
    """D1: the whole of the transaction is in the dead-letter store."""
    station = online(TransactionMessageAttempts="1")
    station.offer(started())
    station.refuse()
    station.writes = False
    station.offer(metered(ordinal=1))
    station.fail_commit()
    station.writes = True
    station.clear()
    station.offer(metered(ordinal=2))
    assert station.of(FactTaken) == []
    station.offer(metered(ordinal=1), metered(ordinal=2))
    assert station.dead() == [f"GARAGE/s1/{ordinal:08d}" for ordinal in range(3)]
    assert len(station.of(FactDelivered)) == 2


def test_a_dead_letter_keeps_its_reason_over_a_restart():
    station = online(TransactionMessageAttempts="1")
    station.offer(started(), metered())
    station.refuse()
    before = dict(station.disk)
    station.restart()
    station.clear()
    station.offer(started(), metered())
    assert len(station.of(FactDelivered)) == 2
    assert station.disk == before
    station.offer(ended())
    assert station.dead()[-1] == "GARAGE/s1/00000002"


def test_a_lost_connection_is_no_attempt_that_counts():
    station = online(TransactionMessageAttempts="2")
    station.offer(started())
    for _ in range(10):
        station.lose()
        station.connect()
    assert station.dead() == []
    assert station.actions() == ["StartTransaction"] * 11
    assert len({json.dumps(dict(call.payload)) for call in station.sent}) == 1
    assert (station.report().repeats, station.report().unanswered) == (10, 10)
    station.refuse()
    assert station.dead() == []


@pytest.mark.rule("B-011")
def test_a_backend_that_answers_nothing_uses_up_no_attempts_and_the_link_is_made_anew():
    station = online(TransactionMessageAttempts="1")
    station.offer(started())
    station.pass_time(30.0)
    assert station.actions() == ["StartTransaction", "Heartbeat"]
    station.pass_time(30.0)
    assert station.of(ResetLink) == [ResetLink(1, "no answer from the backend; connecting again")]
    assert station.report().state == "offline"
    assert station.dead() == []
    station.connect()
    assert station.sent[-1].action == "StartTransaction"


def test_a_message_the_backend_cannot_digest_uses_up_its_attempts():
    station = online(TransactionMessageAttempts="2", TransactionMessageRetryInterval="0")
    station.offer(started("s1"), started("s2", "cp2", 2))
    for _ in range(2):
        assert station.sent[-1].action == "StartTransaction"
        station.pass_time(30.0)
        station.answer({"currentTime": "2026-01-05T09:30:30Z"})
    assert station.dead() == ["GARAGE/s1/00000000"]
    assert station.sent[-1].payload["connectorId"] == 2


@pytest.mark.rule("B-010", "B-032")
def test_readings_that_are_not_to_be_repeated_are_dropped_after_the_timeout():
    station = online(RetransmitMeterValues="false")
    station.offer(started(), metered(), ended())
    station.answer(started_answer())
    station.refuse()
    assert station.actions() == ["StartTransaction", "MeterValues", "StopTransaction"]
    assert station.dead() == []


@pytest.mark.rule("B-022", "B-031")
def test_readings_keep_their_place_until_they_are_answered():
    station = online(TransactionMessageRetryInterval="0")
    station.offer(started(), metered(), ended())
    station.answer(started_answer())
    station.refuse()
    station.refuse()
    assert station.actions() == ["StartTransaction", "MeterValues", "MeterValues", "MeterValues"]
    station.answer({})
    assert station.sent[-1].action == "StopTransaction"


@pytest.mark.rule("B-194")
def test_offline_start_and_stop_survive_two_restarts_and_are_sent_once_each():
    station = Station()
    station.start()
    station.offer(started(), metered(), ended())
    station.restart()
    station.restart()
    station.connect()
    station.answer(ACCEPTED)
    station.answer({})
    for answer in (started_answer(5), {}, {}):
        station.answer(answer)
    assert station.actions()[2:] == ["StartTransaction", "MeterValues", "StopTransaction"]
    assert station.queued() == 0


def test_the_number_given_before_a_restart_is_used_after_it():
    station = online()
    station.offer(started())
    station.answer(started_answer(31))
    station.restart()
    station.connect()
    station.answer(ACCEPTED)
    station.answer({})
    station.offer(ended(ordinal=1))
    assert station.sent[-1].payload["transactionId"] == 31


@pytest.mark.rule("B-193")
@pytest.mark.parametrize("number", [0, -5, 2**40])
def test_strange_transaction_numbers_are_used_as_given_and_a_double_one_is_alarmed(number: int):
    station = online()
    station.offer(started("s1"), started("s2", "cp2", 2), ended("s1", 1))
    station.answer(started_answer(number))
    station.answer(started_answer(number))
    assert station.alarms() == ["ocpp-transaction-id-twice"]
    assert station.sent[-1].payload["transactionId"] == number


def test_a_refused_start_is_told_to_the_charge_point():
    station = online()
    station.offer(started())
    station.answer(started_answer(3, "Blocked"))
    assert station.of(TransactionAssigned) == [TransactionAssigned("cp1", "s1", 3, False, "Blocked")]


@pytest.mark.parametrize(("word", "known_bad"), [("Blocked", 1), ("Invalid", 1), ("ConcurrentTx", 0), ("Accepted", 0)])
def test_a_card_refused_with_its_transaction_is_refused_from_then_on(word: str, known_bad: int):
    station = online()
    station.offer(started())
    station.answer(started_answer(3, word))
    told = [(each.id_tag, each.verdict) for each in station.of(BackendAuthorized)]
    assert told == [("04A1B2C3", Verdict(word))] * known_bad


def test_no_wished_measurand_means_no_message():
    station = online(MeterValuesSampledData="")
    station.offer(started(), metered(), ended())
    station.answer(started_answer())
    assert station.actions() == ["StartTransaction", "StopTransaction"]


def test_facts_without_a_start_become_dead_letters_after_a_while():
    station = online()
    station.offer(metered())
    assert station.of(FactTaken) == []
    station.pass_time(121.0)
    station.offer(metered())
    assert station.dead() == ["GARAGE/s1/00000001"]
    assert len(station.of(FactTaken)) == len(station.of(FactDelivered)) == 1


def test_an_unreadable_row_is_alarmed_and_left_in_place():
    station = Station()
    station.disk["ocpp_queue", "GARAGE/000000000004"] = "{broken"
    station.disk["ocpp_transactions", "GARAGE/s9"] = "[]"
    station.disk["settings", "GARAGE/HeartbeatInterval"] = "{}"
    station.start()
    assert station.alarms() == ["ocpp-row-unreadable", "ocpp-row-unreadable", "ocpp-setting-ignored"]
    station.offer(started())
    assert sorted(key for table, key in station.disk if table == "ocpp_queue") == [
        "GARAGE/000000000004",
        "GARAGE/000000000005",
    ]


def test_rows_of_another_identity_are_left_alone():
    station = Station()
    station.disk["ocpp_queue", "OLD/000000000001"] = "whatever"
    station.start()
    assert station.alarms() == []
    assert station.report().queue_depth == 0


def test_many_facts_are_written_in_few_commits():
    station = online()
    station.writes = False
    station.offer(started(), *(metered(ordinal=number) for number in range(1, 50)))
    assert len(station.pending) == 1
    station.commit()
    assert [len(write.writes) for write in station.pending] == [49]
    station.commit()
    assert station.queued() == 50


def test_without_a_backend_facts_are_acknowledged_and_go_nowhere():
    station = Station()
    station.state = type(station.state)(
        type(station.settings)("GARAGE", (1,), lambda: "x", enabled=False),
        station.state.values,
        station.state.queue,
        station.state.upkeep,
    )
    station.start()
    assert station.of(Write) == []
    station.offer(started())
    assert (len(station.of(FactTaken)), len(station.of(FactDelivered))) == (1, 1)
    assert station.report().state == "disabled"


@pytest.mark.rule("B-392")
@pytest.mark.parametrize("moves", [True, False])
def test_the_clock_is_moved_during_a_session_by_setting_only(moves: bool):
    station = online(AllowTimeSyncDuringSession="true" if moves else "false", HeartbeatInterval="300")
    station.offer(started())
    station.answer(started_answer())
    station.pass_time(300.0)
    station.answer({"currentTime": "2027-01-05T09:30:00Z"})
    assert len(station.of(ClockOffered)) == (1 if moves else 0)
    station.offer(ended(ordinal=1))
    station.answer({})
    station.clear()
    station.pass_time(300.0)
    station.answer({"currentTime": "2027-01-05T09:30:00Z"})
    assert len(station.of(ClockOffered)) == 1


@pytest.mark.rule("B-128")
def test_a_park_without_a_backend_never_connects_and_never_restarts_for_want_of_one():
    station = Station()
    station.settings = replace(station.settings, enabled=False)
    station.restart()
    for _ in range(14):
        station.pass_time(3_600.0)
    assert station.sent == []
    assert station.of(UseConnection) == station.of(ResetLink) == station.of(RestartBoards) == []
    assert station.report().state == "disabled"


@pytest.mark.rule("B-014", "B-199")
def test_more_sessions_than_any_vendors_queue_holds_wait_for_the_backend():
    station = Station()
    station.start()
    sessions = [f"s{number}" for number in range(1, 401)]
    for session in sessions:
        station.offer(started(session), metered(session), ended(session))
    station.restart()
    assert station.queued() == 1_200
    station.connect()
    station.answer(ACCEPTED)
    while station.queued():
        begins = station.sent[-1].action == "StartTransaction"
        station.answer(started_answer(len(station.sent)) if begins else {})
    assert station.actions().count("StartTransaction") == station.actions().count("StopTransaction") == len(sessions)
    assert station.dead() == []


@pytest.mark.parametrize(
    ("theirs", "offset"), [("2026-01-05T10:30:00Z", 3600.0), ("2026-01-05T09:30:00.5Z", None), ("not a time", None)]
)
def test_the_backends_clock_is_offered_when_it_differs(theirs: str, offset: float | None):
    station = Station()
    station.start()
    station.connect()
    station.answer({**ACCEPTED, "currentTime": theirs})
    assert station.of(ClockOffered) == ([] if offset is None else [ClockOffered(offset)])


def test_a_later_reading_waits_for_one_a_restart_forgot_and_gives_up_in_the_end():
    station = online()
    station.offer(started(), metered(ordinal=2))
    assert station.queued() == 1
    station.offer(metered(ordinal=1), metered(ordinal=2))
    assert station.queued() == 3
    station.offer(metered(ordinal=5))
    station.pass_time(GAP_SECONDS + 1.0)
    station.offer(metered(ordinal=5))
    assert station.queued() == 4
    assert station.alarms() == ["ocpp-reading-missing"]


def test_facts_offered_while_the_rows_are_loading_are_not_lost():
    station = Station()
    station.offer(started())
    assert station.queued() == 0
    station.start()
    assert station.queued() == 1
