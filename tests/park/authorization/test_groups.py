"""A card of the same group ends a session; that of another does not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from park.authorization.settings import Mode
from park.model.access import BackendOnline, Feedback, StopSession, Verdict
from park.model.listed import ListedTag, LocalListHeld
from tests.support.authorizer_harness import ADA, BOB, STRANGER, Driven, point, shown

CHARGING = point(1, plugged_since=900.0, session_tag=ADA, waiting_for_card=False, charging=True)


def charging(parent: str | None = "TEAM", *, online: bool = True) -> Driven:
    """Ada charges, accepted by the backend with this parent tag."""
    park = Driven(Mode.BACKEND, point(1, plugged_since=900.0))
    park.tell(BackendOnline(online=True))
    park.swipe(ADA)
    park.backend(Verdict.ACCEPTED, parent_tag=parent)
    park.tell(CHARGING)
    park.wait(10)
    park.tell(BackendOnline(online=online))
    park.told.clear()
    return park


def stops(park: Driven) -> list[StopSession]:
    return [each for each in park.told if isinstance(each, StopSession)]


@pytest.mark.rule("B-183")
def test_the_backend_is_asked_and_a_card_of_the_group_ends_the_session():
    park = charging()
    assert park.swipe(BOB)[-1] == shown(Feedback.WAIT)
    park.backend(Verdict.ACCEPTED, parent_tag="team")
    (stop,) = stops(park)
    assert (stop.charge_point, stop.session, stop.id_tag) == ("g/cp1", None, BOB)
    assert park.told[-1] == shown(Feedback.ACCEPTED)


@pytest.mark.parametrize(
    ("verdict", "parent", "feedback"),
    [
        (Verdict.ACCEPTED, "OTHERS", Feedback.IGNORED),
        (Verdict.ACCEPTED, None, Feedback.IGNORED),
        (Verdict.BLOCKED, "TEAM", Feedback.REFUSED),
        (None, None, Feedback.IGNORED),
    ],
)
def test_no_other_card_ends_it(verdict: Verdict | None, parent: str | None, feedback: Feedback):
    park = charging()
    park.swipe(STRANGER)
    park.backend(verdict, parent_tag=parent)
    assert stops(park) == []
    assert park.told[-1] == shown(feedback)


def test_the_own_card_ends_it_without_a_question():
    park = charging()
    park.swipe(ADA)
    assert len(stops(park)) == 1


def test_a_session_without_a_group_is_ended_by_its_own_card_alone():
    park = charging(None)
    assert park.swipe(BOB) == [shown(Feedback.IGNORED)]


def test_offline_the_list_tells_both_groups():
    park = charging(None, online=False)
    listed = tuple(ListedTag(tag.casefold(), Verdict.ACCEPTED, None, "TEAM") for tag in (ADA, BOB))
    park.tell(LocalListHeld(listed))
    assert park.swipe(STRANGER) == [shown(Feedback.IGNORED)]
    park.swipe(BOB)
    assert len(stops(park)) == 1


def test_a_reader_that_ends_nothing_ends_nothing_for_a_group_either():
    park = charging()
    readers = tuple(replace(each, stop_with_card=False) for each in park.state.settings.readers)
    park.state = replace(park.state, settings=replace(park.state.settings, readers=readers))
    assert park.swipe(BOB) == [shown(Feedback.IGNORED)]


def test_an_answer_that_comes_when_the_session_is_over_ends_nothing():
    park = charging()
    park.swipe(BOB)
    park.tell(replace(CHARGING, session_tag=None, charging=False, waiting_for_card=True))
    park.backend(Verdict.ACCEPTED, parent_tag="TEAM")
    assert stops(park) == []
