"""Tables about limits that hold by the clock on the wall or by a digital input."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from park.config.electrical import Load
from park.config.quantities import About, Amperes, InputNumber, Name, Section

LONGEST_LAG_SECONDS = 3600
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


def minutes(text: str) -> int:
    """Minutes of the day of a HH:MM that was checked; 24:00 is its end."""
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest)


def _clock(text: str) -> str:
    if not _CLOCK.fullmatch(text):
        raise ValueError(f"{text!r} is no time of day; write HH:MM from 00:00 to 24:00")
    return text


TimeOfDay: TypeAlias = Annotated[str, AfterValidator(_clock)]
Offset: TypeAlias = Annotated[Amperes, Field(ge=-6300, le=0)]


class LimitingSection(Section):
    """What both have: a circuit or a charge point they limit."""

    circuit: Annotated[Name | None, About("Circuit it limits; this or `charge_point`.")] = None
    charge_point: Annotated[str | None, About("Charge point it limits: its name, or NODE/CHARGE_POINT.")] = None


class TimetableSection(LimitingSection):
    """A limit that holds at times of the day, by the clock of `park.time_zone`; of several the smallest holds."""

    days: Annotated[
        tuple[Day, ...], Field(strict=False, min_length=1), About("Days of the week on which it begins.")
    ] = DAYS
    begins: Annotated[TimeOfDay, About("HH:MM it holds from.")]
    ends: Annotated[TimeOfDay, About("HH:MM it holds until; at or before `begins`: on the next day.")]
    limit_amps: Annotated[
        tuple[Load, Load, Load], Field(strict=False), About("Limit of L1, L2, L3 meanwhile.", "A", "B-086")
    ]
    lag_seconds: Annotated[
        int,
        Field(ge=0, le=LONGEST_LAG_SECONDS),
        About(
            "It begins and ends late by a time below this, drawn once for the site: not all sites move together.",
            "s",
            "B-086",
        ),
    ] = 0


class InputSection(LimitingSection):
    """A limit while a digital input is active, or not known: a broken wire must not raise anything."""

    number: Annotated[InputNumber, About("Digital input of the board.")]
    node: Annotated[
        Name | None,
        About("Board it is on; default: this one. A client board lists it under `server.inputs` of its own file."),
    ] = None
    active: Annotated[Literal["high", "low"], About("Level at which it limits.", source="Bender DlmInput1Polarity")] = (
        "high"
    )
    limit_amps: Annotated[
        tuple[Load, Load, Load] | None,
        Field(strict=False),
        About("Limit of L1, L2, L3 meanwhile; 0 pauses. This or `offset_amps`.", "A", "B-078"),
    ] = None
    offset_amps: Annotated[
        tuple[Offset, Offset, Offset] | None,
        Field(strict=False),
        About("The same as a difference to the design limit, at most 0.", "A", "B-093"),
    ] = None
