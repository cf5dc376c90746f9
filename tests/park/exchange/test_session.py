"""A session over the worst wire: everything once, in order, with an age that is never too small."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from park.exchange.session import (
    ACK_FRAMES,
    ACK_SECONDS,
    BEAT_SECONDS,
    FRAME_ENTRIES,
    GATHER_SECONDS,
    LEISURE_SECONDS,
    RESEND_SECONDS,
    SILENT_SECONDS,
    URGENT_FRAMES,
    URGENT_SECONDS,
    WINDOW,
    Entry,
    Frame,
    Haste,
    Session,
)


def entry(message: object, at: float = 0.0) -> Entry:
    return Entry("", at, message)


def test_the_first_entry_leaves_at_once_and_the_next_ones_together() -> None:
    session = Session(0.0)
    session.push(entry("a", 1.0))
    (first,) = session.frames(1.0)
    assert [each.message for each in first.entries] == ["a"]
    session.push(entry("b", 1.001))
    session.push(entry("c", 1.002))
    assert session.frames(1.002) == []
    (second,) = session.frames(1.0 + GATHER_SECONDS)
    assert [each.message for each in second.entries] == ["b", "c"]


def test_a_level_that_waits_is_replaced_by_a_newer_one_and_facts_never_are() -> None:
    session = Session(0.0)
    session.push(entry("first", 0.0))
    session.frames(0.0)
    for number in range(3):
        session.push(entry(f"level {number}", 0.001), key="level")
        session.push(entry(f"fact {number}", 0.001))
    (frame,) = session.frames(1.0)
    assert [each.message for each in frame.entries] == ["fact 0", "fact 1", "level 2", "fact 2"]


def test_a_frame_holds_so_many_entries_and_the_window_so_many_frames() -> None:
    session = Session(0.0)
    for number in range(FRAME_ENTRIES * (WINDOW + 2)):
        session.push(entry(number))
    frames = session.frames(0.0)
    assert len(frames) == WINDOW
    assert all(len(frame.entries) == FRAME_ENTRIES for frame in frames)
    assert session.waiting() == 2 * FRAME_ENTRIES
    session.receive(Frame(0, WINDOW, 0.0, None, None), 0.1)
    assert [frame.number for frame in session.frames(0.1)] == [WINDOW + 1, WINDOW + 2]


def test_it_beats_once_a_second_and_acknowledges_sooner() -> None:
    session = Session(0.0)
    assert [frame.number for frame in session.frames(0.0)] == [0]
    assert session.due() == BEAT_SECONDS
    session.receive(Frame(1, 0, 5.0, None, None, (entry("x"),)), 0.2)
    assert session.due() == pytest.approx(0.2 + ACK_SECONDS)
    (ack,) = session.frames(0.2 + ACK_SECONDS)
    assert (ack.number, ack.ack, ack.echo, ack.echoed_at) == (0, 1, 5.0, 0.2)


def test_many_frames_are_acknowledged_long_before_the_window_of_the_sender_is_full() -> None:
    session = Session(0.0)
    session.frames(0.0)
    for number in range(1, ACK_FRAMES + 1):
        assert session.frames(0.1) == []
        session.receive(Frame(number, 0, 5.0, None, None, (entry("x"),)), 0.1)
    (ack,) = session.frames(0.1)
    assert ack.ack == ACK_FRAMES


def test_levels_that_are_taken_once_a_second_wait_longer_and_leave_with_whatever_leaves() -> None:
    session = Session(0.0)
    session.push(entry("first", 1.0), haste=Haste.LEISURELY)
    assert len(session.frames(1.0)) == 1
    session.push(entry("reading", 1.01), haste=Haste.LEISURELY)
    assert session.due() == pytest.approx(1.0 + LEISURE_SECONDS)
    session.push(entry("fact", 1.011))
    assert session.due() == pytest.approx(1.0 + GATHER_SECONDS)
    (frame,) = session.frames(1.0 + GATHER_SECONDS)
    assert [each.message for each in frame.entries] == ["reading", "fact"]


def test_what_is_not_acknowledged_is_sent_again_with_a_new_date_and_what_is_acknowledged_is_not() -> None:
    session = Session(0.0)
    session.push(entry("a"))
    session.frames(0.0)
    again = [frame for frame in session.frames(RESEND_SECONDS) if frame.number]
    assert [(frame.number, frame.mono) for frame in again] == [(1, RESEND_SECONDS)]
    session.receive(Frame(0, 1, 0.0, None, None), 2.5)
    assert [frame.number for frame in session.frames(2.5 + RESEND_SECONDS)] == [0]


def test_acknowledgements_of_what_was_never_sent_are_ignored() -> None:
    session = Session(0.0)
    session.push(entry("a"))
    session.frames(0.0)
    session.receive(Frame(0, 99, 0.0, None, None), 0.1)
    assert [frame.number for frame in session.frames(RESEND_SECONDS)] == [1]


def test_a_silent_peer_is_noticed_well_within_ten_seconds() -> None:
    session = Session(0.0)
    session.receive(Frame(0, 0, 0.0, None, None), 3.0)
    assert not session.is_silent(3.0 + SILENT_SECONDS - 0.01)
    assert session.is_silent(3.0 + SILENT_SECONDS)
    assert SILENT_SECONDS + BEAT_SECONDS <= 10.0


def test_age_is_unknown_until_the_peer_has_heard_us() -> None:
    session = Session(0.0)
    (early,) = session.receive(Frame(1, 0, 100.0, None, None, (entry("x", 100.0),)), 0.5)
    assert early.age(0.5) == float("inf")
    (dated,) = session.receive(Frame(2, 0, 101.0, 0.5, 100.5, (entry("y", 101.0),)), 1.2)
    assert dated.age(1.2) == pytest.approx(0.2)  # at 100.5 of its clock it was 0.5 of ours or later


@settings(max_examples=25, deadline=None)
@example(229, 0.33203125, 0.20703125, 1.2265625, 0.951171875)
@given(st.integers(0, 2**32), st.floats(0, 0.4), st.floats(0, 0.3), st.floats(0.0, 1.5), st.floats(0.95, 1.05))
def test_over_a_wire_that_loses_doubles_delays_and_reorders_all_comes_once_in_order_and_dated_safely(
    seed: int, loss: float, double: float, delay: float, rate: float
) -> None:
    draw = random.Random(seed)
    sender, receiver = Session(0.0), Session(0.0)
    skew = draw.uniform(-1e5, 1e5)

    def theirs(now: float) -> float:
        return skew + now * rate

    said: list[tuple[int, float]] = []
    heard: list[int] = []
    wire: list[tuple[float, int, bool, Frame]] = []
    number = 0
    for tick in range(3000):
        now = tick * 0.02
        if tick < 500 and draw.random() < 0.2:
            sender.push(entry((len(said), now), theirs(now)))
            said.append((len(said), now))
        for session, upwards, clock in ((sender, True, theirs(now)), (receiver, False, now)):
            for frame in session.frames(clock):
                copies = 0 if draw.random() < loss else 2 if draw.random() < double else 1
                for _ in range(copies):
                    number += 1
                    wire.append((now + draw.uniform(0, delay), number, upwards, frame))
        arrived = sorted(each for each in wire if each[0] <= now)
        wire = [each for each in wire if each[0] > now]
        for _, _, upwards, frame in arrived:
            if upwards:
                for each in receiver.receive(frame, now):
                    index, at = each.message  # pyright: ignore[reportGeneralTypeIssues]
                    heard.append(index)
                    assert each.age(now) >= (now - at) * min(rate, 1.0) - abs(rate - 1.0) * 15 - 1e-6
            else:
                sender.receive(frame, theirs(now))
    assert heard == [index for index, _ in said]


def test_the_lag_is_the_age_of_the_oldest_word_that_is_not_acknowledged() -> None:
    session = Session(0.0)
    assert session.lag(5.0) == 0.0
    session.push(entry("rules", 1.0))
    assert session.lag(1.5) == 0.5
    session.frames(1.5)
    assert session.lag(4.0) == 3.0
    session.receive(Frame(0, 1, 0.0, None, None), 4.0)
    assert session.lag(4.0) == 0.0


def test_what_is_urgent_does_not_wait_and_takes_along_what_waits():
    session = Session(0.0)
    session.push(Entry("", 1.0, "level"))
    session.frames(1.0)
    session.push(Entry("", 1.001, "another level"))
    assert session.frames(1.001) == []
    session.push(Entry("", 1.002, "grant"), haste=Haste.URGENT)
    (frame,) = session.frames(1.002)
    assert [entry.message for entry in frame.entries] == ["another level", "grant"]


@given(st.lists(st.floats(0.0, 0.01), min_size=1, max_size=300))
def test_the_urgent_ones_too_are_paced_and_wait_no_longer_than_others(pauses: list[float]):
    """No more frames than one each gather time and a few at once, whatever is urgent how often."""
    session, now, sent = Session(0.0), 1.0, list[float]()
    for number, pause in enumerate(pauses):
        now += pause
        while session.due() <= now and session.waiting():
            at = session.due()
            sent += [at for frame in session.frames(at) if frame.number]
            session.receive(Frame(0, len(sent), at, None, None), at)
        session.push(Entry("", now, number), haste=Haste.URGENT)
        sent += [now for frame in session.frames(now) if frame.number]
        session.receive(Frame(0, len(sent), now, None, None), now)
        assert session.due() <= now + URGENT_SECONDS + 1e-9 or not session.waiting()
    for first, at in enumerate(sent):
        within = [each for each in sent[first:] if each <= at + 10 * URGENT_SECONDS]
        assert len(within) <= URGENT_FRAMES + 12
