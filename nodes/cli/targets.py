"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from park.config.quantities import endpoint


def _target(text: str) -> str:
    try:
        return str(endpoint(text))
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong


Target: TypeAlias = Annotated[
    str, typer.Option("--target", help="HOST:PORT a node listens on for energy managers.", callback=_target)
]
