"""Every message that may cross a link survives it, and garbage leaves nothing behind but a word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields

from nodes.exchange.codec import CROSSING, decode, encode
from nodes.exchange.shapes import Unreadable
from nodes.rpc import exchange_pb2 as pb
from park.exchange.session import Entry, Frame
from park.model.demand import CurrentSignalled

MICROSECONDS = st.integers(0, 7_000_000_000_000_000)  # until 2191
MOMENTS = MICROSECONDS.map(lambda each: datetime.fromtimestamp(0, UTC) + timedelta(microseconds=each))
NAMED = st.text(max_size=20)
SMALL = st.integers(0, 2**31 - 1)


def values(hint: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - made from annotations
    origin = get_origin(hint)
    if origin in {Union, UnionType}:
        return st.one_of(*(values(each) for each in get_args(hint)))
    if origin is tuple:
        inner = get_args(hint)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return st.lists(values(inner[0]), max_size=3).map(tuple)
        return st.tuples(*(values(each) for each in inner))
    simple: dict[Any, st.SearchStrategy[Any]] = {
        int: SMALL,
        float: st.floats(allow_nan=False, allow_infinity=False),
        str: NAMED,
        bytes: st.binary(max_size=50),
        bool: st.booleans(),
        datetime: MOMENTS,
        type(None): st.none(),
    }
    if hint in simple:
        return simple[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    return messages(hint)


def messages(kind: type) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, *(values(hints[field.name]) for field in fields(kind)))


@pytest.mark.parametrize("kind", CROSSING, ids=lambda kind: kind.__name__)
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_message_comes_out_as_it_went_in(kind: type, data: st.DataObject) -> None:
    frame = Frame(3, 2, 1.5, None, None, (Entry("bay/cp1", 1.25, data.draw(messages(kind))),))
    back, problems = decode(pb.Frame.FromString(encode(frame).SerializeToString()))
    assert back == frame
    assert problems == ()


def test_a_frame_keeps_its_numbers_and_its_echo() -> None:
    frame = Frame(0, 7, 100.0, 99.5, 100.25)
    assert decode(encode(frame)) == (frame, ())


def test_an_entry_of_a_newer_version_is_left_out_and_the_others_are_taken() -> None:
    message = encode(Frame(1, 0, 0.0, None, None, ()))
    message.entries.add(target="x", at=1.0)
    message.entries.add(at=2.0).fact_taken.id.journal = "j"
    frame, problems = decode(message)
    assert [type(entry.message).__name__ for entry in frame.entries] == ["FactTaken"]
    assert problems == ("an entry of a kind this version does not know",)


def test_unknown_fields_are_passed_over() -> None:
    unknown = pb.Frame(number=1).SerializeToString() + b"\xfa\x3f\x03abc"  # field 1023
    frame, problems = decode(pb.Frame.FromString(unknown))
    assert (frame.number, problems) == (1, ())


def test_a_board_that_knows_nothing_of_phases_says_that_all_may_carry_current() -> None:
    told = pb.CurrentSignalled(charge_point="bay/cp1", amps_ma=6_000, epoch=1, sequence=1, mono=5.0)
    (entry,) = decode(pb.Frame(entries=[pb.Entry(current_signalled=told)]))[0].entries
    assert isinstance(entry.message, CurrentSignalled)
    assert entry.message.phases == 0


def test_what_is_not_what_its_type_says_is_left_out_with_the_reason() -> None:
    message = pb.Frame(number=1)
    message.entries.add().current_signalled.mono = float("nan")
    message.entries.add().show_feedback.feedback = "fireworks"
    message.entries.add().fact_taken.SetInParent()
    frame, problems = decode(message)
    assert frame.entries == ()
    assert problems[0] == "current_signalled: mono is nan"
    assert problems[1].startswith("show_feedback: feedback is 'fireworks', not one of accepted")
    assert problems[2] == "fact_taken: id is missing"


@pytest.mark.parametrize("clock", [float("nan"), float("inf")])
def test_a_frame_without_a_clock_is_unreadable(clock: float) -> None:
    with pytest.raises(Unreadable, match="clock"):
        decode(pb.Frame(number=1, mono=clock))


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_of_anybody_raise_nothing_else(wire: bytes) -> None:
    try:
        message = pb.Frame.FromString(wire)
    except Exception:  # noqa: BLE001 - the library's own refusal, before anything of ours
        return
    try:
        decode(message)
    except Unreadable:
        return
