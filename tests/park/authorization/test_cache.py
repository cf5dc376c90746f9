"""Cards the backend accepted are known for a week, where the key says so; and what other keys make of known cards."""

from __future__ import annotations

from datetime import timedelta

import pytest

from park.authorization.messages import ClearCards
from park.authorization.settings import Mode, OfflineRule
from park.model.access import (
    BACKEND_REGISTERED,
    AuthorizationGranted,
    AuthorizeWithBackend,
    BackendOnline,
    Done,
    Feedback,
    Refused,
    SettingChanged,
    Verdict,
)
from tests.support.authorizer_harness import ADA, EVE, NOON, STRANGER, Driven, point, shown


def grants(effects: list[object]) -> list[tuple[str, str]]:
    return [(each.id_tag, each.by) for each in effects if isinstance(each, AuthorizationGranted)]


def plugged(**changes: object) -> Driven:
    return Driven(Mode.BACKEND, point(plugged_since=990.0), **changes)


def accepted_once(driven: Driven, **answer: object) -> None:
    driven.swipe(STRANGER)
    driven.backend(Verdict.ACCEPTED, **answer)
    driven.tell(point())  # it has left
    driven.tell(point(plugged_since=995.0))


def offline(driven: Driven) -> list[object]:
    driven.tell(BackendOnline(online=False))
    return list(driven.swipe(STRANGER))


@pytest.mark.rule("B-114")
def test_a_card_the_backend_accepted_charges_without_it_and_after_a_restart():
    driven = plugged(cache=True)
    accepted_once(driven)
    driven.begin()
    driven.tell(point(plugged_since=995.0))
    assert grants(offline(driven)) == [(STRANGER, "cache")]


@pytest.mark.rule("B-055")
def test_without_the_cache_no_card_is_kept_even_with_an_expiry():
    driven = plugged()
    accepted_once(driven, expiry=NOON + timedelta(days=1))
    assert not any(table == "authorization_cache" for table, _ in driven.disk)
    assert grants(offline(driven)) == []


def test_what_has_expired_is_not_known():
    driven = plugged(cache=True)
    accepted_once(driven, expiry=NOON)
    assert grants(offline(driven)) == []


@pytest.mark.parametrize("verdict", [Verdict.BLOCKED, Verdict.EXPIRED, Verdict.INVALID])
def test_a_refusal_takes_the_card_out(verdict: Verdict):
    driven = plugged(cache=True)
    accepted_once(driven)
    driven.swipe(STRANGER)
    driven.backend(verdict)
    assert not any(table == "authorization_cache" for table, _ in driven.disk)
    assert grants(offline(driven)) == []


def test_clearing_forgets_what_was_accepted_not_what_was_refused():
    driven = plugged(cache=True)
    accepted_once(driven)
    driven.swipe(EVE)
    driven.tell(ClearCards("c", driven.slot))
    assert driven.slot.answers == [Done("c")]
    assert not any(table == "authorization_cache" for table, _ in driven.disk)
    assert grants(offline(driven)) == []


def test_a_disk_that_refuses_is_told():
    driven = plugged(cache=True)
    accepted_once(driven)
    driven.full = True
    driven.tell(ClearCards("c", driven.slot))
    assert [type(answer) for answer in driven.slot.answers] == [Refused]


def test_there_is_nothing_to_clear_without_a_cache():
    driven = plugged()
    driven.tell(ClearCards("c", driven.slot))
    assert [type(answer) for answer in driven.slot.answers] == [Refused]


def test_the_oldest_card_makes_room():
    driven = plugged(cache=True)
    for number in range(1_003):
        driven.swipe(f"{number:08X}")
        driven.backend(Verdict.ACCEPTED)
        driven.tell(point())
        driven.tell(point(plugged_since=995.0))
    assert len(driven.state.cache) == 1_000
    assert sum(table == "authorization_cache" for table, _ in driven.disk) == 1_000
    assert "00000002" not in driven.state.cache
    assert "00000003" in driven.state.cache


# ------------------------------------------------------------ keys


@pytest.mark.rule("B-056")
def test_known_cards_need_not_wait_for_the_backend():
    driven = plugged()
    driven.tell(BackendOnline(online=True))
    driven.tell(SettingChanged("LocalPreAuthorize", value=True))
    assert grants(list(driven.swipe(ADA))) == [(ADA, "whitelist")]


def test_a_card_known_to_be_refused_does_not_start_by_that():
    driven = plugged()
    driven.tell(SettingChanged("LocalPreAuthorize", value=True))
    driven.tell(SettingChanged("LocalPreAuthorize", value=False))
    driven.swipe(ADA)
    driven.backend(Verdict.BLOCKED)
    driven.tell(SettingChanged("LocalPreAuthorize", value=True))
    effects = driven.swipe(ADA)
    assert grants(list(effects)) == []
    assert any(isinstance(each, AuthorizeWithBackend) for each in effects)


@pytest.mark.rule("B-056", "B-115")
@pytest.mark.parametrize(
    ("known", "unknown", "ada", "stranger"),
    [
        (False, "false", False, False),
        (True, "false", True, False),
        (False, "true", True, True),
        (True, "true", True, True),
    ],
)
def test_two_keys_say_who_charges_without_the_backend(known: bool, unknown: str, ada: bool, stranger: bool):
    for tag, charges in ((ADA, ada), (STRANGER, stranger)):
        driven = plugged()
        driven.tell(SettingChanged("AllowOfflineTxForUnknownId", unknown))
        driven.tell(SettingChanged("LocalAuthorizeOffline", known))
        driven.tell(BackendOnline(online=False))
        assert bool(grants(list(driven.swipe(tag)))) is charges, tag


@pytest.mark.rule("B-195")
@pytest.mark.parametrize(
    ("needs", "registered", "starts"), [(True, False, False), (True, True, True), (False, False, True)]
)
def test_by_setting_nobody_starts_without_a_backend_that_never_knew_the_park(
    needs: bool, registered: bool, starts: bool
):
    driven = Driven(Mode.BACKEND, point(plugged_since=990.0))
    driven.tell(SettingChanged("OfflineNeedsRegistration", needs))
    driven.tell(SettingChanged(BACKEND_REGISTERED, registered))
    driven.tell(BackendOnline(online=False))
    (first, *_) = driven.swipe(ADA)
    assert isinstance(first, AuthorizationGranted) is starts


@pytest.mark.rule("B-051", "B-052")
def test_without_the_backend_the_plug_alone_may_do():
    driven = plugged(free_tag="GUEST")
    driven.tell(SettingChanged("AllowOfflineTxForUnknownId", "ImmediatelyWhenPlugged"))
    assert grants(list(driven.tell(BackendOnline(online=False)))) == [("GUEST", "free")]
    driven = plugged()
    driven.tell(SettingChanged("AllowOfflineTxForUnknownId", "ImmediatelyWhenPlugged"))
    assert grants(list(driven.tell(BackendOnline(online=True)))) == []


@pytest.mark.rule("B-053")
def test_free_charging_is_switched_on_and_off():
    driven = plugged(with_cards=Mode.WHITELIST)
    assert grants(list(driven.tell(SettingChanged("FreeCharging", value=True)))) == [("FREE", "free")]
    driven.tell(SettingChanged("FreeCharging", value=False))
    assert driven.state.settings.mode is Mode.WHITELIST


def test_letters_are_told_as_the_backend_wants_them():
    driven = plugged()
    driven.tell(SettingChanged("idTagLetterCase", "Lower"))
    driven.swipe("0A0B0C")
    assert driven.question().id_tag == "0a0b0c"


def test_the_boards_hear_of_other_rules():
    driven = plugged()
    before = len(driven.rules)
    driven.tell(SettingChanged("AllowOfflineTxForUnknownId", "true"))
    assert driven.rules[before:][-1].rules.offline is OfflineRule.ACCEPT


@pytest.mark.parametrize(
    "change",
    [
        SettingChanged("idTagLetterCase", "Mirrored"),
        SettingChanged("RfidTagFreeCharging", ""),
        SettingChanged("LocalPreAuthorize", "true"),
        SettingChanged("Nonsense", 1),
    ],
)
def test_nonsense_changes_nothing(change: SettingChanged):
    driven = plugged()
    before = driven.state.settings
    assert driven.tell(change) == []
    assert driven.state.settings == before
    assert shown(Feedback.REFUSED) not in driven.told
