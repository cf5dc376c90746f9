"""`chargepark demo`: a whole park on this machine, with virtual cars and a backend of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from nodes.demo.configuration import LARGEST_PARK
from nodes.demo.ports import LARGEST_BASE
from nodes.demo.screen import Screen, Terminal
from nodes.demo.show import prepare, run

SMALLEST_BASE = 1024  # below are the ports of the system
FEWEST = 3  # charge points: so many shall charge together
app = typer.Typer()


def _no_clients(count: int) -> int:
    if count:
        raise typer.BadParameter("boards cannot join a park yet; leave it out, or say 0")
    return count


def _empty(folder: Path | None) -> Path | None:
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise typer.BadParameter(f"{folder} is not an empty directory; name a new one")
    return folder


@app.command("demo")
def demo(
    seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", min=1, help="End by itself; preset: runs until Ctrl-C.")
    ] = None,
    charge_points: Annotated[int, typer.Option(min=FEWEST, max=LARGEST_PARK, help="How many.")] = 6,
    port_base: Annotated[
        int | None,
        typer.Option(
            min=SMALLEST_BASE, max=LARGEST_BASE, help="First port of the block it uses; preset: 7000, 8000, … if free."
        ),
    ] = None,
    clients: Annotated[int, typer.Option(min=0, callback=_no_clients, help="Boards that join; only 0 for now.")] = 0,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--dir", metavar="DIR", callback=_empty, help="For configuration, ledger, logs; preset: a new one."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, other cars.")] = 1,
) -> None:
    """Run a park with virtual cars, card readers and meters, and an OCPP backend; each part is a process of its own."""
    del clients
    place = prepare(charge_points, port_base, folder)
    screen = Screen(Terminal())
    screen.say(f"park {place.park.name}: {charge_points} charge points on a {place.park.fuse_amps} A fuse")
    for name, address in place.addresses().items():
        screen.say(f"  {name:<9}{address}")
    screen.say("starting bench, backend and node ...")
    summary = asyncio.run(run(place, seconds, seed, screen))
    for text in summary.lines():
        screen.say(text)
    raise typer.Exit(summary.exit_code)
