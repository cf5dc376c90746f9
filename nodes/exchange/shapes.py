"""Structs as protobuf messages of the same name and fields: one rule instead of forty pairs of functions."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from msgspec import Struct
from msgspec.structs import fields

from park.model.electric import PerPhase

Put = Callable[[Any, Any], None]
Get = Callable[[Any], Any]
Pair = tuple[Put, Get]


class Unreadable(ValueError):
    """A message that is not what its type says; the text names the field."""


class Shape:
    """How one struct is written to and read from its message."""

    __slots__ = ("_cls", "_gets", "_puts")

    def __init__(self, cls: type[Struct], descriptor: Descriptor) -> None:
        hints = typing.get_type_hints(cls)
        pairs = [_pair(cls, descriptor, field.name, hints[field.name]) for field in fields(cls)]
        self._cls = cls
        self._puts = tuple((field.name, pair[0]) for field, pair in zip(fields(cls), pairs, strict=True))
        self._gets = tuple(pair[1] for pair in pairs)

    def write(self, message: Message, value: object) -> None:
        message.SetInParent()
        for name, put in self._puts:
            put(message, getattr(value, name))

    def read(self, message: Message) -> Any:  # noqa: ANN401 - an instance of the struct
        """Raise Unreadable for what is missing, unknown or not a number."""
        return self._cls(*[get(message) for get in self._gets])


@cache
def shape(cls: type[Struct], descriptor: Descriptor) -> Shape:
    """Raise TypeError when class and message differ: a defect of ours, found by the tests."""
    return Shape(cls, descriptor)


def _pair(cls: type, descriptor: Descriptor, name: str, hint: object) -> Pair:
    members = _members(hint)
    optional = type(None) in members
    kinds = [member for member in members if member is not type(None)]
    if hint == PerPhase or (optional and kinds == [PerPhase]):
        return _per_phase(name, optional=optional)
    if len(kinds) > 1:
        return _union(cls, descriptor, name, kinds)
    field = descriptor.fields_by_name.get(name)
    if field is None:
        raise TypeError(f"{descriptor.full_name} has no field {name} of {cls.__name__}")
    kind = kinds[0]
    if typing.get_origin(kind) is tuple:
        return _repeated(field, name, typing.get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _nested(shape(kind, cast("Descriptor", field.message_type)), name, optional=optional)
    return _scalar(name, cast("type", kind), optional=optional)


def _members(hint: object) -> tuple[Any, ...]:
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        return typing.get_args(hint)
    return (hint,)


def _scalar(name: str, kind: type, *, optional: bool) -> Pair:
    if kind is datetime:
        put, get = _moment(name)
    elif issubclass(kind, Enum):
        put, get = _named(name, kind)
    elif kind is float:
        put, get = _plain(name)[0], _finite(name)
    else:
        put, get = _plain(name)
    if not optional:
        return put, get
    return (
        lambda message, value: None if value is None else put(message, value),
        lambda message: get(message) if message.HasField(name) else None,
    )


def _plain(name: str) -> Pair:
    return lambda message, value: setattr(message, name, value), lambda message: getattr(message, name)


def _finite(name: str) -> Get:
    def get(message: Message) -> float:
        value = getattr(message, name)
        if not math.isfinite(value):
            raise Unreadable(f"{name} is {value}")
        return value

    return get


def _named(name: str, kind: type[Enum]) -> Pair:
    values = {member.value: member for member in kind}

    def get(message: Message) -> Enum:
        try:
            return values[getattr(message, name)]
        except KeyError as unknown:
            raise Unreadable(f"{name} is {unknown}, not one of {', '.join(map(str, values))}") from None

    return lambda message, value: setattr(message, name, value.value), get


def _moment(name: str) -> Pair:
    def get(message: Message) -> datetime:
        try:
            return getattr(message, name).ToDatetime(tzinfo=UTC)
        except (ValueError, OverflowError) as error:
            raise Unreadable(f"{name} is not a time: {error}") from None

    return lambda message, value: getattr(message, name).FromDatetime(value), get


def _per_phase(name: str, *, optional: bool) -> Pair:
    def put(message: Message, value: PerPhase | None) -> None:
        if value is not None:
            sub = getattr(message, name)
            sub.SetInParent()
            sub.l1, sub.l2, sub.l3 = value

    def get(message: Message) -> PerPhase | None:
        if not message.HasField(name):
            if optional:
                return None
            raise Unreadable(f"{name} is missing")
        sub = getattr(message, name)
        return (sub.l1, sub.l2, sub.l3)

    return put, get


def _repeated(field: FieldDescriptor, name: str, kind: type) -> Pair:
    if not issubclass(kind, Struct):
        return lambda message, value: getattr(message, name).extend(value), lambda message: tuple(
            getattr(message, name)
        )
    item = shape(kind, cast("Descriptor", field.message_type))

    def put(message: Message, value: tuple[object, ...]) -> None:
        added = getattr(message, name)
        for each in value:
            item.write(added.add(), each)

    return put, lambda message: tuple(item.read(each) for each in getattr(message, name))


def _nested(item: Shape, name: str, *, optional: bool) -> Pair:
    def put(message: Message, value: object) -> None:
        if value is not None:
            item.write(getattr(message, name), value)

    def get(message: Message) -> object:
        if message.HasField(name):
            return item.read(getattr(message, name))
        if optional:
            return None
        raise Unreadable(f"{name} is missing")

    return put, get


UNION_NAMES: dict[type, str] = {int: "number", bool: "flag", str: "text"}
"""Members of a oneof for types that are no messages."""


def _union(cls: type, descriptor: Descriptor, name: str, kinds: list[type]) -> Pair:
    oneof = descriptor.oneofs_by_name.get(name)
    if oneof is None:
        raise TypeError(f"{descriptor.full_name} has no oneof {name} of {cls.__name__}")
    pairs = {kind: _member(descriptor, kind) for kind in kinds}
    by_field = {UNION_NAMES.get(kind) or snake(kind.__name__): pair[1] for kind, pair in pairs.items()}

    def get(message: Message) -> object:
        which = message.WhichOneof(name)
        if which is None or which not in by_field:
            raise Unreadable(f"{name} is missing or of a kind this version does not know")
        return by_field[which](message)

    return lambda message, value: pairs[type(value)][0](message, value), get


def _member(descriptor: Descriptor, kind: type) -> Pair:
    if not issubclass(kind, Struct):
        return _plain(UNION_NAMES[kind])
    name = snake(kind.__name__)
    return _nested(shape(kind, cast("Descriptor", descriptor.fields_by_name[name].message_type)), name, optional=False)


def snake(name: str) -> str:
    """`SessionStarted` → `session_started`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
