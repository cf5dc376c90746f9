"""Scenario files: a day at a charging park in words a charging engineer can read, checked before anything runs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError, model_validator

from nodes.config_files import read_text
from park.config.findings import Document, Finding, explained, nearest
from park.config.node_config import NodeConfig
from park.config.quantities import Section
from park.errors import ConfigurationInvalid, ScenarioInvalid

T = TypeVar("T", int, float)
HOURS = 24


def _ascending(bounds: tuple[T, T]) -> tuple[T, T]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"is [{bounds[0]:g}, {bounds[1]:g}], the least comes first; exchange the two")
    return bounds


Amps = Annotated[float, Field(ge=-6300, le=6300)]
PerPhaseAmps = Annotated[tuple[Amps, Amps, Amps], Field(strict=False)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Range = Annotated[tuple[NotNegative, NotNegative], Field(strict=False), AfterValidator(_ascending)]
"""Least and most: drawn evenly between them."""
EachHour = Field(strict=False, min_length=HOURS, max_length=HOURS)


class House(Section):
    """Other load at a circuit's meter: amperes per phase at each hour of the day, straight lines between, and noise."""

    meter: str
    amps: Annotated[tuple[PerPhaseAmps, ...], EachHour]
    noise_amps: Annotated[float, Field(ge=0, le=100)] = 0.0
    noise_seconds: Positive = 60.0


class Car(Section):
    """A kind of car. `share`: how often it comes, relative to the others."""

    share: Positive
    phases: Literal[1, 2, 3] = 3
    max_amps: Annotated[int, Field(ge=6, le=80)] = 32
    min_amps: Annotated[int, Field(ge=6, le=80)] = 6
    energy_kwh: Range = (5.0, 30.0)
    behaviour: Literal["normal", "slow", "greedy", "taper", "full", "ignores"] = "normal"
    cable_amps: Literal[13, 20, 32, 63] = 32

    @model_validator(mode="after")
    def _can_exist(self) -> Self:
        if self.min_amps > self.max_amps:
            raise ValueError(f"min_amps is {self.min_amps}, more than max_amps; no such car can charge")
        return self


class Arrivals(Section):
    """Who comes when. `per_hour`: expected arrivals at the whole park in each hour of the day."""

    per_hour: Annotated[tuple[NotNegative, ...], EachHour]
    stay_minutes: Range
    card_seconds: Range = (5.0, 30.0)
    card_first_share: Share = 0.2
    reader: str
    tags: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    car: Annotated[tuple[Car, ...], Field(strict=False, min_length=1)]


class Event(Section):
    """Something that goes wrong at a time after the start of the scenario ("HH:MM"), for some minutes."""

    at: Annotated[str, Field(pattern=r"^\d{1,3}:[0-5]\d$")]
    minutes: Positive
    what: Literal["backend outage", "meter silent"]
    meter: str = ""

    @property
    def begins(self) -> float:
        """Seconds from the start of the scenario."""
        hours, minutes = self.at.split(":")
        return int(hours) * 3600.0 + int(minutes) * 60.0


class Backend(Section):
    """The simulated backend: seconds until it answers (least, most), and the share of answers that are lost."""

    answer_seconds: Range = (0.05, 0.4)
    lost_answers: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Scenario(Section):
    """A whole scenario. `board`: configuration file of the node, relative to the scenario's own file."""

    name: str
    start: AwareDatetime
    hours: Annotated[float, Field(gt=0, le=HOURS * 31)]
    board: str
    house: Annotated[tuple[House, ...], Field(strict=False)] = ()
    arrivals: Arrivals
    backend: Backend = Backend()
    event: Annotated[tuple[Event, ...], Field(strict=False)] = ()


def read_scenario(path: Path) -> Scenario:
    """The scenario in a file; raises ScenarioInvalid with every finding as `file: key: reason; remedy`."""
    document = _document(path)
    try:
        return Scenario.model_validate(document)
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False)
        findings = tuple(explained(error, Scenario).text(str(path), document) for error in errors)
        raise ScenarioInvalid(findings) from None


def check_fits(scenario: Scenario, config: NodeConfig, path: Path) -> None:
    """Raise ScenarioInvalid if the scenario in `path` names what its board does not have."""
    findings = tuple(finding.text(str(path), scenario.model_dump()) for finding in _misfits(scenario, config))
    if findings:
        raise ScenarioInvalid(findings)


def _document(path: Path) -> Document:
    try:
        return tomllib.loads(read_text(path))
    except (tomllib.TOMLDecodeError, RecursionError) as wrong:
        raise ScenarioInvalid((f"{path}: not TOML: {wrong}; correct the syntax there",)) from None
    except ConfigurationInvalid as unreadable:
        raise ScenarioInvalid(unreadable.findings) from None


def _misfits(scenario: Scenario, config: NodeConfig) -> Iterable[Finding]:
    board = scenario.board
    if config.node.role != "single":
        yield Finding(("board",), f"{board} is a {config.node.role}", "simulate a node of the role 'single'")
    meters = {meter.name for meter in config.meter}
    houses = meters - {point.meter for point in config.charge_point}
    readers = {reader.name for reader in config.reader}
    for place, house in enumerate(scenario.house):
        if house.meter not in houses:
            reason = f"{house.meter!r} is no meter of a circuit of {board}"
            yield Finding(("house", place, "meter"), reason, nearest(house.meter, houses))
    if scenario.arrivals.reader not in readers:
        reader = scenario.arrivals.reader
        yield Finding(("arrivals", "reader"), f"{reader!r} is no reader of {board}", nearest(reader, readers))
    for place, event in enumerate(scenario.event):
        if event.what == "meter silent" and event.meter not in meters:
            yield Finding(
                ("event", place, "meter"), f"{event.meter!r} is no meter of {board}", nearest(event.meter, meters)
            )
        if event.what == "backend outage" and config.backend is None:
            reason = f"is a backend outage, and {board} has no backend"
            yield Finding(("event", place, "what"), reason, "add a [backend] there, or leave the event out")
