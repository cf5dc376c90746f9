"""Scenario files: a day at a charging park in words a charging engineer can read, checked before anything runs."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from nodes.config_files import read_text
from park.errors import ScenarioInvalid

Amps = Annotated[float, Field(ge=-6300, le=6300)]
PerPhaseAmps = tuple[Amps, Amps, Amps]
Seconds = Annotated[float, Field(ge=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class House(_Table):
    """Other load at a circuit's meter: amperes per phase at each hour of the day, straight lines between, and noise."""

    meter: str
    amps: Annotated[tuple[PerPhaseAmps, ...], Field(min_length=24, max_length=24)]
    noise_amps: Annotated[float, Field(ge=0, le=100)] = 0.0
    noise_seconds: Annotated[float, Field(gt=0)] = 60.0


class Car(_Table):
    """A kind of car. `share`: how often it comes, relative to the others."""

    share: Annotated[float, Field(gt=0)]
    phases: Literal[1, 2, 3] = 3
    max_amps: Annotated[int, Field(ge=6, le=80)] = 32
    min_amps: Annotated[int, Field(ge=6, le=80)] = 6
    energy_kwh: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]] = (5.0, 30.0)
    behaviour: Literal["normal", "slow", "greedy", "taper", "full", "ignores"] = "normal"
    cable_amps: Literal[13, 20, 32, 63] = 32


class Arrivals(_Table):
    """Who comes when. `per_hour`: expected arrivals at the whole park in each hour of the day."""

    per_hour: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=24, max_length=24)]
    stay_minutes: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]]
    card_seconds: tuple[Seconds, Seconds] = (5.0, 30.0)
    card_first_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    reader: str
    tags: Annotated[tuple[str, ...], Field(min_length=1)]
    car: Annotated[tuple[Car, ...], Field(min_length=1)]


class Event(_Table):
    """Something that goes wrong at a time of the scenario ("HH:MM"), for some minutes."""

    at: Annotated[str, Field(pattern=r"^\d{1,3}:[0-5]\d$")]
    minutes: Annotated[float, Field(gt=0)]
    what: Literal["backend outage", "meter silent"]
    meter: str = ""

    @property
    def begins(self) -> float:
        """Seconds from the start of the scenario."""
        hours, minutes = self.at.split(":")
        return int(hours) * 3600.0 + int(minutes) * 60.0


class Backend(_Table):
    """The simulated backend: seconds until it answers (least, most), and the share of answers that are lost."""

    answer_seconds: tuple[Seconds, Seconds] = (0.05, 0.4)
    lost_answers: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Scenario(_Table):
    """A whole scenario. `board`: configuration file of the node, relative to the scenario's own file."""

    name: str
    start: AwareDatetime
    hours: Annotated[float, Field(gt=0, le=24 * 31)]
    board: str
    house: tuple[House, ...] = ()
    arrivals: Arrivals
    backend: Backend = Backend()
    event: tuple[Event, ...] = ()


def read_scenario(path: Path) -> Scenario:
    """The scenario in a file; raises ScenarioInvalid with every finding as `file: key: reason`."""
    try:
        return Scenario.model_validate(tomllib.loads(read_text(path)))
    except tomllib.TOMLDecodeError as wrong:
        raise ScenarioInvalid((f"{path}: not TOML: {wrong}",)) from wrong
    except ValidationError as wrong:
        findings = tuple(
            f"{path}: {'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in wrong.errors()
        )
        raise ScenarioInvalid(findings) from wrong
