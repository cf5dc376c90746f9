"""The authorizer's step: who may charge, where, and what holds without the backend."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.authorizer_harness import ADA, BOB, EVE, NOON, OLD, STRANGER, Driven, point, shown

from park.authorization.authorizer import Authorizer, AuthorizerEffect, step
from park.authorization.settings import AuthorizerSettings, Mode, OfflineRule, ReaderSettings
from park.model.access import (
    AuthorizationGranted,
    BackendAuthorized,
    BackendOnline,
    CardPresented,
    Done,
    Feedback,
    OccupancyChanged,
    Refused,
    SettingChanged,
    StopSession,
    Undeliverable,
    Verdict,
)
from park.model.session import StopReason
from park.model.signals import Start, Tick, WakeAt
from park.model.storage import Delete, Load, Put, Row, RowsLoaded, Write
from park.model.time import Now

# ---------------------------------------------------------------- whitelist


@pytest.mark.rule("B-400", "B-401")
@pytest.mark.parametrize(
    ("tag", "accepted"), [(ADA, True), (ADA.lower(), True), (BOB, True), (EVE, False), (OLD, False), (STRANGER, False)]
)
def test_the_whitelist_decides_by_entry_expiry_and_flag(tag: str, accepted: bool):
    driven = Driven(Mode.WHITELIST, point(plugged_since=990.0))
    expected: list[AuthorizerEffect] = [shown(Feedback.REFUSED)]
    if accepted:
        expected = [AuthorizationGranted("g/cp1", tag, "whitelist"), shown(Feedback.ACCEPTED)]
    assert driven.swipe(tag) == expected


def test_an_accepted_card_is_not_granted_twice_before_the_charge_point_speaks():
    driven = Driven(Mode.WHITELIST, point(plugged_since=990.0))
    driven.swipe(ADA)
    assert driven.swipe(BOB) == [shown(Feedback.IGNORED)]


# ---------------------------------------------------------------- free


@pytest.mark.rule("B-052", "B-053", "B-384")
def test_in_free_mode_a_plugged_vehicle_charges_under_the_free_tag():
    driven = Driven(Mode.FREE, point(), free_tag="GRATIS")
    assert driven.tell(point(plugged_since=1_000.0)) == [AuthorizationGranted("g/cp1", "GRATIS", "free")]


@pytest.mark.rule("B-133")
def test_a_connector_with_a_tag_of_its_own_charges_under_it_and_its_readers_start_nothing():
    driven = Driven(Mode.FREE, point(1), point(2), free_tag="GRATIS")
    driven.tell(SettingChanged("TaglessIdTag[1]", "TAGLESS1"))
    driven.tell(SettingChanged("TaglessIdTag[2]", ""))
    assert driven.tell(point(1, plugged_since=1_000.0)) == [AuthorizationGranted("g/cp1", "TAGLESS1", "free")]
    assert driven.tell(point(2, plugged_since=1_000.0)) == [AuthorizationGranted("g/cp2", "GRATIS", "free")]
    driven.tell(point(1))
    assert driven.swipe(ADA) == [shown(Feedback.IGNORED)]


@pytest.mark.parametrize("changes", [{"available": False}, {"session_tag": "FREE"}, {"waiting_for_card": False}])
def test_in_free_mode_a_point_that_takes_nobody_gets_no_grant(changes: dict[str, Any]):
    assert Driven(Mode.FREE).tell(point(plugged_since=1_000.0, **changes)) == []


def test_in_free_mode_cards_start_nothing():
    assert Driven(Mode.FREE, point()).swipe(ADA) == [shown(Feedback.IGNORED)]


# ---------------------------------------------------------------- routing

CHARGING = {"session_tag": "0F0F0F", "charging": True, "waiting_for_card": False, "plugged_since": 100.0}


@pytest.mark.parametrize(
    ("points", "where"),
    [
        pytest.param([point(1), point(2)], None, id="no vehicle", marks=pytest.mark.rule("B-274")),
        pytest.param([point(1), point(2, plugged_since=1.0)], 2, id="one", marks=pytest.mark.rule("B-275")),
        pytest.param(
            [point(1, **CHARGING), point(2, plugged_since=1.0)], 2, id="one more", marks=pytest.mark.rule("B-276")
        ),
        pytest.param(
            [point(1, plugged_since=990.0), point(2, plugged_since=940.0)],
            1,
            id="last",
            marks=pytest.mark.rule("B-277"),
        ),
        pytest.param(
            [point(1, plugged_since=939.0), point(2, plugged_since=930.0)],
            Feedback.UNCLEAR,
            id="old",
            marks=pytest.mark.rule("B-278"),
        ),
        pytest.param(
            [point(1, **CHARGING), point(2, **CHARGING)], None, id="two charge", marks=pytest.mark.rule("B-279")
        ),
        pytest.param([point(1, plugged_since=990.0, available=False), point(2)], None, id="faulted"),
        pytest.param([point(1), point(2, plugged_since=990.0, waiting_for_card=False)], None, id="finishing"),
    ],
)
def test_a_shared_reader_finds_the_vehicle_the_card_is_for(
    points: list[OccupancyChanged], where: int | Feedback | None
):
    effects = Driven(Mode.WHITELIST, *points).swipe(ADA, "hall")
    if not isinstance(where, int):
        assert effects == [shown(where or Feedback.IGNORED, "hall")]
    else:
        assert effects == [AuthorizationGranted(f"g/cp{where}", ADA, "whitelist"), shown(Feedback.ACCEPTED, "hall")]


@pytest.mark.rule("B-134", "B-352")
def test_a_reader_serves_only_its_charge_points():
    driven = Driven(Mode.WHITELIST, point(1, **CHARGING), point(2, plugged_since=990.0))
    assert driven.swipe(ADA, "door") == [shown(Feedback.IGNORED)]
    assert driven.swipe(ADA, "hall")[0] == AuthorizationGranted("g/cp2", ADA, "whitelist")


def test_a_reader_of_one_point_takes_the_card_before_the_vehicle():
    driven = Driven(Mode.WHITELIST, point())
    assert driven.swipe(ADA) == [AuthorizationGranted("g/cp1", ADA, "whitelist"), shown(Feedback.ACCEPTED)]
    assert driven.swipe(ADA) == [shown(Feedback.ACCEPTED)]


def test_a_card_at_an_unknown_reader_changes_nothing():
    assert Driven(Mode.WHITELIST, point()).swipe(ADA, "attic") == []


@pytest.mark.rule("B-280", "B-393")
def test_the_same_card_ends_its_session_also_among_others():
    mine = point(1, session_tag=ADA.lower(), plugged_since=100.0, charging=True, waiting_for_card=False)
    driven = Driven(Mode.WHITELIST, mine, point(2, plugged_since=990.0))
    stop = StopSession("g/cp1", None, StopReason.LOCAL, ADA)
    assert driven.swipe(ADA, "hall") == [stop, shown(Feedback.ACCEPTED, "hall")]


@pytest.mark.rule("B-272", "B-280")
def test_where_cards_do_not_stop_the_card_goes_to_the_next_vehicle():
    mine = point(1, session_tag=ADA, plugged_since=100.0, charging=True, waiting_for_card=False)
    driven = Driven(Mode.WHITELIST, mine, point(2, plugged_since=990.0), stop_with_card=False)
    assert driven.swipe(ADA, "hall")[0] == AuthorizationGranted("g/cp2", ADA, "whitelist")


# ---------------------------------------------------------------- backend


def test_the_backend_is_asked_and_its_word_holds():
    driven = Driven(Mode.BACKEND, point(plugged_since=990.0))
    assert driven.swipe(STRANGER) == [driven.question(), shown(Feedback.WAIT)]
    expiry = NOON + timedelta(days=1)
    assert driven.backend(Verdict.ACCEPTED, parent_tag="FLEET", expiry=expiry) == [
        AuthorizationGranted("g/cp1", STRANGER, "backend", "FLEET", expiry),
        shown(Feedback.ACCEPTED),
    ]


@pytest.mark.parametrize("verdict", [each for each in Verdict if each is not Verdict.ACCEPTED])
def test_a_refusal_of_the_backend_starts_nothing(verdict: Verdict):
    driven = Driven(Mode.BACKEND, point(plugged_since=990.0), offline=OfflineRule.ACCEPT)
    driven.swipe(ADA)
    assert driven.backend(verdict) == [shown(Feedback.REFUSED)]


def test_a_card_the_whitelist_blocks_is_not_even_asked_about():
    assert Driven(Mode.BACKEND, point(plugged_since=990.0)).swipe(EVE) == [shown(Feedback.REFUSED)]


def test_a_card_held_to_the_reader_again_is_asked_about_once():
    driven = Driven(Mode.BACKEND, point(plugged_since=990.0))
    driven.swipe(STRANGER)
    assert driven.swipe(STRANGER.lower()) == [shown(Feedback.WAIT)]


def test_while_a_card_is_asked_about_the_next_card_goes_to_the_other_vehicle():
    driven = Driven(Mode.BACKEND, point(1, plugged_since=990.0), point(2, plugged_since=980.0))
    driven.swipe(ADA, "hall")
    driven.swipe(BOB, "hall")
    assert [question.claim.charge_point for question in driven.state.questions] == ["g/cp1", "g/cp2"]


@pytest.mark.parametrize(
    "now_there",
    [
        point(plugged_since=None),
        point(plugged_since=1_001.0),
        point(plugged_since=990.0, available=False),
        point(plugged_since=990.0, session_tag="0F0F0F"),
    ],
)
def test_an_answer_for_a_vehicle_that_is_no_longer_there_starts_nothing(now_there: OccupancyChanged):
    driven = Driven(Mode.BACKEND, point(plugged_since=990.0))
    driven.swipe(STRANGER)
    driven.tell(now_there)
    assert driven.backend(Verdict.ACCEPTED) == [shown(Feedback.IGNORED)]


def test_a_vehicle_that_comes_while_its_card_is_asked_about_is_served():
    driven = Driven(Mode.BACKEND, point())
    driven.swipe(STRANGER)
    driven.tell(point(plugged_since=1_001.0))
    assert driven.backend(Verdict.ACCEPTED)[0] == AuthorizationGranted("g/cp1", STRANGER, "backend")


def test_an_answer_to_nobodys_question_starts_nothing():
    driven = Driven(Mode.BACKEND, point(plugged_since=990.0))
    driven.swipe(STRANGER)
    assert driven.tell(BackendAuthorized("authorize-of-old", STRANGER, Verdict.ACCEPTED)) == []
    assert driven.tell(BackendAuthorized(driven.question().request_id, ADA, Verdict.ACCEPTED)) == []
    assert driven.backend(Verdict.ACCEPTED)
    assert driven.backend(Verdict.ACCEPTED) == []


OFFLINE = [
    (OfflineRule.REFUSE, ADA, None),
    (OfflineRule.REFUSE, STRANGER, None),
    (OfflineRule.WHITELIST, ADA, "whitelist"),
    (OfflineRule.WHITELIST, OLD, None),
    (OfflineRule.WHITELIST, EVE, None),
    (OfflineRule.WHITELIST, STRANGER, None),
    (OfflineRule.ACCEPT, ADA, "whitelist"),
    (OfflineRule.ACCEPT, STRANGER, "offline"),
    (OfflineRule.ACCEPT, OLD, None),
    (OfflineRule.ACCEPT, EVE, None),
]


@pytest.mark.rule("B-115")
@pytest.mark.parametrize(("rule", "tag", "by"), OFFLINE)
@pytest.mark.parametrize("silence", ["offline", "no answer", "deadline", "undeliverable", "goes offline"])
def test_without_the_backend_the_offline_rule_decides(rule: OfflineRule, tag: str, by: str | None, silence: str):
    driven = Driven(Mode.BACKEND, point(plugged_since=990.0), offline=rule)
    if silence == "offline":
        driven.tell(BackendOnline(online=False))
    effects = driven.swipe(tag)
    if silence != "offline" and tag != EVE:
        assert driven.tell(Tick()) == []
        match silence:
            case "no answer":
                effects = driven.backend(None)
            case "deadline":
                driven.mono += 10.0
                effects = driven.tell(Tick())
            case "undeliverable":
                effects = driven.tell(Undeliverable(driven.question().request_id, "no link"))
            case _:
                effects = driven.tell(BackendOnline(online=False))
    expected: list[AuthorizerEffect] = [shown(Feedback.REFUSED)]
    if by:
        expected = [AuthorizationGranted("g/cp1", tag, by), shown(Feedback.ACCEPTED)]
    assert effects == expected
    assert driven.state.questions == ()


def test_a_card_the_backend_refused_does_not_start_offline_until_the_backend_accepts_it():
    """D4: a card known to be refused never starts."""
    driven = Driven(Mode.BACKEND, point(plugged_since=990.0), offline=OfflineRule.ACCEPT)
    driven.swipe(ADA)
    driven.backend(Verdict.INVALID)
    driven.tell(BackendOnline(online=False))
    assert driven.swipe(ADA.lower()) == [shown(Feedback.REFUSED)]
    driven.tell(BackendOnline(online=True))
    driven.swipe(ADA)
    driven.backend(Verdict.ACCEPTED)
    driven.mono += 60.0
    driven.tell(point(plugged_since=1_050.0))
    driven.tell(BackendOnline(online=False))
    assert driven.swipe(ADA)[0] == AuthorizationGranted("g/cp1", ADA, "whitelist")


# ---------------------------------------------------------------- remote start


@pytest.mark.rule("B-116")
def test_a_remote_start_without_authorization_starts_at_once():
    driven = Driven(Mode.BACKEND, point(plugged_since=990.0))
    assert driven.remote(1) == [AuthorizationGranted("g/cp1", STRANGER, "remote")]
    assert driven.slot.answers == [Done("order")]


@pytest.mark.rule("B-050", "B-116")
def test_a_remote_start_that_authorizes_first_asks_and_starts_only_on_acceptance():
    driven = Driven(Mode.BACKEND, point(plugged_since=990.0))
    assert driven.remote(1, first=True) == [driven.question()]
    assert driven.slot.answers == [Done("order")]
    assert driven.backend(Verdict.BLOCKED) == []
    driven.remote(1, first=True)
    assert driven.backend(Verdict.ACCEPTED) == [AuthorizationGranted("g/cp1", STRANGER, "remote")]


@pytest.mark.parametrize(
    ("connector", "points", "chosen"),
    [
        (1, [point(1)], 1),
        (0, [point(1, plugged_since=990.0)], None),
        (7, [point(1, plugged_since=990.0)], None),
        (1, [point(1, available=False)], None),
        (1, [point(1, **CHARGING)], None),
        (1, [point(1, waiting_for_card=False, plugged_since=990.0)], None),
        (None, [point(1), point(2)], None),
        (None, [point(1), point(2, plugged_since=1.0)], 2),
        (None, [point(1, plugged_since=980.0), point(2, plugged_since=990.0)], 2),
        (None, [point(1, plugged_since=1.0), point(2, plugged_since=2.0)], None),
        (None, [point(1, **CHARGING), point(2)], None),
    ],
)
def test_a_remote_start_finds_its_connector_or_is_refused(
    connector: int | None, points: list[OccupancyChanged], chosen: int | None
):
    driven = Driven(Mode.BACKEND, *points)
    granted = driven.remote(connector)
    if chosen is None:
        assert granted == []
        assert isinstance(driven.slot.answers[0], Refused)
    else:
        assert granted == [AuthorizationGranted(f"g/cp{chosen}", STRANGER, "remote")]
        assert driven.slot.answers == [Done("order")]


@pytest.mark.parametrize("first", [False, True])
def test_a_remote_start_with_a_blocked_tag_is_refused(first: bool):
    driven = Driven(Mode.BACKEND, point(plugged_since=990.0))
    assert driven.remote(1, EVE, first=first) == []
    assert isinstance(driven.slot.answers[0], Refused)


def test_a_remote_start_is_a_newer_word_of_the_backend_than_its_refusal():
    driven = Driven(Mode.BACKEND, point(plugged_since=990.0))
    driven.swipe(STRANGER)
    driven.backend(Verdict.INVALID)
    assert driven.remote(1) == [AuthorizationGranted("g/cp1", STRANGER, "remote")]


# ---------------------------------------------------------------- whatever comes

TAGS = st.sampled_from([ADA, BOB, EVE, OLD, STRANGER])
POINTS = st.builds(
    point,
    st.integers(1, 3),
    plugged_since=st.one_of(st.none(), st.floats(900, 1_100)),
    waiting_for_card=st.booleans(),
    session_tag=st.one_of(st.none(), TAGS),
    charging=st.booleans(),
    available=st.booleans(),
)
EVENTS = st.one_of(
    POINTS,
    st.builds(CardPresented, st.sampled_from(["door", "hall", "attic"]), TAGS),
    st.builds(BackendOnline, st.booleans()),
    st.tuples(st.one_of(st.none(), st.sampled_from(list(Verdict))), st.integers(0, 3)),
    st.builds(Tick),
    st.builds(Done, st.just("x")),
    st.builds(Refused, st.just("x"), st.just("no")),
    st.tuples(st.sampled_from([None, 0, 1, 2, 3, 9]), TAGS, st.booleans()),
)


@given(
    st.sampled_from(list(Mode)),
    st.sampled_from(list(OfflineRule)),
    st.lists(st.tuples(st.floats(0, 8), EVENTS), max_size=60),
)
def test_in_any_order_of_events_a_refused_tag_is_never_granted(
    mode: Mode, offline: OfflineRule, events: list[tuple[float, Any]]
):
    driven = Driven(mode, offline=offline, free_tag="GRATIS")
    refused: set[str] = set()
    for pause, event in events:
        driven.mono += pause
        occupied = {name: each for name, each in driven.state.occupancies.items() if each.session_tag is not None}
        match event:
            case (None | Verdict() as verdict, int() as number):
                if number >= len(driven.state.questions):
                    continue
                question = driven.state.questions[number]
                tag = question.claim.id_tag
                if verdict in {Verdict.BLOCKED, Verdict.EXPIRED, Verdict.INVALID}:
                    refused.add(tag)
                elif verdict is Verdict.ACCEPTED:
                    refused.discard(tag)
                effects = driven.tell(BackendAuthorized(question.request_id, tag, verdict))
            case (connector, tag, first):
                if not first:
                    refused.discard(tag)
                effects = driven.remote(connector, tag, first=first)
            case _:
                effects = driven.tell(event)
        for effect in effects:
            if isinstance(effect, AuthorizationGranted):
                assert effect.id_tag != EVE
                assert effect.charge_point not in occupied or isinstance(event, OccupancyChanged)
                if mode is Mode.BACKEND:
                    assert effect.id_tag not in refused
        points = [question.claim.charge_point for question in driven.state.questions]
        assert len(points) == len(set(points))
        assert all(question.deadline > driven.mono for question in driven.state.questions) or not isinstance(
            event, Tick
        )


def test_every_tick_asks_for_the_next_one():
    """What was asked for while an earlier tick was pending was not taken: the second driver's answer would not come."""
    driven = Driven(Mode.BACKEND, point(1, plugged_since=990.0), point(2, plugged_since=991.0))
    driven.tell(BackendOnline(online=True))
    driven.swipe(STRANGER)
    driven.mono += 5.0
    driven.swipe(OLD, "hall")
    first, second = (question.deadline for question in driven.state.questions)
    _, effects = step(driven.state, Tick(), Now(first, NOON))
    assert WakeAt(second) in effects


def test_a_refusal_of_the_backend_outlives_the_process() -> None:
    settings = AuthorizerSettings(Mode.BACKEND, OfflineRule.ACCEPT, readers=(ReaderSettings("door", ("*",)),))
    now = Now(0.0, datetime(2026, 1, 5, tzinfo=UTC))
    first, asked = step(Authorizer(settings), Start(), now)
    assert [effect for effect in asked if isinstance(effect, Load) and "refused_tags" in effect.tables]
    first, _ = step(first, RowsLoaded(()), now)
    first, kept = step(first, BackendAuthorized("", "04A1", Verdict.BLOCKED), now)
    (keep,) = [effect for effect in kept if isinstance(effect, Write)]
    rows = tuple(Row(put.table, put.key, put.body) for put in keep.writes if isinstance(put, Put))
    again, _ = step(Authorizer(settings), Start(), now)
    again, _ = step(again, RowsLoaded(rows), now)
    assert again.refused == first.refused == ("04a1",)
    again, lifted = step(again, BackendAuthorized("", "04A1", Verdict.ACCEPTED), now)
    assert Write((Delete("refused_tags", "04a1"),), 0) in lifted
    assert again.refused == ()
