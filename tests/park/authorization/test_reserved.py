"""Cards at reserved charge points: the tag it is for, its group, and everybody else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from park.authorization.authorizer import AuthorizerEvent
from park.authorization.messages import ApplyRules
from park.authorization.settings import Mode, OfflineRule
from park.model.access import (
    AuthorizationGranted,
    AuthorizeWithBackend,
    BackendOnline,
    Done,
    Feedback,
    Refused,
    Verdict,
)
from park.model.listed import ListedTag, LocalListHeld
from park.model.reservation import Reservation, ReservationsHeld
from tests.support.authorizer_harness import ADA, BOB, NOON, STRANGER, Driven, point, shown

LATER = NOON + timedelta(hours=1)


def kept(charge_point: str = "g/cp1", tag: str = BOB, parent: str | None = None, number: int = 5) -> ReservationsHeld:
    return ReservationsHeld((Reservation(number, charge_point, tag, parent, LATER),))


def driven(mode: Mode = Mode.WHITELIST, *told: AuthorizerEvent, points: int = 1, **settings: object) -> Driven:
    made = Driven(mode, *(point(number, plugged_since=900.0) for number in range(1, points + 1)), **settings)
    for each in told:
        made.tell(each)
    return made


def grants(park: Driven) -> list[tuple[str, int | None]]:
    return [(each.id_tag, each.reservation) for each in park.told if isinstance(each, AuthorizationGranted)]


def test_the_tag_it_is_for_uses_it_up_and_another_is_refused():
    park = driven(Mode.WHITELIST, kept())
    assert park.swipe(ADA) == [shown(Feedback.REFUSED)]
    park.swipe(BOB.lower())
    assert grants(park) == [(BOB.lower(), 5)]


def test_once_it_is_over_or_gone_everybody_may():
    park = driven(Mode.WHITELIST, ReservationsHeld((Reservation(5, "g/cp1", BOB, None, NOON),)))
    park.swipe(ADA)
    assert grants(park) == [(ADA, None)]
    park = driven(Mode.WHITELIST, kept(), ReservationsHeld(()))
    park.swipe(ADA)
    assert grants(park) == [(ADA, None)]


def test_whom_it_is_not_for_is_refused_without_a_question():
    park = driven(Mode.BACKEND, BackendOnline(online=True), kept())
    assert park.swipe(ADA) == [shown(Feedback.REFUSED)]


@pytest.mark.rule("B-183")
@pytest.mark.parametrize(("parent", "expected"), [("team", [(STRANGER, 5)]), ("others", []), (None, [])])
def test_a_card_of_the_group_may_once_the_backend_has_said_so(parent: str | None, expected: list[object]):
    park = driven(Mode.BACKEND, BackendOnline(online=True), kept(parent="TEAM"))
    park.swipe(STRANGER)
    park.backend(Verdict.ACCEPTED, parent_tag=parent)
    assert grants(park) == expected
    assert park.told[-1] == shown(Feedback.ACCEPTED if expected else Feedback.REFUSED)


def test_a_card_that_would_start_at_once_is_asked_about_when_its_group_matters():
    park = driven(Mode.BACKEND, BackendOnline(online=True), kept(parent="TEAM"), pre_authorize=True)
    park.swipe(ADA)
    assert isinstance(park.question(), AuthorizeWithBackend)


def test_without_the_backend_the_list_tells_the_group():
    park = driven(
        Mode.BACKEND,
        BackendOnline(online=False),
        LocalListHeld((ListedTag(STRANGER.casefold(), Verdict.ACCEPTED, None, "TEAM"),)),
        kept(parent="TEAM"),
        offline=OfflineRule.ACCEPT,
    )
    park.swipe(STRANGER)
    assert grants(park) == [(STRANGER, 5)]
    park = driven(Mode.BACKEND, BackendOnline(online=False), kept(parent="TEAM"), offline=OfflineRule.ACCEPT)
    assert park.swipe(STRANGER) == [shown(Feedback.REFUSED)]


def test_any_one_connector_stays_free_for_whoever_reserved_it():
    park = Driven(Mode.WHITELIST, point(1, plugged_since=900.0), point(2), point(3, available=False))
    park.tell(kept("", number=9))
    park.swipe(ADA)
    assert grants(park) == [(ADA, None)]  # the second stays free
    park.tell(point(2, plugged_since=950.0))
    park.tell(point(1))
    assert park.swipe(ADA, "hall")[-1] == shown(Feedback.ACCEPTED, "hall")
    park = Driven(Mode.WHITELIST, point(1, plugged_since=900.0), point(2, plugged_since=800.0, session_tag="X"))
    park.tell(kept("", number=9))
    assert park.swipe(ADA) == [shown(Feedback.REFUSED)]
    park.swipe(BOB)
    assert grants(park) == [(BOB, 9)]


def test_what_is_reserved_for_one_is_not_free_for_who_reserved_any():
    park = Driven(Mode.WHITELIST, point(1, plugged_since=900.0), point(2))
    one = Reservation(5, "g/cp2", "X", None, LATER)
    park.tell(ReservationsHeld((one, Reservation(6, "", BOB, None, LATER))))
    assert park.swipe(ADA) == [shown(Feedback.REFUSED)]


@pytest.mark.parametrize("first", [True, False])
def test_a_remote_start_for_another_tag_is_rejected(first: bool):
    park = driven(Mode.WHITELIST, kept())
    park.remote(1, ADA, first=first)
    assert isinstance(park.slot.answers[-1], Refused)
    park.remote(1, BOB, first=first)
    assert isinstance(park.slot.answers[-1], Done)
    assert grants(park) == [(BOB, 5)]


def test_free_charging_stops_at_a_reserved_connector():
    park = Driven(Mode.FREE, point(1))
    park.tell(kept())
    park.tell(point(1, plugged_since=900.0))
    assert grants(park) == []


def test_a_board_that_is_alone_keeps_it():
    server = driven(Mode.WHITELIST, kept())
    rules = server.rules[-1].rules
    assert [each.number for each in rules.reservations] == [5]
    board = driven(Mode.WHITELIST, ApplyRules(rules))
    board.begin()
    board.tell(point(1, plugged_since=900.0))
    assert board.swipe(ADA) == [shown(Feedback.REFUSED)]
    board.swipe(BOB)
    assert grants(board) == [(BOB, 5)]
