"""Tables about charging by the sun."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from park.config.electrical import Load
from park.config.quantities import About, Name, Section
from park.load.solar.settings import AVERAGE_SECONDS, START_SECONDS, STAY_SECONDS


class SolarSection(Section):
    """The charge points below a circuit take what would be exported; beside all other limits, never above them."""

    circuit: Annotated[Name, About("Circuit whose charge points follow the sun; others are load of the house.")]
    mode: Annotated[
        Literal["surplus", "solar", "grid"],
        About(
            "`surplus`: only what would be exported. `solar`: the same, and from the grid at most `grid_amps`, only up "
            "to the minimum of those who want to charge. `grid`: not limited by the sun.",
            source="B-085",
        ),
    ] = "surplus"
    meter: Annotated[
        Name | None,
        About("Meter that sees house, sun and these charge points, signed; absent: the one nearest to the grid."),
    ] = None
    counts: Annotated[
        Literal["sum", "each phase"],
        About("`sum`: what one phase exports may be charged on another. `each phase`: not so."),
    ] = "sum"
    grid_amps: Annotated[
        Load,
        About("Mode `solar`: at most so much from the grid on each phase; on their sum three times.", "A", "B-085"),
    ] = 0
    average_seconds: Annotated[float, Field(ge=0, le=600), About("The surplus is averaged over this time.", "s")] = (
        AVERAGE_SECONDS
    )
    start_seconds: Annotated[
        float,
        Field(ge=10, le=3600),
        About("Sun must be there for so long before more is taken; shortest pause.", "s", "evcc"),
    ] = START_SECONDS
    stay_seconds: Annotated[
        float,
        Field(ge=10, le=3600),
        About("Sun must be missing for so long before a vehicle has to pause; shortest time to charge.", "s", "evcc"),
    ] = STAY_SECONDS
