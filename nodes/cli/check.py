"""`chargepark check`: whether a node would start with these files, and how fast it would react."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from nodes.checked_config import CheckedConfig, read_checked
from park.errors import ConfigurationInvalid
from park.physics.hardware import TRAITS

app = typer.Typer()


@app.command("check")
def check(
    configs: Annotated[list[Path], typer.Argument(metavar="CONFIG...", help="TOML files of nodes.")],
) -> None:
    """Validate configuration files: exit code 0, or 2 with file, key, reason and remedy of everything found."""
    findings: list[str] = []
    for path in configs:
        try:
            checked = read_checked(path, lambda _: TRAITS)
        except ConfigurationInvalid as invalid:
            findings += invalid.findings
        else:
            typer.echo("\n".join(_summary(path, checked)))
    if findings:
        raise ConfigurationInvalid(tuple(findings))


def _summary(path: Path, checked: CheckedConfig) -> Iterator[str]:
    config = checked.config
    counts = {
        "charge point": len(config.charge_point) + len(config.placement),
        "circuit": len(config.circuit),
        "meter": len(config.meter),
        "reader": len(config.reader),
    }
    things = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items())
    yield f"{path}: fine: {config.node.role} node {config.node.name}, {things}"
    for key, place in config.listeners.items():
        yield f"  listens for {key} on {place}"
    for bound in checked.reaction:
        yield f"  longest overload after {bound}"
    for warning in checked.warnings:
        yield f"  warning: {warning}"
