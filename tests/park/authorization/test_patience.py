"""After a start cards wait a while for a backend that has not been there yet (B-221)."""

from __future__ import annotations

import pytest

from park.authorization.settings import Mode, OfflineRule
from park.model.access import (
    AuthorizationGranted,
    AuthorizeWithBackend,
    BackendOnline,
    Feedback,
    SettingChanged,
    ShowFeedback,
    Verdict,
)
from tests.support.authorizer_harness import ADA, STRANGER, Driven, point

KEY, SECONDS = "OfflineFallbackAfterBoot", 120


def booted(seconds: int = SECONDS, **settings: object) -> Driven:
    """A board that has just started; a vehicle waits, and the backend is not there."""
    driven = Driven(Mode.BACKEND, point(plugged_since=999.0), **settings)
    driven.tell(BackendOnline(online=False))
    driven.tell(SettingChanged(KEY, seconds))
    driven.told.clear()
    return driven


def granted(driven: Driven) -> list[str]:
    return [each.id_tag for each in driven.told if isinstance(each, AuthorizationGranted)]


def feedback(driven: Driven) -> list[Feedback]:
    return [each.feedback for each in driven.told if isinstance(each, ShowFeedback)]


@pytest.mark.rule("B-221")
def test_a_card_that_is_known_here_is_accepted_without_the_backend_two_minutes_after_the_start() -> None:
    driven = booted()
    driven.swipe(ADA)
    driven.tell(BackendOnline(online=False))  # another attempt to connect has failed
    driven.wait(SECONDS - 1.0)
    assert (granted(driven), feedback(driven)) == ([], [Feedback.WAIT])
    driven.wait(1.0)
    assert granted(driven) == [ADA]


@pytest.mark.rule("B-221")
def test_after_that_time_nobody_waits() -> None:
    driven = booted()
    driven.wait(SECONDS)
    driven.swipe(ADA)
    assert granted(driven) == [ADA]


@pytest.mark.rule("B-221")
def test_a_backend_that_comes_in_time_decides() -> None:
    driven = booted()
    driven.swipe(ADA)
    assert not any(isinstance(each, AuthorizeWithBackend) for each in driven.told)
    driven.wait(60.0)
    driven.tell(BackendOnline(online=True))
    driven.backend(Verdict.BLOCKED)
    assert granted(driven) == []
    assert feedback(driven)[-1] is Feedback.REFUSED
    driven.wait(SECONDS)
    assert granted(driven) == []


def test_a_backend_that_was_there_and_left_is_not_waited_for() -> None:
    driven = booted()
    driven.tell(BackendOnline(online=True))
    driven.tell(BackendOnline(online=False))
    driven.swipe(ADA)
    assert granted(driven) == [ADA]


def test_a_backend_that_comes_and_does_not_answer_is_waited_for_as_usual() -> None:
    driven = booted()
    driven.swipe(ADA)
    driven.tell(BackendOnline(online=True))
    driven.wait(driven.settings.answer_seconds)
    assert granted(driven) == [ADA]


def test_vehicles_that_need_no_card_offline_wait_too() -> None:
    driven = booted(offline=OfflineRule.PLUGGED)
    driven.tell(point(plugged_since=999.0))
    driven.wait(SECONDS - 1.0)
    assert granted(driven) == []
    driven.wait(1.0)
    assert granted(driven) == ["FREE"]


def test_without_the_setting_and_with_none_any_more_nobody_waits() -> None:
    driven = booted(0)
    driven.swipe(ADA)
    assert granted(driven) == [ADA]
    driven = booted()
    driven.tell(SettingChanged(KEY, 0))
    driven.wait(0.0)
    driven.swipe(ADA)
    assert granted(driven) == [ADA]


def test_a_card_nobody_knows_is_refused_when_the_time_is_over() -> None:
    driven = booted()
    driven.swipe(STRANGER)
    driven.wait(SECONDS)
    assert feedback(driven) == [Feedback.WAIT, Feedback.REFUSED]
