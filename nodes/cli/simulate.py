"""`chargepark simulate`: a scenario in virtual time, its promises checked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nodes.simulation.run import Outcome, simulate

app = typer.Typer()


@app.command("simulate")
def simulate_command(
    scenario: Annotated[Path, typer.Argument(metavar="SCENARIO", help="TOML file of the scenario.")],
    seed: Annotated[int, typer.Option("--seed", help="Decides the order of events and who comes when.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as one line of JSON.")] = False,
    plot: Annotated[Path | None, typer.Option("--plot", help="Write a PNG of currents against the fuses.")] = None,
) -> None:
    """Run a scenario with the same actors as in the field; exit code 1 when a promise was broken."""
    drawing = None
    if plot is not None:
        from nodes.simulation.plot import Drawing  # noqa: PLC0415 - matplotlib is an extra

        drawing = Drawing()
    outcome = simulate(scenario, seed, _progress, None if drawing is None else drawing.sampled)
    if drawing is not None and plot is not None:
        drawing.write(plot, scenario)
    typer.echo(outcome.as_json() if as_json else _told(outcome))
    if outcome.violations or outcome.crashes:
        raise typer.Exit(1)


def _progress(now: float, end: float) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\rsimulated {now / 3600:5.1f} of {end / 3600:.0f} h", err=True, nl=now >= end)


def _told(outcome: Outcome) -> str:
    lines = [
        f"{outcome.scenario}, seed {outcome.seed}: {outcome.seconds / 3600:g} h in {outcome.real_seconds:.1f} s"
        f" ({outcome.speed:.0f} × real time)",
        f"  {outcome.visits} cars came, {outcome.turned_away} found no place;"
        f" {outcome.sessions} sessions, {outcome.energy_wh / 1000:.1f} kWh",
        f"  {outcome.readings} meter readings, {outcome.commits} commits, {outcome.calls} calls to the backend"
        f" ({outcome.lost_answers} answers lost, {outcome.wire_repeats} starts and stops repeated)",
        f"  highest load {outcome.peak_load * 100:.1f} % of a fuse",
        f"  event log {outcome.events} lines, sha256 {outcome.digest}",
    ]
    lines += [f"  crash: {crash}" for crash in outcome.crashes]
    lines += [
        f"  {each.invariant} broken at {each.at:.2f} s: {each.what}: {each.detail}" for each in outcome.violations
    ]
    if not outcome.violations and not outcome.crashes:
        lines.append("  no promise broken: S1 S2 S3 S4 S5 D1")
    return "\n".join(lines)
