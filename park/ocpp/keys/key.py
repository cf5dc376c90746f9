"""What is known of one configuration key: type, range, default, who may change it, where it holds, what it steers."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct, field

LARGEST_NUMBER = 2_147_483_647


class Kind(Enum):
    SWITCH = "boolean"
    NUMBER = "integer"
    CHOICE = "choice"
    LIST = "comma separated list"
    TEXT = "text"


class Access(Enum):
    READ = "read"
    WRITE = "read and write"
    LOCAL = "read; written by people on site only"
    HIDDEN = "write only"


class Scope(Enum):
    """Where a value holds. The vendors say Master for PARK, Individual or Both for POINT."""

    PARK = "park"
    POINT = "charge point"  # `Key[7]` and `Key[NODE]` override the park's value


class Steers(Enum):
    """Who acts by a key."""

    OCPP = "OCPP"
    LINK = "link"
    POINT = "charge points"
    AUTHORIZATION = "authorization"
    LOAD = "load management"
    AVAILABILITY = "availability"
    FACT = "nothing: it tells"


class Alias(Struct, frozen=True):
    """Another name of the same setting. `words`: how it writes the values that it writes differently, by ours."""

    name: str
    words: Mapping[str, str] = field(default_factory=dict[str, str])


INVERTED: Mapping[str, str] = {"true": "false", "false": "true"}


class Key(Struct, frozen=True):
    """One configuration key. `least`, `most`: bounds of a number, or of a text's length; `or_zero`: 0 is allowed (off).

    `choices`: what a list or choice may hold (None: anything). `restart`: a change works after a restart only. `about`:
    what it is for. `file`: the key of the configuration file that gives the default. `once`: written only while it is
    empty. `unique`: no two connectors may have the same.
    """

    name: str
    kind: Kind
    default: str
    source: str
    about: str
    access: Access = Access.WRITE
    least: int = 0
    most: int = LARGEST_NUMBER
    or_zero: bool = False
    choices: tuple[str, ...] | None = None
    restart: bool = False
    scope: Scope = Scope.PARK
    steers: Steers = Steers.OCPP
    aliases: tuple[Alias, ...] = ()
    file: str = ""
    once: bool = False
    unique: bool = False


class KeyGroup(Struct, frozen=True):
    """The keys of one subject. `profile`: the feature profile of OCPP 1.6 they belong to."""

    profile: str
    title: str
    keys: tuple[Key, ...] = ()


def switch(name: str, source: str, about: str, *, on: bool, steers: Steers = Steers.OCPP) -> Key:
    """A boolean of the whole park."""
    return Key(name, Kind.SWITCH, "true" if on else "false", source, about, steers=steers)


def point_switch(
    name: str, source: str, about: str, *, on: bool, aliases: tuple[Alias, ...] = (), file: str = ""
) -> Key:
    """A boolean that may differ from charge point to charge point."""
    return Key(
        name,
        Kind.SWITCH,
        "true" if on else "false",
        source,
        about,
        scope=Scope.POINT,
        steers=Steers.POINT,
        aliases=aliases,
        file=file,
    )


def fact(
    name: str, kind: Kind, value: str, source: str, about: str, aliases: tuple[Alias, ...] = (), file: str = ""
) -> Key:
    """What can only be read."""
    return Key(name, kind, value, source, about, Access.READ, steers=Steers.FACT, aliases=aliases, file=file)


def point_fact(name: str, kind: Kind, source: str, about: str, file: str = "") -> Key:
    """What can only be read, of each charge point."""
    return Key(name, kind, "", source, about, Access.READ, scope=Scope.POINT, steers=Steers.FACT, file=file)
