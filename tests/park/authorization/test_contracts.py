"""Contracts of vehicles: judged by their eMAID, and never let in here by an eMAID that nobody has proved."""

from __future__ import annotations

import pytest

from park.authorization.settings import Mode, OfflineRule, WhitelistEntry
from park.model.access import AuthorizationGranted, BackendOnline, Feedback, SettingChanged, ShowFeedback, Verdict
from park.model.contract import Contract, ContractPresented
from tests.support.authorizer_harness import Driven, point

EMAID, PLAIN = "de-8aa-c12345678-9", "DE8AAC123456789"
CHECKED, UNCHECKED = Contract(checked=True), Contract("-----BEGIN CERTIFICATE-----")
PLUGGED = point(1, plugged_since=900.0)
KNOWN = (WhitelistEntry(PLAIN),)


def driven(mode: Mode, **settings: object) -> Driven:
    return Driven(mode, PLUGGED, **{"contracts": True, "whitelist": KNOWN, **settings})


def shown(park: Driven, contract: Contract = CHECKED, emaid: str = EMAID, at: str = "g/cp1") -> list[object]:
    return list(park.tell(ContractPresented("g/cp1/hlc", at, emaid, contract)))


def feedback(word: Feedback) -> ShowFeedback:
    return ShowFeedback("g/cp1/hlc", word)


def starts(effects: list[object]) -> list[str]:
    return [each.id_tag for each in effects if isinstance(each, AuthorizationGranted)]


@pytest.mark.parametrize("contract", [CHECKED, UNCHECKED])
def test_the_backend_is_asked_about_the_contract_and_its_word_holds(contract: Contract):
    park = driven(Mode.BACKEND)
    assert shown(park, contract)[-1] == feedback(Feedback.WAIT)
    assert (park.question().id_tag, park.question().contract) == (PLAIN, contract)
    told = park.backend(Verdict.ACCEPTED)
    assert starts([*told]) == [PLAIN]
    assert told[-1] == feedback(Feedback.ACCEPTED)


def test_what_the_backend_refuses_is_told_to_who_asked():
    park = driven(Mode.BACKEND)
    shown(park)
    assert park.backend(Verdict.BLOCKED) == [feedback(Feedback.REFUSED)]


@pytest.mark.parametrize(
    ("contract", "offline", "begun"), [(CHECKED, True, [PLAIN]), (CHECKED, False, []), (UNCHECKED, True, [])]
)
def test_without_a_backend_a_checked_contract_charges_where_that_is_allowed(
    contract: Contract, offline: bool, begun: list[str]
):
    park = driven(Mode.BACKEND, contracts_offline=offline)
    park.tell(BackendOnline(online=False))
    assert starts(shown(park, contract)) == begun


@pytest.mark.parametrize("contract", [CHECKED, UNCHECKED])
def test_the_rule_holds_too_when_the_backend_does_not_answer(contract: Contract):
    park = driven(Mode.BACKEND, contracts_offline=True, offline=OfflineRule.ACCEPT, whitelist=())
    shown(park, contract)
    assert starts([*park.backend(None)]) == ([PLAIN] if contract.checked else [])


@pytest.mark.parametrize(("mode", "settings"), [(Mode.WHITELIST, {}), (Mode.BACKEND, {"pre_authorize": True})])
def test_a_known_emaid_charges_at_once_only_when_it_was_proved(mode: Mode, settings: dict[str, object]):
    assert starts(shown(driven(mode, **settings))) == [PLAIN]
    assert starts(shown(driven(mode, **settings), UNCHECKED)) == []


@pytest.mark.parametrize("emaid", ["", "04A1B2C3", "DE8AAC1234567890", "D€8AAC12345678", "*" * 5_000])
def test_what_is_no_emaid_is_refused(emaid: str):
    assert shown(driven(Mode.BACKEND), emaid=emaid) == [feedback(Feedback.REFUSED)]


def test_while_it_is_off_no_contract_is_heard_and_the_key_turns_it_on():
    park = driven(Mode.WHITELIST, contracts=False)
    assert shown(park) == [feedback(Feedback.REFUSED)]
    park.tell(SettingChanged("ISO15118PnCEnabled", value=True))
    assert starts(shown(park)) == [PLAIN]


def test_it_is_for_the_vehicle_that_waits_there_and_once():
    assert shown(driven(Mode.BACKEND), at="g/nowhere") == [feedback(Feedback.IGNORED)]
    park = driven(Mode.BACKEND)
    shown(park)
    assert shown(park) == [feedback(Feedback.IGNORED)]
