"""The recloser of a charge point: its state, and its movement by order (B-215)."""

from __future__ import annotations

import pytest

from park.charging.reclosing import PATIENCE_SECONDS
from park.model.access import CLOSE, NOT_AVAILABLE, NOT_PRESENT, OPEN, CommandAnswer, Done, OrderRecloser, Refused
from park.model.evse import EvseLost, MoveRecloser
from tests.support.charge_point_harness import NAME, ChargePointHarness
from tests.support.probe import Probe


def ordered(park: ChargePointHarness, closed: bool | None) -> Probe[CommandAnswer]:
    answers = Probe[CommandAnswer]()
    park.send(OrderRecloser("r1", NAME, closed, answers))
    return answers


def with_recloser(*, closed: bool | None, stuck: bool = False) -> ChargePointHarness:
    park = ChargePointHarness()
    park.electronics.recloser_closed, park.electronics.stuck_recloser = closed, stuck
    park.report_changes()
    return park


@pytest.mark.rule("B-215")
@pytest.mark.parametrize(("closed", "word"), [(True, CLOSE), (False, OPEN)])
def test_its_state_is_told(closed: bool, word: str) -> None:
    park = with_recloser(closed=closed)
    assert ordered(park, None).messages == [Done("r1", word)]
    assert park.effects(MoveRecloser) == []


@pytest.mark.rule("B-215")
@pytest.mark.parametrize(("wanted", "word"), [(True, CLOSE), (False, OPEN)])
def test_it_is_told_to_have_moved_when_it_says_so(wanted: bool, word: str) -> None:
    park = with_recloser(closed=not wanted)
    assert ordered(park, wanted).messages == [Done("r1", word)]
    assert park.effects(MoveRecloser) == [MoveRecloser(NAME, wanted)]
    assert ordered(park, wanted).messages == [Done("r1", word)]
    assert len(park.effects(MoveRecloser)) == 1


@pytest.mark.rule("B-215")
def test_a_charge_point_without_one_says_so() -> None:
    assert ordered(with_recloser(closed=None), True).messages == [Refused("r1", NOT_PRESENT)]


@pytest.mark.rule("B-215", "B-225")
def test_one_that_does_not_move_in_time_is_not_available() -> None:
    park = with_recloser(closed=False, stuck=True)
    answers = ordered(park, True)
    assert ordered(park, None).messages == [Refused("r1", NOT_AVAILABLE)]  # it is busy
    park.advance(PATIENCE_SECONDS - 0.5)
    assert answers.messages == []
    park.advance(0.5)
    assert answers.messages == [Refused("r1", NOT_AVAILABLE)]


@pytest.mark.rule("B-215")
def test_without_the_electronics_it_is_not_available() -> None:
    park = with_recloser(closed=True)
    park.send(EvseLost(NAME, "cable cut"))
    assert ordered(park, None).messages == [Refused("r1", NOT_AVAILABLE)]
