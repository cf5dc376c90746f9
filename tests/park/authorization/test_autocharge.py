"""Vehicles that need no card: judged by MAC or by the fixed id, and never let in by what is no identity."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from park.authorization.settings import Autocharge, AutochargeMode, Mode, OfflineRule, WhitelistEntry
from park.model.access import AuthorizationGranted, BackendOnline, Feedback, SettingChanged, ShowFeedback, Verdict
from park.model.alarm import Alarm
from park.model.autocharge import VehicleIdentified
from tests.support.authorizer_harness import ADA, STRANGER, Driven, point

pytestmark = pytest.mark.rule("B-063")

MAC, TAG = "02:aB:00:00:00:0f", "VID:02AB0000000F"
FIXED = "FLEET"
PLUGGED = point(1, plugged_since=900.0)
ON = Autocharge(AutochargeMode.MAC)
WITH_ID = Autocharge(AutochargeMode.FIXED_ID, fixed_id=FIXED)
KNOWN = (WhitelistEntry(TAG), WhitelistEntry(FIXED), WhitelistEntry(ADA))
MODEM = "slac:cp1"


def driven(mode: Mode, autocharge: Autocharge = ON, **settings: object) -> Driven:
    return Driven(mode, PLUGGED, **{"autocharge": autocharge, "whitelist": KNOWN, **settings})


def shown(park: Driven, mac: str | None = MAC, at: str = "g/cp1") -> list[object]:
    return list(park.tell(VehicleIdentified(MODEM, at, mac)))


def feedback(word: Feedback) -> ShowFeedback:
    return ShowFeedback(MODEM, word)


def starts(effects: list[object]) -> list[str]:
    return [each.id_tag for each in effects if isinstance(each, AuthorizationGranted)]


@pytest.mark.rule("B-294")
@pytest.mark.parametrize("mac", [MAC, "02-AB-00-00-00-0F", "02ab0000000f"])
def test_prefix_and_mac_are_the_tag_however_the_mac_is_written(mac: str):
    told = shown(driven(Mode.WHITELIST), mac)
    assert told == [AuthorizationGranted("g/cp1", TAG, "whitelist"), feedback(Feedback.ACCEPTED)]


@pytest.mark.parametrize("prefix", ["", "EVCCID-1"])
def test_the_prefix_is_configured(prefix: str):
    tag = f"{prefix}02AB0000000F"
    park = driven(Mode.WHITELIST, Autocharge(AutochargeMode.MAC, prefix), whitelist=(WhitelistEntry(tag),))
    assert starts(shown(park)) == [tag]


def test_the_backend_is_asked_as_of_a_card_and_its_word_holds():
    park = driven(Mode.BACKEND)
    assert shown(park)[-1] == feedback(Feedback.WAIT)
    assert (park.question().id_tag, park.question().contract) == (TAG, None)
    told = park.backend(Verdict.ACCEPTED)
    assert starts([*told]) == [TAG]
    assert told[-1] == feedback(Feedback.ACCEPTED)


@pytest.mark.parametrize("mac", [MAC, None])
def test_what_the_backend_refuses_does_not_charge(mac: str | None):
    park = driven(Mode.BACKEND, WITH_ID)
    shown(park, mac)
    assert park.backend(Verdict.INVALID) == [feedback(Feedback.REFUSED)]
    park.tell(BackendOnline(online=False))
    assert starts(shown(park, mac)) == []  # D4: not without it either


@pytest.mark.parametrize(("offline", "begun"), [(OfflineRule.REFUSE, []), (OfflineRule.WHITELIST, [TAG])])
def test_without_a_backend_the_offline_rule_decides(offline: OfflineRule, begun: list[str]):
    park = driven(Mode.BACKEND, offline=offline)
    park.tell(BackendOnline(online=False))
    assert starts(shown(park)) == begun


def test_a_vehicle_nobody_knows_or_that_is_blocked_is_refused():
    assert shown(driven(Mode.WHITELIST, whitelist=())) == [feedback(Feedback.REFUSED)]
    blocked = (WhitelistEntry(TAG, allowed=False),)
    assert shown(driven(Mode.BACKEND, whitelist=blocked)) == [feedback(Feedback.REFUSED)]


def test_a_vehicle_that_cannot_has_the_fixed_id():
    assert starts(shown(driven(Mode.WHITELIST, WITH_ID), None)) == [FIXED]
    assert starts(shown(driven(Mode.WHITELIST, WITH_ID))) == [TAG]


@pytest.mark.parametrize("autocharge", [ON, Autocharge(AutochargeMode.MAC, fixed_id=FIXED)])
def test_without_the_fixed_id_variant_it_waits_for_a_card(autocharge: Autocharge):
    park = driven(Mode.WHITELIST, autocharge)
    assert shown(park, None) == [feedback(Feedback.IGNORED)]
    assert starts([*park.swipe(ADA)]) == [ADA]


def test_the_fixed_id_variant_without_an_id_lets_nobody_in():
    assert shown(driven(Mode.BACKEND, Autocharge(AutochargeMode.FIXED_ID)), None) == [feedback(Feedback.IGNORED)]


@pytest.mark.parametrize("autocharge", [ON, WITH_ID])
@pytest.mark.parametrize(
    "mac",
    [
        "", "02AB0000000", "02AB0000000F0", "02:AB:00:00:00:0G", "02:AB-00:00:00:0F", "02:AB:00:00:00:0F\n",
        "０２AB0000000F", "00:00:00:00:00:00", "FF:FF:FF:FF:FF:FF", "01:00:5E:00:00:01", "0" * 5_000,
    ],
)  # fmt: skip
def test_what_is_no_mac_of_a_vehicle_is_refused_and_said(mac: str, autocharge: Autocharge):
    park = driven(Mode.BACKEND, autocharge, offline=OfflineRule.ACCEPT)
    told = shown(park, mac)
    assert [type(each) for each in told] == [Alarm, ShowFeedback]
    assert told[-1] == feedback(Feedback.REFUSED)
    alarm = told[0]
    assert isinstance(alarm, Alarm)
    assert "at g/cp1" in alarm.text
    assert len(alarm.text) < 300


@given(st.text(max_size=30))
def test_no_text_crashes_it_or_becomes_a_tag_of_more_than_20_characters(mac: str):
    park = driven(Mode.BACKEND, Autocharge(AutochargeMode.MAC, "12345678"), offline=OfflineRule.ACCEPT)
    park.tell(BackendOnline(online=False))
    assert all(len(tag) <= 20 for tag in starts(shown(park, mac)))


def test_a_card_that_came_first_wins():
    park = driven(Mode.BACKEND)
    park.swipe(STRANGER)
    assert shown(park) == [feedback(Feedback.IGNORED)]
    assert starts([*park.backend(Verdict.ACCEPTED)]) == [STRANGER]
    assert shown(park) == [feedback(Feedback.IGNORED)]


def test_it_is_for_the_vehicle_that_waits_there_and_once():
    assert shown(driven(Mode.WHITELIST), at="g/nowhere") == [feedback(Feedback.IGNORED)]
    free = Driven(Mode.WHITELIST, point(1), autocharge=ON, whitelist=KNOWN)
    assert shown(free) == [feedback(Feedback.IGNORED)]
    park = driven(Mode.BACKEND)
    shown(park)
    assert shown(park) == [feedback(Feedback.IGNORED)]


def test_a_vehicle_that_left_before_the_backend_answered_leaves_nothing_to_the_next():
    park = driven(Mode.BACKEND)
    shown(park)
    park.tell(point(1, plugged_since=990.0))
    assert starts([*park.backend(Verdict.ACCEPTED)]) == []


@pytest.mark.parametrize("mac", [MAC, None, "nonsense"])
def test_while_it_is_off_or_charging_is_free_no_vehicle_is_heard(mac: str | None):
    off = Autocharge(fixed_id=FIXED)
    assert shown(driven(Mode.WHITELIST, off), mac) == [feedback(Feedback.IGNORED)]
    park = driven(Mode.WHITELIST, WITH_ID)
    park.tell(SettingChanged("FreeCharging", value=True))
    assert shown(park, mac) == [feedback(Feedback.IGNORED)]


def test_the_keys_of_the_backend_hold_at_once():
    park = driven(Mode.WHITELIST, Autocharge(), whitelist=(WhitelistEntry("M02AB0000000F"), WhitelistEntry(FIXED)))
    park.tell(SettingChanged("Autocharge", "On"))
    park.tell(SettingChanged("MACEVCCIDPrefix", "M"))
    park.tell(SettingChanged("MACEVCCIDPrefix", "much too long"))
    assert shown(park, None) == [feedback(Feedback.IGNORED)]
    park.tell(SettingChanged("Autocharge", "On (Fixed ID)"))
    park.tell(SettingChanged("autochargeid", FIXED))
    park.tell(SettingChanged("Autocharge", "Perhaps"))
    assert park.state.settings.autocharge == Autocharge(AutochargeMode.FIXED_ID, "M", FIXED)
    assert starts(shown(park)) == ["M02AB0000000F"]
    park.tell(SettingChanged("Autocharge", "Off"))
    park.tell(point(1, plugged_since=995.0))
    assert shown(park) == [feedback(Feedback.IGNORED)]
