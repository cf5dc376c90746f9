"""`chargepark discover`: which boards are announced in the network, of whatever park, and what they disagree about."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Annotated

import typer
from msgspec.structs import asdict
from rich.console import Console
from rich.table import Table

from nodes import log
from nodes.discovery.look import look
from park.discovery.conflicts import conflicts
from park.discovery.sighting import Sighting

PIPED_WIDTH = 240  # as in `status`: a row stays one line for grep
app = typer.Typer()


@app.command("discover")
def discover(
    seconds: Annotated[float, typer.Option("--for", min=0.5, max=600, help="Seconds to look.")] = 3.0,
    interfaces: Annotated[
        list[str] | None,
        typer.Option("--interface", help="Name or address of a network interface, repeatable; default: all."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON (schema 1).")] = False,
) -> None:
    """List the boards that announce themselves by DNS-SD. Anybody can announce anything: trust comes from pairing."""
    log.configure(level="error")
    try:
        boards = asyncio.run(look(seconds, tuple(interfaces or ())))
    except KeyboardInterrupt:
        return
    if as_json:
        typer.echo(json.dumps(to_json(boards), indent=1, ensure_ascii=False))
        return
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)
    console.print(_table(boards) if boards else "no board is announced here", markup=False)
    for conflict in conflicts(boards):
        console.print(f"conflict: {conflict.text}", markup=False, soft_wrap=True)


def to_json(boards: tuple[Sighting, ...]) -> dict[str, object]:
    """What scripts read: `boards` and `conflicts`; ports are null where nothing is open."""
    return {
        "schema": 1,
        "boards": [_board(board) for board in boards],
        "conflicts": [asdict(conflict) for conflict in conflicts(boards)],
    }


def _board(board: Sighting) -> dict[str, object]:
    return {
        "instance": board.instance,
        "park": board.park,
        "node": board.node,
        "role": board.role,
        "proto": board.proto,
        "fingerprint": board.fingerprint or None,
        "addresses": list(board.addresses),
        "port": board.port or None,
        "pairing_port": board.pairing_port or None,
    }


def _table(boards: tuple[Sighting, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="")
    for column in ("park", "node", "role", "address", "proto", "pairing", "certificate"):
        table.add_column(column, overflow="fold")
    for board in boards:
        pairing = f"open, port {board.pairing_port}" if board.pairing_port else "closed"
        places = ", ".join(map(str, board.endpoints or board.addresses))
        table.add_row(board.park, board.node, board.role, places, str(board.proto), pairing, _shown(board.fingerprint))
    return table


def _shown(fingerprint: str) -> str:
    """In groups of four, so that two people can compare it aloud."""
    if not fingerprint:
        return "none yet"
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))
