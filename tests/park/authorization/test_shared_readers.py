"""Readers that serve several charge points, of any board: which vehicle a card is for, and what its holder is shown."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from support.authorizer_harness import ADA, BOB, EVE, OLD, STRANGER, Driven, point, shown

from park.authorization.authorizer import AuthorizerEffect
from park.authorization.messages import ReadersAnnounced
from park.authorization.settings import Mode, OfflineRule, ReaderSettings, Several
from park.model.access import (
    AuthorizationGranted,
    BackendAuthorized,
    BackendOnline,
    Done,
    Feedback,
    OccupancyChanged,
    Refused,
    ShowFeedback,
    StopSession,
    Verdict,
)
from park.model.alarm import Alarm
from park.model.session import StopReason

HALL = ReaderSettings("hall", ("*",))
PATIENT = replace(HALL, remember_seconds=45.0)
CHARGING: dict[str, Any] = {
    "session_tag": "0F0F0F",
    "charging": True,
    "waiting_for_card": False,
    "plugged_since": 100.0,
}


def elsewhere(node: str, number: int = 1, **changes: object) -> OccupancyChanged:
    """A charge point of another board; its connector id is unique in the park."""
    return replace(point(number, **changes), charge_point=f"{node}/cp{number}")


def grant(charge_point: str, tag: str, by: str = "whitelist") -> AuthorizationGranted:
    return AuthorizationGranted(charge_point, tag, by)


def park(*points: OccupancyChanged, reader: ReaderSettings = HALL, **settings: object) -> Driven:
    return Driven(Mode.WHITELIST, *points, readers=(reader,), **settings)


# ---------------------------------------------------------------- several vehicles

CASES = [
    # reader's behaviour, seconds since each vehicle was plugged in, the point the card is for or what is shown
    pytest.param({}, [10.0, 30.0], 1, id="the last", marks=pytest.mark.rule("B-277")),
    pytest.param({}, [60.0, 3_000.0], 1, id="the last, just in time", marks=pytest.mark.rule("B-277")),
    pytest.param({}, [61.0, 70.0], Feedback.UNCLEAR, id="both long", marks=pytest.mark.rule("B-278")),
    pytest.param({"last_plugged_seconds": 300.0}, [61.0, 70.0], 1, id="a longer window"),
    pytest.param({"last_plugged_seconds": 5.0}, [10.0, 30.0], Feedback.UNCLEAR, id="a shorter window"),
    pytest.param({"several": Several.LAST}, [900.0, 600.0], 2, id="the last however long"),
    pytest.param({}, [5.0, 5.0], 1, id="at the same moment: the lower connector"),
    pytest.param({}, [40.0, 20.0, 30.0], 2, id="three"),
    pytest.param({"needs_vehicle": True}, [900.0], 1, id="one, however long", marks=pytest.mark.rule("B-275")),
]


@pytest.mark.parametrize(("behaviour", "ages", "expected"), CASES)
@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "reported backwards"])
def test_of_several_vehicles_one_is_meant_or_none(
    behaviour: dict[str, Any], ages: list[float], expected: int | Feedback, backwards: bool
):
    points = [point(n, plugged_since=1_000.0 - age) for n, age in enumerate(ages, 1)]
    driven = park(*(reversed(points) if backwards else points), reader=replace(HALL, **behaviour))
    effects = driven.swipe(ADA, "hall")
    if isinstance(expected, int):
        assert effects == [grant(f"g/cp{expected}", ADA), shown(Feedback.ACCEPTED, "hall")]
    else:
        assert effects == [shown(expected, "hall")]


def test_people_who_arrive_together_each_get_their_own_vehicle():
    """The last card goes to the last plugged, the next card to the next latest that waits."""
    driven = Driven(
        Mode.BACKEND,
        *(point(n, plugged_since=1_000.0 - 10 * n) for n in (1, 2, 3)),
        readers=(HALL,),
        offline=OfflineRule.ACCEPT,
    )
    driven.tell(BackendOnline(online=False))
    assert [driven.swipe(tag, "hall")[0] for tag in ("0A", "0B", "0C")] == [
        grant("g/cp1", "0A", "offline"),
        grant("g/cp2", "0B", "offline"),
        grant("g/cp3", "0C", "offline"),
    ]
    assert driven.swipe("0D", "hall") == [shown(Feedback.IGNORED, "hall")]


@pytest.mark.rule("B-279")
def test_where_all_charge_the_card_of_a_stranger_is_ignored():
    driven = park(point(1, **CHARGING), point(2, **CHARGING), reader=PATIENT)
    assert driven.swipe(ADA, "hall") == [shown(Feedback.IGNORED, "hall")]


# ---------------------------------------------------------------- no vehicle yet


@pytest.mark.rule("B-274")
def test_without_a_vehicle_the_card_is_ignored():
    driven = park(point(1), point(2))
    assert driven.swipe(ADA, "hall") == [shown(Feedback.IGNORED, "hall")]
    assert driven.tell(point(1, plugged_since=1_000.0)) == []


@pytest.mark.rule("B-353", "B-385")
def test_a_remembered_card_is_for_the_first_vehicle_that_comes_in_time():
    driven = park(point(1), point(2), reader=PATIENT)
    assert driven.swipe(ADA, "hall") == [shown(Feedback.WAIT, "hall")]
    driven.mono += 44.0
    assert driven.tell(point(2, plugged_since=1_044.0)) == [
        grant("g/cp2", ADA),
        shown(Feedback.ACCEPTED, "hall"),
    ]
    assert driven.tell(point(1, plugged_since=1_044.5)) == []
    assert driven.wait(10.0) == []


@pytest.mark.rule("B-353", "B-385")
def test_a_remembered_card_is_dropped_after_its_time_and_the_reader_says_so():
    driven = park(point(1), point(2), reader=PATIENT)
    driven.swipe(ADA, "hall")
    assert driven.wait(44.9) == []
    assert driven.wait(0.1) == [shown(Feedback.IGNORED, "hall")]
    assert driven.tell(point(1, plugged_since=driven.mono)) == []


def test_a_vehicle_that_comes_when_the_time_is_over_but_no_tick_came_yet_gets_nothing():
    driven = park(point(1), point(2), reader=PATIENT)
    driven.swipe(ADA, "hall")
    driven.mono += 45.0
    assert driven.tell(point(1, plugged_since=driven.mono)) == []


def test_remembered_cards_are_served_in_the_order_they_were_shown():
    driven = park(point(1), point(2), reader=PATIENT)
    driven.swipe(BOB, "hall")
    driven.swipe(ADA, "hall")
    assert driven.tell(point(2, plugged_since=1_001.0))[0] == grant("g/cp2", BOB)
    assert driven.tell(point(1, plugged_since=1_002.0))[0] == grant("g/cp1", ADA)


def test_a_remembered_card_shown_again_is_one_card():
    driven = park(point(1), point(2), reader=PATIENT)
    driven.swipe(ADA, "hall")
    driven.mono += 30.0
    driven.swipe(ADA, "hall")
    driven.mono += 30.0
    assert driven.tell(point(1, plugged_since=driven.mono)) == [grant("g/cp1", ADA), shown(Feedback.ACCEPTED, "hall")]
    assert driven.tell(point(2, plugged_since=driven.mono)) == []


@pytest.mark.parametrize("vehicle", [None, 1_001.0])
def test_a_remembered_card_whose_start_the_backend_orders_meanwhile_waits_no_longer(vehicle: float | None):
    driven = Driven(Mode.BACKEND, point(1), point(2), readers=(PATIENT,))
    driven.swipe(ADA, "hall")
    assert driven.remote(2, ADA) == [grant("g/cp2", ADA, "remote")]
    driven.tell(point(2, session_tag=ADA, waiting_for_card=False, plugged_since=vehicle))
    assert shown(Feedback.ACCEPTED, "hall") in driven.swipe(ADA, "hall")
    assert driven.tell(point(1, plugged_since=1_002.0)) == []


def test_a_remembered_card_that_would_be_refused_by_now_is_refused_when_shown_again():
    driven = Driven(Mode.BACKEND, point(1), point(2), readers=(PATIENT,), offline=OfflineRule.REFUSE)
    driven.swipe(ADA, "hall")
    driven.tell(BackendOnline(online=False))
    assert driven.swipe(ADA, "hall") == [shown(Feedback.REFUSED, "hall")]
    assert driven.wait(60.0) == []


def test_a_remembered_card_shown_again_while_no_point_is_free_still_waits():
    driven = park(point(1), point(2), reader=PATIENT)
    driven.swipe(ADA, "hall")
    driven.tell(point(1, **CHARGING))
    driven.tell(point(2, **CHARGING))
    assert driven.swipe(ADA, "hall") == [shown(Feedback.WAIT, "hall")]
    driven.tell(point(2))
    assert driven.tell(point(2, plugged_since=1_001.0))[0] == grant("g/cp2", ADA)


@pytest.mark.parametrize("tag", [EVE, OLD, STRANGER])
def test_a_card_that_would_be_refused_is_not_remembered(tag: str):
    driven = park(point(1), point(2), reader=PATIENT)
    assert driven.swipe(tag, "hall") == [shown(Feedback.REFUSED, "hall")]


def test_when_the_first_remembered_card_is_refused_the_vehicle_is_for_the_next():
    driven = Driven(Mode.BACKEND, point(1), point(2), readers=(PATIENT,))
    driven.swipe(ADA, "hall")
    driven.swipe(BOB, "hall")
    driven.tell(point(1, plugged_since=1_000.0))
    assert driven.question().id_tag == ADA
    effects = driven.backend(Verdict.INVALID)
    assert effects == [shown(Feedback.REFUSED, "hall"), driven.question(), shown(Feedback.WAIT, "hall")]
    assert driven.question().id_tag == BOB
    assert driven.backend(Verdict.ACCEPTED) == [grant("g/cp1", BOB, "backend"), shown(Feedback.ACCEPTED, "hall")]


def test_of_two_vehicles_that_are_free_at_once_the_first_plugged_is_for_the_remembered_card():
    driven = Driven(
        Mode.BACKEND, point(1, plugged_since=990.0), point(2, plugged_since=985.0), point(3), readers=(PATIENT,)
    )
    for tag in ("0A", "0B", ADA):
        driven.swipe(tag, "hall")
    assert [card.id_tag for card in driven.state.remembered] == [ADA]
    assert driven.tell(BackendOnline(online=False)) == [
        shown(Feedback.REFUSED, "hall"),
        shown(Feedback.REFUSED, "hall"),
        grant("g/cp2", ADA),
        shown(Feedback.ACCEPTED, "hall"),
    ]


def test_cards_that_wait_are_bounded():
    driven = Driven(Mode.BACKEND, point(1), point(2), readers=(PATIENT,))
    shows = [driven.swipe(f"{n:04X}", "hall")[0] for n in range(100)]
    assert shows.count(shown(Feedback.WAIT, "hall")) == len(driven.state.remembered) == 32
    assert shows.count(shown(Feedback.IGNORED, "hall")) == 68


@pytest.mark.rule("B-272")
def test_a_reader_that_needs_a_vehicle_ignores_a_card_before_it():
    alone = ReaderSettings("hall", ("g/cp1",), needs_vehicle=True)
    driven = park(point(1), reader=alone)
    assert driven.swipe(ADA, "hall") == [shown(Feedback.IGNORED, "hall")]
    driven.tell(point(1, plugged_since=1_000.0))
    assert driven.swipe(ADA, "hall")[0] == grant("g/cp1", ADA)


def test_a_shared_reader_stays_one_while_only_one_of_its_points_has_reported():
    driven = park(point(1), reader=ReaderSettings("hall", ("g/cp1", "g/cp2")))
    assert driven.swipe(ADA, "hall") == [shown(Feedback.IGNORED, "hall")]
    driven = park(point(1), charge_points=("g/cp1", "g/cp2"))
    assert driven.swipe(ADA, "hall") == [shown(Feedback.IGNORED, "hall")]


# ---------------------------------------------------------------- stopping


@pytest.mark.rule("B-280", "B-393")
@pytest.mark.parametrize(
    ("at_the_reader", "in_the_park", "stops"), [(True, True, True), (False, True, False), (True, False, False)]
)
def test_the_same_card_ends_its_session_where_reader_and_park_allow_it(
    at_the_reader: bool, in_the_park: bool, stops: bool
):
    mine = point(1, **{**CHARGING, "session_tag": ADA})
    driven = park(mine, reader=replace(HALL, stop_with_card=at_the_reader), stop_with_card=in_the_park)
    expected: list[AuthorizerEffect] = [shown(Feedback.IGNORED, "hall")]
    if stops:
        expected = [StopSession("g/cp1", None, StopReason.LOCAL, ADA), shown(Feedback.ACCEPTED, "hall")]
    assert driven.swipe(ADA, "hall") == expected


# ---------------------------------------------------------------- one card, two readers; two cards, one point

TWO_READERS = (ReaderSettings("left", ("*",)), ReaderSettings("right", ("*",)))


def test_one_card_at_two_readers_within_a_second_is_one_wish():
    driven = Driven(Mode.WHITELIST, point(1, plugged_since=990.0), point(2), readers=TWO_READERS)
    assert driven.swipe(ADA, "left")[0] == grant("g/cp1", ADA)
    driven.mono += 0.9
    assert driven.swipe(ADA, "right") == [shown(Feedback.ACCEPTED, "right")]
    driven.mono += 0.2
    assert isinstance(driven.swipe(ADA, "right")[0], StopSession)
    driven.mono += 0.5
    assert driven.swipe(ADA, "left") == [shown(Feedback.ACCEPTED, "left")]


def test_a_card_asked_about_at_one_reader_is_answered_at_both():
    driven = Driven(Mode.BACKEND, point(1, plugged_since=990.0), readers=TWO_READERS)
    driven.swipe(STRANGER, "left")
    assert driven.swipe(STRANGER, "right") == [shown(Feedback.WAIT, "right")]
    assert len(driven.state.questions) == 1
    assert driven.backend(Verdict.ACCEPTED) == [
        grant("g/cp1", STRANGER, "backend"),
        shown(Feedback.ACCEPTED, "left"),
        shown(Feedback.ACCEPTED, "right"),
    ]


def test_of_two_cards_for_one_point_the_first_is_asked_about_and_the_second_ignored():
    driven = Driven(Mode.BACKEND, point(1, plugged_since=990.0), readers=TWO_READERS)
    driven.swipe(ADA, "left")
    assert driven.swipe(BOB, "right") == [shown(Feedback.IGNORED, "right")]
    assert driven.backend(Verdict.BLOCKED) == [shown(Feedback.REFUSED, "left")]
    assert driven.swipe(BOB, "right") == [driven.question(), shown(Feedback.WAIT, "right")]


def test_a_card_remembered_at_one_reader_that_starts_at_another_is_answered_at_both():
    left, right = ReaderSettings("left", ("g/cp1", "g/cp2"), remember_seconds=45.0), ReaderSettings("right", ("g/cp3",))
    driven = Driven(Mode.WHITELIST, point(1), point(2), point(3), readers=(left, right))
    driven.swipe(ADA, "left")
    assert driven.swipe(ADA, "right") == [
        grant("g/cp3", ADA),
        shown(Feedback.ACCEPTED, "right"),
        shown(Feedback.ACCEPTED, "left"),
    ]
    assert driven.tell(point(1, plugged_since=1_001.0)) == []


def test_a_vehicle_that_leaves_before_the_verdict_is_not_charged_for():
    driven = Driven(Mode.BACKEND, point(1, plugged_since=990.0), point(2), readers=TWO_READERS)
    driven.swipe(ADA, "left")
    driven.tell(point(1))
    driven.tell(point(1, plugged_since=1_002.0))
    assert driven.backend(Verdict.ACCEPTED) == [shown(Feedback.IGNORED, "left")]


def test_a_vehicle_whose_board_corrects_its_clock_is_still_the_same():
    driven = Driven(Mode.BACKEND, point(1, plugged_since=990.0), point(2), readers=TWO_READERS)
    driven.swipe(ADA, "left")
    driven.tell(point(1, plugged_since=990.004))
    assert driven.backend(Verdict.ACCEPTED)[0] == grant("g/cp1", ADA, "backend")


def test_a_point_taken_by_the_backend_meanwhile_is_not_granted_again():
    driven = Driven(Mode.BACKEND, point(1, plugged_since=990.0), point(2), readers=TWO_READERS)
    driven.swipe(ADA, "left")
    driven.tell(point(1, plugged_since=990.0, session_tag="0F0F0F", waiting_for_card=False))
    assert driven.backend(Verdict.ACCEPTED) == [shown(Feedback.IGNORED, "left")]


def test_while_a_card_is_asked_about_the_backend_cannot_take_its_point():
    driven = Driven(Mode.BACKEND, point(1, plugged_since=990.0), readers=TWO_READERS)
    driven.swipe(ADA, "left")
    asked = driven.question()
    assert driven.remote(1) == []
    assert isinstance(driven.slot.answers[-1], Refused)
    assert driven.tell(BackendAuthorized(asked.request_id, ADA, Verdict.ACCEPTED))[0] == grant("g/cp1", ADA, "backend")


def test_a_card_whose_start_the_backend_has_just_ordered_is_shown_the_answer():
    driven = Driven(Mode.BACKEND, point(1, plugged_since=990.0), readers=TWO_READERS)
    driven.remote(1, ADA, first=True)
    assert driven.slot.answers == [Done("order")]
    assert driven.swipe(ADA, "left") == [shown(Feedback.WAIT, "left")]
    assert driven.backend(Verdict.ACCEPTED) == [grant("g/cp1", ADA, "remote"), shown(Feedback.ACCEPTED, "left")]


# ---------------------------------------------------------------- readers of other boards


def announced(*serves: str, node: str = "bay-a") -> ReadersAnnounced:
    return ReadersAnnounced(node, (ReaderSettings("pillar", serves),))


@pytest.mark.rule("B-049", "B-135", "B-352")
@pytest.mark.parametrize(
    ("serves", "where"),
    [
        (("*",), "bay-b/cp2"),
        (("bay-b/cp2",), "bay-b/cp2"),
        (("cp3",), "bay-a/cp3"),
        (("cp3", "bay-b/cp2"), "bay-b/cp2"),
    ],
)
def test_the_reader_of_a_board_serves_charge_points_of_any_board(serves: tuple[str, ...], where: str):
    driven = Driven(
        Mode.WHITELIST, point(1), elsewhere("bay-b", 2, plugged_since=990.0), elsewhere("bay-a", 3, plugged_since=980.0)
    )
    assert driven.tell(announced(*serves)) == []
    assert driven.swipe(ADA, "bay-a/pillar") == [grant(where, ADA), shown(Feedback.ACCEPTED, "bay-a/pillar")]


@pytest.mark.rule("B-049")
def test_the_one_backend_link_starts_and_cards_stop_on_all_of_many_boards():
    boards = [elsewhere(f"bay-{n}", n, plugged_since=100.0 * n) for n in range(1, 6)]
    driven = Driven(Mode.BACKEND, *boards)
    for n in range(1, 6):
        assert driven.remote(n, f"0{n}") == [grant(f"bay-{n}/cp{n}", f"0{n}", "remote")]
    driven.tell(announced("*", node="bay-9"))
    assert driven.swipe("04", "bay-9/pillar") == [
        StopSession("bay-4/cp4", None, StopReason.LOCAL, "04"),
        shown(Feedback.ACCEPTED, "bay-9/pillar"),
    ]


@pytest.mark.rule("B-273")
def test_a_reader_serves_more_than_three_boards():
    boards = [elsewhere(f"bay-{n}", n) for n in range(1, 8)]
    driven = Driven(Mode.WHITELIST, *boards)
    driven.tell(announced(*(each.charge_point for each in boards)))
    driven.tell(elsewhere("bay-7", 7, plugged_since=999.0))
    assert driven.swipe(ADA, "bay-a/pillar")[0] == grant("bay-7/cp7", ADA)


def test_an_announcement_replaces_what_was_known_of_the_board():
    driven = Driven(Mode.WHITELIST, point(1, plugged_since=990.0))
    driven.tell(announced("g/cp1"))
    driven.tell(ReadersAnnounced("bay-a", (ReaderSettings("bay-a/gate", ("g/cp1",)),)))
    assert driven.swipe(ADA, "bay-a/pillar") == [shown(Feedback.IGNORED, "bay-a/pillar")]
    assert driven.swipe(ADA, "bay-a/gate")[0] == grant("g/cp1", ADA)


def test_a_board_cannot_announce_the_reader_of_another():
    driven = Driven(Mode.WHITELIST, point(1, plugged_since=990.0))
    driven.tell(ReadersAnnounced("bay-a", (ReaderSettings("bay-b/gate", ("*",)), ReaderSettings("door", ("*",)))))
    assert driven.swipe(ADA, "bay-b/gate") == [shown(Feedback.IGNORED, "bay-b/gate")]
    assert [each.name for each in driven.state.boards["bay-a"]] == ["bay-a/gate", "bay-a/door"]


@pytest.mark.parametrize(
    ("serves", "named", "effect"),
    [
        (("*",), None, None),
        (("g/cp1",), None, None),
        (("g/cp1", "cp8"), "bay-a/cp8", "the others are served"),
        (("cp8", "bay-z/cp9"), "bay-a/cp8, bay-z/cp9", "its cards are ignored"),
    ],
)
def test_what_a_reader_serves_in_vain_is_said_once(serves: tuple[str, ...], named: str | None, effect: str | None):
    driven = Driven(Mode.WHITELIST, point(1), charge_points=("g/cp1", "bay-a/cp1"))
    said = driven.tell(announced(*serves))
    if named is None:
        assert said == []
        return
    (alarm,) = said
    assert isinstance(alarm, Alarm)
    assert alarm.code == "reader-serves-bay-a/pillar"
    assert f"reader bay-a/pillar serves {named}, which" in alarm.text
    assert effect is not None
    assert effect in alarm.text
    assert driven.tell(announced(*serves)) == []


def test_a_reader_that_serves_nobody_answers_its_cards():
    driven = Driven(Mode.WHITELIST, point(1, plugged_since=990.0))
    driven.tell(announced("cp8"))
    assert driven.swipe(ADA, "bay-a/pillar") == [shown(Feedback.IGNORED, "bay-a/pillar")]


def test_the_points_of_a_board_that_is_away_take_no_card():
    away, there = elsewhere("bay-a", 1, plugged_since=990.0), elsewhere("bay-b", 2, plugged_since=1.0)
    driven = Driven(Mode.WHITELIST, away, there)
    driven.tell(replace(away, available=False))
    assert driven.swipe(ADA, "hall")[0] == grant("bay-b/cp2", ADA)


@pytest.mark.rule("B-134")
def test_with_one_reader_out_of_use_the_other_serves_both_connectors():
    both = ReaderSettings("first", ("g/cp1", "g/cp2"))
    driven = Driven(Mode.WHITELIST, point(1, plugged_since=10.0), readers=(both,))
    assert driven.swipe(ADA, "first")[0] == grant("g/cp1", ADA)
    driven.tell(point(2, plugged_since=999.0))
    assert driven.swipe(BOB, "first")[0] == grant("g/cp2", BOB)


def test_the_answer_goes_to_the_reader_the_card_was_shown_at():
    driven = Driven(Mode.BACKEND, point(1, plugged_since=990.0), point(2, plugged_since=985.0))
    driven.tell(announced("*"))
    driven.swipe(ADA, "bay-a/pillar")
    first = driven.question()
    driven.swipe(BOB, "hall")
    assert driven.backend(Verdict.INVALID) == [shown(Feedback.REFUSED, "hall")]
    effects = driven.tell(BackendAuthorized(first.request_id, ADA, Verdict.ACCEPTED))
    assert [each for each in effects if isinstance(each, ShowFeedback)] == [shown(Feedback.ACCEPTED, "bay-a/pillar")]
