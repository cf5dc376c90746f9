"""`chargepark demo`: a whole park on this machine, with virtual cars and a backend of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from nodes.demo.layout import LARGEST_PARK, MOST_CLIENTS
from nodes.demo.ports import LARGEST_BASE
from nodes.demo.screen import Screen, Terminal
from nodes.demo.show import prepare, run

SMALLEST_BASE = 1024  # below are the ports of the system
POINTS_ALONE, POINTS_OF_A_BOARD = 6, 3  # unless said otherwise
app = typer.Typer()


def _empty(folder: Path | None) -> Path | None:
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise typer.BadParameter(f"{folder} is not an empty directory; name a new one")
    return folder


@app.command("demo")
def demo(
    seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", min=1, help="End by itself; preset: runs until Ctrl-C.")
    ] = None,
    clients: Annotated[
        int, typer.Option(min=0, max=MOST_CLIENTS, help="Boards that join a server; 0: one board alone is the park.")
    ] = 2,
    charge_points: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST_PARK,
            help=f"On each client board; preset: {POINTS_OF_A_BOARD}, or {POINTS_ALONE} on a board alone.",
        ),
    ] = None,
    port_base: Annotated[
        int | None,
        typer.Option(
            min=SMALLEST_BASE, max=LARGEST_BASE, help="First port of the block it uses; preset: 7000, 8000, … if free."
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--dir", metavar="DIR", callback=_empty, help="For configuration, ledger, logs; preset: a new one."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, other cars.")] = 1,
) -> None:
    """Run a park with virtual cars, card readers and meters, and an OCPP backend; each part is a process of its own."""
    count = charge_points or (POINTS_OF_A_BOARD if clients else POINTS_ALONE)
    if (total := count * max(clients, 1)) > LARGEST_PARK:
        raise typer.BadParameter(f"{total} charge points are too many; at most {LARGEST_PARK} in all")
    place = prepare(clients, count, port_base, folder)
    screen = Screen(Terminal())
    screen.say(f"park {place.park.name}: {_parts(clients, count)} on a {place.park.fuse_amps} A fuse")
    for name, address in place.addresses().items():
        screen.say(f"  {name:<9}{address}")
    nodes = f"server and {clients} client boards" if clients else "node"
    screen.say(f"starting bench, backend, {nodes} ...")
    summary = asyncio.run(run(place, seconds, seed, screen))
    for text in summary.lines():
        screen.say(text)
    raise typer.Exit(summary.exit_code)


def _parts(clients: int, count: int) -> str:
    points = "1 charge point" if count == 1 else f"{count} charge points"
    if not clients:
        return points
    return f"a client board with {points}" if clients == 1 else f"{clients} client boards with {points} each"
