"""The enrolment's step: three ways in, none of them while pairing is closed, and on disk before it is said."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
from support.enrolments import Desk, key

from park.model.alarm import Alarm
from park.model.signals import Start, Tick
from park.model.storage import Load, Write
from park.model.time import Now
from park.pairing.enrolment import RELOAD_SECONDS, WAITING, step
from park.pairing.events import (
    Admitted,
    BoardRevoked,
    BoardsAdmitted,
    CertificateIssued,
    JoinPending,
    JoinRefused,
    PairingPortWanted,
    PendingRequest,
)
from park.pairing.joining import PENDING, PENDING_OF_PEER, PENDING_SECONDS
from park.pairing.rate import PEER_BURST, PEERS, Rate, asked
from park.pairing.rows import BOARDS, TOKENS
from park.pairing.state import Enrolment, EnrolmentSettings, JoinAnswered

SECRET, OTHER = b"s" * 16, b"o" * 16


def refused(answer: object, because: str) -> bool:
    return isinstance(answer, JoinRefused) and because in answer.reason


# ---------------------------------------------------------------- a person


def test_a_board_waits_for_a_person_and_gets_in_after_approval():
    desk = Desk()
    desk.open()
    assert isinstance(desk.join("bay-a", "a"), JoinPending)
    assert [(each.node, each.fingerprint) for each in desk.list().pending] == [("bay-a", key("a"))]
    assert desk.approve("bay-a", "a") == ""
    assert desk.join("bay-a", "a") == Admitted("bay-a", key("a"))
    assert desk.of(BoardsAdmitted)[-1].nodes == {key("a"): "bay-a"}
    assert desk.list().pending == ()


def test_the_approval_is_of_the_key_that_was_compared():
    desk = Desk()
    desk.open()
    desk.join("bay-a", "a")
    desk.join("bay-a", "e", peer="192.0.2.66")  # somebody else asks for the same name
    assert "with this key waits" in (desk.approve("bay-a", "b") or "")
    assert desk.approve("bay-a", "a") == ""
    assert isinstance(desk.join("bay-a", "e"), JoinPending)
    assert "paired with another key" in (desk.approve("bay-a", "e") or "")


def test_a_rejected_board_is_told_so_until_pairing_is_opened_again():
    desk = Desk()
    desk.open()
    desk.join("bay-a", "a")
    assert desk.reject("bay-a", "a") == ""
    assert refused(desk.join("bay-a", "a"), "rejected")
    assert desk.list().pending == ()
    assert desk.reject("bay-a", "a") != ""
    desk.open()
    assert isinstance(desk.join("bay-a", "a"), JoinPending)


def test_who_stopped_asking_is_no_longer_in_the_list():
    desk = Desk()
    desk.open(3600)
    desk.join("bay-a", "a")
    desk.pass_time(PENDING_SECONDS)
    assert desk.list().pending == ()
    assert "waits" in (desk.approve("bay-a", "a") or "")


# ---------------------------------------------------------------- a token


def test_a_token_lets_its_board_in_once_and_opens_pairing_for_it():
    desk = Desk()
    assert refused(desk.join("bay-a", "a", SECRET), "closed")
    desk.token("bay-a", SECRET)
    assert desk.of(PairingPortWanted)[-1] == PairingPortWanted(open=True)
    assert desk.join("bay-a", "a", SECRET) == Admitted("bay-a", key("a"))
    assert refused(desk.join("bay-a", "b", SECRET), "used by another board")
    assert refused(desk.join("bay-b", "b", SECRET), "used by another board")
    assert desk.join("bay-a", "a", SECRET) == Admitted("bay-a", key("a"))  # its answer was lost


def test_a_token_expires_and_closes_pairing_with_it():
    desk = Desk()
    desk.token("bay-a", SECRET, 600)
    desk.pass_time(599.9)
    assert desk.of(PairingPortWanted)[-1] == PairingPortWanted(open=True)
    desk.pass_time(0.1)
    assert desk.of(PairingPortWanted)[-1] == PairingPortWanted(open=False)
    desk.open()
    assert refused(desk.join("bay-a", "a", SECRET), "expired")


def test_a_token_is_for_one_board_and_for_the_newest_only():
    desk = Desk()
    desk.token("bay-a", SECRET)
    assert refused(desk.join("bay-b", "b", SECRET), "is for board bay-a")
    desk.token("bay-a", OTHER)
    assert refused(desk.join("bay-a", "a", SECRET), "not of this server")
    assert desk.join("bay-a", "a", OTHER) == Admitted("bay-a", key("a"))


def test_a_token_outlives_a_restart_but_not_its_time():
    desk = Desk()
    desk.token("bay-a", SECRET, 600)
    desk.mono, desk.wall = 3.0, desk.wall.replace(minute=5)
    desk.restart()
    assert desk.state.closes_at() == pytest.approx(3.0 + 300)
    assert desk.join("bay-a", "a", SECRET) == Admitted("bay-a", key("a"))
    desk.wall = desk.wall.replace(minute=11)
    desk.restart()
    assert refused(desk.join("bay-b", "b", OTHER), "closed")


def test_a_clock_that_was_lost_lengthens_no_token():
    desk = Desk()
    desk.token("bay-a", SECRET, 600)
    desk.wall = desk.wall.replace(year=1970)
    desk.restart()
    assert not desk.state.is_open(desk.mono)
    desk.open()
    assert refused(desk.join("bay-a", "a", SECRET), "expired")


def test_closing_voids_the_tokens_also_on_disk():
    desk = Desk()
    desk.token("bay-a", SECRET)
    assert desk.close() == ""
    assert [row for row in desk.rows if row[0] == TOKENS] == []
    desk.open()
    assert refused(desk.join("bay-a", "a", SECRET), "expired or is not of this server")


def test_the_secret_is_not_on_disk():
    desk = Desk()
    desk.token("bay-a", SECRET)
    written = json.dumps([[*row, body] for row, body in desk.rows.items()])
    assert SECRET.hex() not in written
    assert SECRET.decode() not in written


def test_outdated_tokens_leave_the_disk_with_the_next_one():
    desk = Desk()
    for n in range(5):
        desk.token(f"bay-{n}", bytes([n]) * 16, 60)
        desk.pass_time(61)
    assert len([row for row in desk.rows if row[0] == TOKENS]) == 1


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 8 * 86_400.0])
def test_no_time_without_bounds(seconds: float):
    desk = Desk()
    assert "is not between" in (desk.token("bay-a", SECRET, seconds) or "")
    assert "is not between" in (desk.open(seconds) or "")


# ---------------------------------------------------------------- the file


def test_a_listed_key_gets_in_while_pairing_is_open():
    desk = Desk(EnrolmentSettings("server", fingerprints=frozenset({key("a")})))
    assert refused(desk.join("bay-a", "a"), "closed")
    desk.open()
    assert desk.join("bay-a", "a") == Admitted("bay-a", key("a"))
    assert isinstance(desk.join("bay-b", "b"), JoinPending)


def test_the_file_can_keep_pairing_open():
    desk = Desk(EnrolmentSettings("server", always_open=True))
    assert isinstance(desk.join("bay-a", "a"), JoinPending)
    assert "[pairing] open" in (desk.close() or "")
    assert desk.list().open_seconds is None


# ---------------------------------------------------------------- replaced and revoked boards


def test_a_replaced_board_needs_a_person_who_says_so():
    listed = frozenset({key("b"), key("d")})
    desk = Desk(EnrolmentSettings("server", fingerprints=listed))
    desk.open()
    desk.join("bay-a", "b")
    answer = desk.join("bay-a", "c")
    assert isinstance(answer, JoinPending)
    assert "paired with another key" in (desk.approve("bay-a", "c") or "")
    assert isinstance(desk.join("bay-a", "d"), JoinPending)  # the list alone does not replace either
    assert desk.approve("bay-a", "c", replace=True) == ""
    assert desk.join("bay-a", "c") == Admitted("bay-a", key("c"))
    assert desk.of(BoardRevoked) == [BoardRevoked("bay-a", key("b"))]
    assert refused(desk.join("bay-a", "b"), "revoked, for ever")


def test_a_token_replaces_only_if_it_was_made_to():
    desk = Desk()
    desk.token("bay-a", SECRET)
    desk.join("bay-a", "a", SECRET)
    assert "--replace" in (desk.token("bay-a", OTHER) or "")
    desk.token("bay-a", OTHER, replace=True)
    assert desk.join("bay-a", "b", OTHER) == Admitted("bay-a", key("b"))
    assert desk.of(BoardsAdmitted)[-1].nodes == {key("b"): "bay-a"}
    assert desk.of(BoardRevoked) == [BoardRevoked("bay-a", key("a"))]


def test_a_token_made_before_another_key_took_the_name_waits_for_a_person():
    desk = Desk()
    desk.token("bay-a", SECRET)
    desk.join("bay-a", "a")
    desk.approve("bay-a", "a")
    answer = desk.join("bay-a", "b", SECRET)
    assert isinstance(answer, JoinPending)
    assert "--replace" in answer.reason
    assert desk.of(BoardsAdmitted)[-1].nodes == {key("a"): "bay-a"}


def test_a_revoked_key_is_known_for_ever():
    desk = Desk(EnrolmentSettings("server", fingerprints=frozenset({key("a")})))
    desk.open()
    desk.join("bay-a", "a")
    assert desk.revoke("bay-a") == ""
    assert desk.of(BoardsAdmitted)[-1].nodes == {}
    assert desk.of(BoardRevoked) == [BoardRevoked("bay-a", key("a"))]
    desk.token("bay-a", SECRET, replace=True)
    desk.restart()
    assert refused(desk.join("bay-a", "a", SECRET), "revoked, for ever")
    assert refused(desk.join("bay-z", "a", SECRET), "revoked, for ever")
    assert desk.approve("bay-a", "a", replace=True) != ""
    assert "no paired board" in (desk.revoke("bay-a") or "")
    assert desk.join("bay-a", "b", SECRET) == Admitted("bay-a", key("b"))


def test_a_key_has_one_name():
    desk = Desk()
    desk.token("bay-a", SECRET)
    desk.join("bay-a", "a", SECRET)
    desk.token("bay-b", OTHER)
    assert refused(desk.join("bay-b", "a", OTHER), "this key is board bay-a")


@pytest.mark.parametrize("node", ["server", "", "../etc", "a" * 41, "bay a"])
def test_names_no_board_can_have(node: str):
    desk = Desk()
    desk.open()
    assert refused(desk.join(node, "a"), "can be called")
    assert "can be called" in (desk.token(node, SECRET) or "")


# ---------------------------------------------------------------- strangers


def test_one_peer_that_asks_too_often_waits_and_others_do_not():
    desk = Desk()
    desk.open(3600)
    answers = [desk.join("bay-a", "a") for _ in range(int(PEER_BURST) + 1)]
    last = answers[-1]
    assert all(isinstance(each, JoinPending) for each in answers[:-1])
    assert isinstance(last, JoinRefused)
    assert last.retry_seconds == pytest.approx(1.0)
    assert isinstance(desk.join("bay-b", "b", peer="192.0.2.2"), JoinPending)
    desk.pass_time(1.0)
    assert isinstance(desk.join("bay-a", "a"), JoinPending)


def test_many_peers_together_are_limited_and_remembered_within_bounds():
    desk = Desk()
    desk.open(3600)
    answers = [desk.join("bay-a", "a", peer=f"2001:db8::{n:x}") for n in range(1000)]
    assert sum(refused(each, "too many requests") for each in answers) > 900
    assert len(desk.state.rate.peers) <= 256


def test_requests_that_wait_for_a_person_are_limited():
    desk = Desk()
    desk.open(3600)
    for n in range(PENDING_OF_PEER):
        assert isinstance(desk.join(f"bay-{n}", "abcdef0123456789"[n]), JoinPending)
    assert refused(desk.join("bay-x", "9"), "too many boards wait")
    for n in range(PENDING):
        desk.join(f"pay-{n}", "abcdef0123456789"[n], peer=f"192.0.2.{n // 4 + 2}")
    assert len(desk.list().pending) == PENDING
    assert desk.rows == {}  # strangers cause no write


def test_while_pairing_is_closed_strangers_are_not_even_counted():
    desk = Desk()
    assert refused(desk.join("bay-a", "a"), "closed")
    assert desk.state.rate.peers == {}


def test_peers_are_forgotten_rather_than_remembered_without_end():
    rate = Rate()
    for n in range(3 * PEERS):
        rate, _ = asked(rate, f"2001:db8::{n:x}", float(n))
    assert len(rate.peers) == PEERS


# ---------------------------------------------------------------- disk


def test_who_waited_for_the_disk_until_pairing_closed_does_not_get_in():
    desk = Desk(EnrolmentSettings("server", fingerprints=frozenset({key("d")})))
    desk.open(10.0)
    desk.join("bay-a", "a")
    desk.hold = True
    desk.approve("bay-a", "a")
    assert desk.join("bay-d", "d") is None
    desk.pass_time(11.0)
    desk.write()
    assert refused(desk.of(JoinAnswered)[-1].answer, "closed")
    assert desk.of(BoardsAdmitted)[-1].nodes == {key("a"): "bay-a"}


def test_no_approval_brings_a_revoked_key_back():
    """Even if a request with that key were left in the list."""
    desk = Desk()
    desk.token("bay-a", SECRET)
    desk.join("bay-a", "a", SECRET)
    desk.revoke("bay-a")
    left = PendingRequest("bay-a", key("a"), "192.0.2.1", desk.wall, desk.mono + 60.0)
    desk.state = replace(desk.state, pending=(left,))
    assert "with this key waits" in (desk.approve("bay-a", "a", replace=True) or "")
    assert desk.of(BoardsAdmitted)[-1].nodes == {}


def test_nobody_is_admitted_before_it_is_on_disk():
    desk = Desk(hold=True)
    assert desk.token("bay-a", SECRET) is None
    desk.write()
    assert desk.join("bay-a", "a", SECRET) is None
    assert desk.of(BoardsAdmitted)[-1].nodes == {}
    assert desk.join("bay-a", "b", SECRET) is None  # waits for the decision before it
    desk.write()
    answers = [each.answer for each in desk.of(JoinAnswered)]
    assert answers[0] == Admitted("bay-a", key("a"))
    assert refused(answers[1], "used by another board")


@pytest.mark.parametrize("written", [False, True])
def test_a_kill_between_spending_and_answering_loses_nobody_and_doubles_nobody(written: bool):
    desk = Desk()
    desk.token("bay-a", SECRET)
    desk.hold = True
    assert desk.join("bay-a", "a", SECRET) is None
    if written:
        for row in desk.waiting[0].writes:
            desk.rows[row.table, row.key] = getattr(row, "body", "")
    desk.hold = False
    desk.restart()
    second = desk.join("bay-a", "b", SECRET)
    first = desk.join("bay-a", "a", SECRET)
    admitted = [each for each in (first, second) if isinstance(each, Admitted)]
    assert admitted == [Admitted("bay-a", key("a" if written else "b"))]


def test_a_full_disk_admits_nobody_and_says_so():
    desk = Desk()
    desk.token("bay-a", SECRET)
    desk.full = True
    assert refused(desk.join("bay-a", "a", SECRET), "disk")
    assert "disk full" in (desk.token("bay-b", OTHER) or "")
    assert desk.of(Alarm)[-1].code == "pairing-disk"
    desk.full = False
    assert desk.join("bay-a", "a", SECRET) == Admitted("bay-a", key("a"))


def test_who_is_revoked_is_out_even_if_the_disk_refuses():
    desk = Desk()
    desk.token("bay-a", SECRET)
    desk.join("bay-a", "a", SECRET)
    desk.full = True
    assert "revoke again" in (desk.revoke("bay-a") or "")
    assert desk.of(BoardsAdmitted)[-1].nodes == {}


def test_the_serial_of_a_certificate_is_kept():
    desk = Desk()
    desk.token("bay-a", SECRET)
    desk.join("bay-a", "a", SECRET)
    desk.tell(CertificateIssued(key("a"), "77", desk.wall))
    desk.restart()
    assert [(board.serial, board.until) for board in desk.list().boards] == [("77", desk.wall)]
    writes = len(desk.of(Write))
    desk.tell(CertificateIssued(key("a"), "77", desk.wall))
    desk.tell(CertificateIssued(key("b"), "78", desk.wall))  # of nobody
    assert len(desk.of(Write)) == writes


def test_a_row_that_cannot_be_read_admits_nobody():
    desk = Desk()
    desk.token("bay-a", SECRET)
    desk.join("bay-a", "a", SECRET)
    desk.rows[BOARDS, key("a")] = '{"node": "bay-a"}'
    desk.restart()
    assert desk.of(BoardsAdmitted)[-1].nodes == {}
    assert desk.of(Alarm)[-1].code == "pairing-row-unreadable"


def test_before_the_rows_are_there_nobody_gets_in_and_they_are_asked_for_again():
    desk = Desk()
    state = Enrolment(EnrolmentSettings("server", always_open=True))
    state, effects = step(state, Start(), desk.now())
    assert PairingPortWanted(open=False) in effects
    state, effects = step(state, Tick(), Now(desk.mono + RELOAD_SECONDS, desk.wall))
    assert [each for each in effects if isinstance(each, Load)] != []


def test_what_waits_for_a_slow_disk_is_bounded():
    desk = Desk(hold=True)
    desk.open()
    desk.write()
    desk.token("bay-a", SECRET)
    answers: list[object] = []
    for n in range(WAITING + 30):
        desk.mono += 1.0
        answers.append(desk.join(f"bay-{n}", "a", peer=f"192.0.2.{n}"))
    assert sum(refused(each, "busy") for each in answers) == 30
