"""A digital input that authorizes: once each time it becomes active, under one fixed id tag."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.authorizer_harness import WHITELIST, Driven, point

from park.authorization.settings import AuthorizingInput, Mode, WhitelistEntry
from park.model.access import AuthorizationGranted, AuthorizeWithBackend, BackendOnline, StopSession, Verdict
from park.model.limit import InputChanged
from park.model.session import StopReason

KEY = AuthorizingInput("g", 3, "g/cp1")
LISTED = (*WHITELIST, WhitelistEntry("input_auth"))
PLUGGED = point(1, plugged_since=990.0)


def turn(driven: Driven, *levels: bool | None, number: int = 3) -> list[object]:
    return [effect for high in levels for effect in driven.tell(InputChanged("g", number, high))]


@pytest.mark.rule("B-060")
def test_the_backend_is_asked_about_the_fixed_tag_and_its_verdict_counts():
    driven = Driven(Mode.BACKEND, PLUGGED, inputs=(KEY,))
    driven.tell(BackendOnline(online=True))
    (asked,) = turn(driven, False, True)
    assert isinstance(asked, AuthorizeWithBackend)
    assert asked.id_tag == "input_auth"
    assert driven.backend(Verdict.BLOCKED) == []
    turn(driven, False, True)
    (granted,) = driven.backend(Verdict.ACCEPTED)
    assert granted == AuthorizationGranted("g/cp1", "input_auth", "backend")


@pytest.mark.rule("B-060")
def test_where_the_whitelist_decides_it_decides_about_the_input_too():
    assert turn(Driven(Mode.WHITELIST, PLUGGED, inputs=(KEY,)), False, True) == []
    listed = Driven(Mode.WHITELIST, PLUGGED, inputs=(KEY,), whitelist=LISTED)
    assert turn(listed, False, True) == [AuthorizationGranted("g/cp1", "input_auth", "whitelist")]


@pytest.mark.parametrize(
    ("active_high", "levels"),
    [(True, (True,)), (True, (None, True)), (True, (False, False)), (False, (True, True)), (False, (False, True))],
)
def test_only_becoming_active_counts(active_high: bool, levels: tuple[bool | None, ...]):
    switch = replace(KEY, active_high=active_high)
    driven = Driven(Mode.WHITELIST, PLUGGED, inputs=(switch,), whitelist=LISTED)
    assert turn(driven, *levels) == []
    assert len(turn(driven, not active_high, active_high)) == 1


def test_another_input_and_a_point_that_is_taken_mean_nothing():
    driven = Driven(Mode.WHITELIST, point(1, session_tag="0F0F", charging=True), inputs=(KEY,), whitelist=LISTED)
    assert turn(driven, False, True) == []
    driven.tell(PLUGGED)
    assert turn(driven, False, True, number=4) == []


@pytest.mark.rule("B-061")
@pytest.mark.parametrize("stops", [False, True])
def test_by_setting_it_ends_the_session_it_began_too(stops: bool):
    driven = Driven(Mode.WHITELIST, PLUGGED, inputs=(replace(KEY, stops=stops),), whitelist=LISTED)
    assert len(turn(driven, False, True)) == 1
    driven.tell(point(1, plugged_since=990.0, session_tag="input_auth", charging=True, waiting_for_card=False))
    stop = StopSession("g/cp1", None, StopReason.LOCAL, "input_auth")
    assert turn(driven, False, True) == ([stop] if stops else [])
