"""`chargepark run`: one node, until it is told to end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from nodes import log
from nodes.config_files import read_config
from nodes.interpreter import without_collections
from nodes.maintenance import logs

app = typer.Typer()


@app.command("run")
def run(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="TOML file of the node.")],
    log_json: Annotated[bool, typer.Option("--log-json", help="Log JSON lines instead of key=value.")] = False,
    log_level: Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")] = "info",
) -> None:
    """Run the node of a configuration file; ends cleanly on Ctrl-C or SIGTERM."""
    log.configure(as_json=log_json, level=log_level)
    node = read_config(config)
    logs.keep(Path(node.node.data_dir), node.maintenance.log_mb)
    with without_collections():
        role = import_module(f"nodes.{node.node.role}")  # a board needs not load what the other two roles are
    if asyncio.run(role.run(config)):
        _start_again()


def _start_again() -> None:
    """The same command in the same process, whatever it was started as: a supervisor above sees one program."""
    for name in (signal.SIGTERM, signal.SIGINT):  # ignored ones would stay ignored
        signal.signal(name, signal.SIG_DFL)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves
