"""`chargepark run`: one node, until it is told to end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from nodes import log, single
from nodes.config_files import read_config
from park.errors import ConfigurationInvalid

app = typer.Typer()


@app.command("run")
def run(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="TOML file of the node.")],
    log_json: Annotated[bool, typer.Option("--log-json", help="Log JSON lines instead of key=value.")] = False,
    log_level: Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")] = "info",
) -> None:
    """Run the node of a configuration file; ends cleanly on Ctrl-C or SIGTERM."""
    log.configure(as_json=log_json, level=log_level)
    role = read_config(config).node.role
    if role != "single":
        finding = f"{config}: node.role: {role} boards cannot be run yet; use single"
        raise ConfigurationInvalid((finding,))
    asyncio.run(single.run(config))
