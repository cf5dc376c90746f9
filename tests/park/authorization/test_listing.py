"""The backend's list of id tags: what it decides, online and offline, at the server and on a board alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from park.authorization.messages import ListChanged
from park.authorization.settings import Mode, OfflineRule
from park.model.access import AuthorizationGranted, AuthorizeWithBackend, BackendOnline, Done, Feedback, Verdict
from park.model.listed import ApplyLocalList, ListedTag, LocalListHeld
from tests.support.authorizer_harness import EVE, NOON, STRANGER, Driven, point, shown

CARD = STRANGER


def listed(verdict: Verdict = Verdict.ACCEPTED, **more: object) -> ListedTag:
    return ListedTag(CARD.casefold(), verdict, **more)  # type: ignore[arg-type]


def driven(*tags: ListedTag, online: bool, **settings: object) -> Driven:
    park = Driven(Mode.BACKEND, point(1, plugged_since=900.0), **settings)
    park.tell(BackendOnline(online=online))
    park.tell(LocalListHeld(tags))
    park.told.clear()
    return park


def granted_by(park: Driven) -> list[str]:
    return [each.by for each in park.told if isinstance(each, AuthorizationGranted)]


@pytest.mark.rule("B-056")
def test_a_listed_card_starts_at_once_where_that_is_wished_else_the_backend_is_asked():
    park = driven(listed(), online=True, pre_authorize=True)
    park.swipe(CARD.lower())
    assert granted_by(park) == ["list"]
    park = driven(listed(), online=True)
    park.swipe(CARD)
    assert isinstance(park.question(), AuthorizeWithBackend)
    assert granted_by(park) == []


@pytest.mark.rule("B-056")
def test_a_listed_card_starts_without_the_backend_and_a_stranger_does_not():
    park = driven(listed(), online=False)
    park.swipe(CARD)
    assert granted_by(park) == ["list"]
    park = driven(online=False)
    assert park.swipe(CARD) == [shown(Feedback.REFUSED)]


@pytest.mark.parametrize(
    "entry",
    [
        listed(Verdict.BLOCKED),
        listed(Verdict.INVALID),
        listed(Verdict.EXPIRED),
        listed(Verdict.CONCURRENT_TX),
        listed(expires=NOON - timedelta(seconds=1)),
    ],
)
def test_a_card_the_list_does_not_accept_is_refused_offline_and_asked_about_online(entry: ListedTag):
    park = driven(entry, online=False, offline=OfflineRule.ACCEPT)
    assert park.swipe(CARD) == [shown(Feedback.REFUSED)]
    park = driven(entry, online=True, pre_authorize=True)
    park.swipe(CARD)
    assert isinstance(park.question(), AuthorizeWithBackend)


@pytest.mark.rule("B-116", "B-050")
def test_a_remote_start_is_authorized_by_the_list_first():
    park = driven(listed(), online=True, pre_authorize=True)
    park.remote(1, CARD, first=True)
    assert isinstance(park.slot.answers[-1], Done)
    assert granted_by(park) == ["list"]


def test_what_the_whitelist_blocks_the_list_does_not_lift():
    park = driven(ListedTag(EVE.casefold(), Verdict.ACCEPTED), online=True, pre_authorize=True)
    assert park.swipe(EVE) == [shown(Feedback.REFUSED)]


def test_a_card_the_backend_refused_stays_refused_until_it_lists_it_anew():
    """D4: only a newer word of the backend lifts its own refusal; what is told again is no newer word."""
    park = driven(online=True)
    park.swipe(CARD)
    park.backend(Verdict.BLOCKED)
    park.tell(LocalListHeld((listed(),)))
    park.tell(BackendOnline(online=False))
    assert park.swipe(CARD) == [shown(Feedback.REFUSED)]
    park.tell(LocalListHeld((listed(),), (CARD.casefold(),)))
    park.swipe(CARD)
    assert granted_by(park) == ["list"]
    park.begin()
    park.tell(point(1, plugged_since=900.0))
    park.tell(BackendOnline(online=False))
    park.tell(LocalListHeld((listed(),)))
    park.swipe(CARD)
    assert granted_by(park) == ["list"]


def test_the_list_goes_to_the_boards_which_keep_it_on_disk():
    server = driven(online=True)
    assert server.tell(LocalListHeld((listed(),))) == [ListChanged((listed(),))]
    board = Driven(Mode.BACKEND)
    board.tell(ApplyLocalList((listed(),)))
    board.begin()
    board.tell(point(1, plugged_since=900.0))
    board.tell(BackendOnline(online=False))
    board.swipe(CARD)
    assert granted_by(board) == ["list"]


def test_a_kept_list_that_cannot_be_read_is_alarmed_and_a_newer_one_stands():
    board = Driven(Mode.BACKEND)
    board.disk["board_local_list", "held"] = "[1]"
    board.begin()
    assert [each.code for each in board.told if hasattr(each, "code")] == ["local-list-unreadable"]  # type: ignore[attr-defined]
