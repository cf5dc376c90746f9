"""The card reader's step: one presentation a card, one spelling a number."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from park.authorization.id_tags import normalised
from park.authorization.reader import (
    DefaultsWanted,
    Reader,
    ReaderEffect,
    ReaderEvent,
    RebootWanted,
    ServiceTags,
    step,
)
from park.model.access import CardPresented, Feedback, ReaderLost, ShowFeedback, TagRead
from park.model.signals import Start, Tick
from park.model.time import Now

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def run(*events: tuple[float, ReaderEvent]) -> list[ReaderEffect]:
    state, told = Reader("door"), list[ReaderEffect]()
    for mono, event in events:
        state, effects = step(state, event, Now(mono, NOON))
        told += effects
    return told


def read(uid: str) -> TagRead:
    return TagRead("door", uid)


@pytest.mark.parametrize(
    ("uid", "tag"),
    [
        ("04a1b2c3", "04A1B2C3"),
        ("04:A1:B2:C3", "04A1B2C3"),
        ("04-a1 b2-c3", "04A1B2C3"),
        ("0", "0"),
        ("F" * 20, "F" * 20),
        ("", None),
        (" : - ", None),
        ("F" * 21, None),
        ("04A1B2G3", None),
        ("04A1\x00B2", None),
        ("٠٤", None),
        ("🚗", None),
    ],
)
def test_a_number_becomes_an_id_tag_or_is_refused(uid: str, tag: str | None):
    """P10: CiString20 rules."""
    expected = ShowFeedback("door", Feedback.REFUSED) if tag is None else CardPresented("door", tag)
    assert run((0.0, Start()), (1.0, read(uid))) == [expected]


def test_a_card_left_on_the_reader_is_presented_once():
    assert run(*((n / 4, read("04A1B2C3")) for n in range(100))) == [CardPresented("door", "04A1B2C3")]


def test_the_same_card_after_two_seconds_is_a_new_presentation():
    assert len(run((0.0, read("04A1B2C3")), (1.9, read("04A1B2C3")), (3.9, read("04A1B2C3")))) == 2


def test_another_card_is_presented_at_once():
    assert run((0.0, read("0A")), (0.1, read("0B"))) == [CardPresented("door", "0A"), CardPresented("door", "0B")]


def test_a_lost_reader_says_nothing_and_works_again_with_the_next_card():
    state, effects = step(Reader("door"), ReaderLost("door", "cable"), Now(0.0, NOON))
    assert (state.lost, effects) == ("cable", ())
    state, effects = step(state, read("0A"), Now(1.0, NOON))
    assert (state.lost, effects) == (None, (CardPresented("door", "0A"),))


def test_feedback_is_passed_to_the_device():
    assert run((0.0, Tick()), (0.0, ShowFeedback("door", Feedback.WAIT))) == [ShowFeedback("door", Feedback.WAIT)]


@given(st.text(max_size=40))
def test_whatever_a_reader_sends_only_short_hexadecimal_passes(uid: str):
    tag = normalised(uid)
    assert tag is None or (0 < len(tag) <= 20 and tag == tag.upper() and int(tag, 16) >= 0)


# ---------------------------------------------------------------- service tags

SERVICE = ServiceTags("BBBB", ("DDDD", "EEEE"))
WAITS, OBEYED = ShowFeedback("door", Feedback.WAIT), ShowFeedback("door", Feedback.ACCEPTED)


def held(uid: str, seconds: float, tags: ServiceTags = SERVICE) -> list[ReaderEffect]:
    """What a card does that lies on the reader, read twice a second."""
    state, told = Reader("door", tags), list[ReaderEffect]()
    for half in range(int(seconds * 2) + 1):
        state, effects = step(state, read(uid), Now(100.0 + half / 2, NOON))
        told += effects
    return told


@pytest.mark.rule("B-045")
def test_the_reboot_tag_held_for_thirty_seconds_restarts_the_board_once():
    assert held("bb:bb", 29.5) == [WAITS]
    assert held("bb:bb", 100.0) == [WAITS, RebootWanted(), OBEYED]


@pytest.mark.rule("B-045")
def test_without_a_reboot_tag_it_is_a_card_like_others():
    assert held("BBBB", 100.0, ServiceTags()) == [CardPresented("door", "BBBB")]


@pytest.mark.rule("B-046")
@pytest.mark.parametrize("tag", ["DDDD", "EEEE"])
def test_a_tag_for_the_defaults_is_held_for_two_minutes(tag: str):
    assert held(tag, 119.5) == [WAITS]
    assert held(tag, 121.0) == [WAITS, DefaultsWanted(), OBEYED]


def test_a_service_tag_taken_away_begins_anew():
    state, told = Reader("door", SERVICE), list[ReaderEffect]()
    for second in (*range(20), *range(25, 54)):
        state, effects = step(state, read("BBBB"), Now(float(second), NOON))
        told += effects
    assert told == [WAITS, WAITS]
