"""`chargepark status`: the park as a table for people, or as JSON for scripts."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from nodes.cli.tables import page
from nodes.cli.targets import Target
from nodes.energy.client import fetch, watch
from park.view import ParkView, to_json

PIPED_WIDTH = 240  # columns where there is no terminal to ask: wide enough that a row stays one line for grep
app = typer.Typer()


@app.command("status")
def status(
    target: Target = "127.0.0.1:7071",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON (schema 1); with --watch a line a change.")
    ] = False,
    follow: Annotated[bool, typer.Option("--watch", help="Keep showing it until Ctrl-C.")] = False,
) -> None:
    """Show the park: nodes, circuits, charge points, limits and reasons."""
    if not follow:
        _show(fetch(target), as_json)
        return
    try:
        _follow(target, as_json)
    except KeyboardInterrupt:
        return


def _show(view: ParkView, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(to_json(view), indent=1, ensure_ascii=False))
    else:
        _console().print(page(view))


def _follow(target: str, as_json: bool) -> None:
    if as_json:
        for view in watch(target):
            typer.echo(json.dumps(to_json(view), ensure_ascii=False))
            sys.stdout.flush()
        return
    views = watch(target)
    with Live(page(next(views)), console=_console(), auto_refresh=False, screen=sys.stdout.isatty()) as live:
        for view in views:
            live.update(page(view), refresh=True)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
