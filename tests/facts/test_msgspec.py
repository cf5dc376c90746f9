"""msgspec 0.22: what messages, effects and states stand on."""

from __future__ import annotations

from copy import copy
from typing import ClassVar

import pytest
from msgspec import DecodeError, Struct, field
from msgspec.json import Decoder, encode
from msgspec.structs import fields, force_setattr, replace


class Told(Struct, frozen=True):
    delivery: ClassVar[str] = "fact"

    point: str
    amps_ma: int = 0


class Other(Struct, frozen=True):
    point: str
    amps_ma: int = 0


class Kept(Struct):
    seen: dict[str, int] = field(default_factory=dict[str, int])


class Derived(Struct, frozen=True):
    number: int
    twice: int = 0

    def __post_init__(self) -> None:
        force_setattr(self, "twice", 2 * self.number)


def test_a_frozen_struct_cannot_be_changed_and_is_a_key():
    told = Told("cp1", 6000)
    with pytest.raises(AttributeError):
        told.amps_ma = 7000  # pyright: ignore[reportAttributeAccessIssue]
    assert {told: 1}[Told("cp1", 6000)] == 1


def test_structs_of_different_classes_are_never_equal():
    assert Told("cp1") != Other("cp1")


def test_class_variables_are_no_fields():
    assert [each.name for each in fields(Told)] == ["point", "amps_ma"]
    assert repr(Told("cp1")) == "Told(point='cp1', amps_ma=0)"


def test_each_object_has_a_default_of_its_own():
    first, second = Kept(), Kept()
    first.seen["x"] = 1
    assert second.seen == {}
    assert copy(first).seen is first.seen, "a copy is shallow"


def test_what_follows_from_other_fields_follows_after_replace_too():
    assert replace(Derived(1), number=3).twice == 6


@pytest.mark.parametrize("body", ['{"point": 1}', '{"amps_ma": 1}', "{", ""])
def test_what_does_not_fit_is_one_kind_of_error(body: str):
    with pytest.raises(DecodeError):
        Decoder(Told).decode(body)


def test_what_is_written_is_read():
    assert Decoder(Told).decode(encode(Told("cp1", 5)) + b" ") == Told("cp1", 5)
    assert Decoder(Told).decode('{"point": "cp1", "newer": true}') == Told("cp1"), "a newer version may say more"
