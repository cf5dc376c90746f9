"""`chargepark simulate`: a scenario, or random parks full of faults, in virtual time, the promises checked."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nodes.simulation.outcome import Outcome
from nodes.simulation.park_run import ParkRun
from nodes.simulation.park_totals import ParkTotals, failure
from nodes.simulation.run import simulate
from nodes.simulation.scenario import read_scenario
from park.errors import PlotUnusable

if TYPE_CHECKING:
    from nodes.simulation.plot import Drawing

HOUR = 3600.0
PLOT_MISSING = "--plot needs matplotlib, which is an extra: pip install 'chargepark[plot]'"

app = typer.Typer()


@app.command("simulate")
def simulate_command(
    scenario: Annotated[Path | None, typer.Argument(metavar="SCENARIO", help="TOML file of the scenario.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Decides the order of events and who comes when.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as one line of JSON.")] = False,
    plot: Annotated[Path | None, typer.Option("--plot", help="Write a PNG of currents against the fuses.")] = None,
    park: Annotated[bool, typer.Option("--park", help="Random parks with faults instead of a scenario.")] = False,
    seeds: Annotated[str, typer.Option("--seeds", metavar="A..B", help="With --park: one park for each.")] = "1..20",
    hours: Annotated[float | None, typer.Option("--hours", min=0.0, help="Only the first so many hours.")] = None,
    minutes: Annotated[float, typer.Option("--minutes", min=1.0, help="With --park: how long faults happen.")] = 15.0,
) -> None:
    """Run a scenario with the same actors as in the field; exit code 1 when a promise was broken."""
    if park:
        _refuse_beside_park(("SCENARIO", scenario), ("--hours", hours), ("--plot", plot))
        _parks(seeds_of(seeds), minutes, as_json=as_json)
        return
    if scenario is None:
        raise typer.BadParameter("name a scenario file, or say --park")
    drawing = None if plot is None else _drawing(plot, scenario)
    first = math.inf if hours is None else hours
    outcome = simulate(scenario, seed, _progress, None if drawing is None else drawing.sample, first)
    if drawing is not None and plot is not None:
        drawing.write(plot, outcome)
    typer.echo(outcome.as_json() if as_json else _told(outcome))
    if not outcome.is_fine:
        raise typer.Exit(1)


def _refuse_beside_park(*given: tuple[str, object]) -> None:
    for name, value in given:
        if value is not None:
            raise typer.BadParameter(f"{name} goes with a scenario, not with --park (random parks take --minutes)")


def seeds_of(text: str) -> range:
    """`7` or `1..20`, the last one included."""
    first, separator, last = text.partition("..")
    try:
        return range(int(first), int(last if separator else first) + 1)
    except ValueError:
        raise typer.BadParameter(f"{text!r} are no seeds; write one number, or A..B") from None


def _parks(seeds: range, minutes: float, *, as_json: bool) -> None:
    totals = ParkTotals()
    for seed in seeds:
        outcome = ParkRun(seed, minutes).go()
        totals.add(outcome)
        typer.echo(outcome.as_json() if as_json else outcome.line())
        if not outcome.is_fine:
            typer.echo("\n".join(failure(outcome, minutes)), err=as_json)
    typer.echo(totals.as_json() if as_json else "\n".join(totals.lines()))
    if not totals.is_fine:
        raise typer.Exit(1)


def _drawing(plot: Path, scenario: Path) -> Drawing:
    """Refuse before the run what could not be written after it."""
    try:
        from nodes.simulation.plot import Drawing  # noqa: PLC0415 - matplotlib is an extra
    except ModuleNotFoundError as missing:
        raise PlotUnusable(PLOT_MISSING) from missing
    folder = plot.absolute().parent
    if not folder.is_dir():
        raise PlotUnusable(f"{plot}: there is no directory {folder}; make it, or name another file")
    if plot.is_dir():
        raise PlotUnusable(f"{plot}: is a directory; name a file in it")
    return Drawing(read_scenario(scenario).start)


def _progress(now: float, end: float) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\rsimulated {now / HOUR:5.1f} of {end / HOUR:.0f} h", err=True, nl=now >= end)


def _told(outcome: Outcome) -> str:
    lines = (
        f"{outcome.scenario}, seed {outcome.seed}",
        f"  {outcome.seconds / HOUR:g} h in {outcome.real_seconds:.1f} s, {outcome.speed:.0f} × real time",
        f"  {outcome.readings} meter readings, {outcome.messages} messages, {outcome.commits} commits",
        f"  {outcome.visits} cars came, {outcome.turned_away} found no place",
        f"  {outcome.sessions} sessions, {outcome.energy_wh / 1000:.1f} kWh",
        f"  fuse: full for {outcome.full_seconds / HOUR:.1f} h, highest load {100 * outcome.peak_load:.1f} %",
        f"  backend: {outcome.calls} calls, {outcome.outages} outages, {outcome.lost_answers} answers lost",
        f"  queue: up to {outcome.longest_queue} facts, {outcome.left_in_queue} left, {outcome.wire_repeats} repeats",
        f"  event log {outcome.events} lines, sha256 {outcome.digest}",
        *(f"  alarm: {alarm}" for alarm in outcome.alarms),
        *(f"  crash: {crash}" for crash in outcome.crashes),
        *(f"  {each.invariant} broken at {each.at:.2f} s: {each.what}: {each.detail}" for each in outcome.violations),
    )
    return "\n".join(lines if not outcome.is_fine else (*lines, "  no promise broken: S1 S2 S3 S4 S5 D1"))
