"""`chargepark limit`: limits of the operator on circuits and charge points of a running park."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from nodes.administration.orders import PATIENCE_SECONDS, admin_channel
from nodes.config_files import read_config
from nodes.energy.decoding import limit_row
from nodes.log import visible
from nodes.rpc import energy_pb2
from nodes.rpc import limits_pb2 as pb
from nodes.rpc.limits_pb2_grpc import LimitAdminStub
from park.errors import ConfigurationInvalid, LimitRefused
from park.view.explain import limit_in_words
from park.view.words import binding

PHASES = 3
app = typer.Typer(no_args_is_help=True, help="Limit circuits and charge points while the park runs.")
Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="TOML file of the server, or of a single board.")]
Where = Annotated[str, typer.Argument(metavar="TARGET", help="A circuit, or a charge point as NODE/CHARGE_POINT.")]
Label = Annotated[str, typer.Option("--source", help="Which of several limits of the operator there.")]


def _amps(text: str) -> str:
    _milliamperes(text)
    return text


def _milliamperes(text: str) -> list[int]:
    """`20` or `20,16,20.5`, in A."""
    try:
        amps = [round(float(part) * 1000) for part in text.split(",")] if text else []
    except (ValueError, OverflowError):
        amps = [-1]
    if len(amps) not in {0, 1, PHASES} or any(not 0 <= each < 2**31 for each in amps):
        raise typer.BadParameter(f"{text!r} is no limit; write one current, or three as 20,16,20.5")
    return amps


@app.command("set")
def set_command(
    config: Config,
    target: Where,
    amps: Annotated[str, typer.Option(metavar="A[,A,A]", help="On each phase, or on L1,L2,L3.", callback=_amps)] = "",
    watts: Annotated[int | None, typer.Option(min=0, help="On the sum of the phases.")] = None,
    seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", min=1, help="How long; else until it is cleared.")
    ] = None,
    source: Label = "",
) -> None:
    """Limit a circuit or a charge point; what was set there before by the same source is replaced."""
    request = energy_pb2.SetLimitRequest(
        limit_ma=_milliamperes(amps), limit_w=watts, source=source, valid_seconds=seconds
    )
    _aim(request, target)
    with _limits(config) as admin:
        done = admin.SetOperatorLimit(request, timeout=PATIENCE_SECONDS)
    typer.echo("\n".join(visible(line) for line in _effect(done)))


@app.command("clear")
def clear_command(
    config: Config,
    target: Where,
    source: Label = "",
    manager: Annotated[
        str, typer.Option(metavar="NAME", help="End the limit of this energy manager instead, as `list` names it.")
    ] = "",
) -> None:
    """End a limit of the operator, or one an energy manager has left behind."""
    if manager and source:
        raise typer.BadParameter("--source is of the operator's limits, --manager of others'; give one of them")
    request = energy_pb2.ClearLimitRequest(source=manager or source)
    _aim(request, target)
    with _limits(config) as admin:
        clear = admin.ClearManagerLimit if manager else admin.ClearOperatorLimit
        done = clear(request, timeout=PATIENCE_SECONDS)
    typer.echo("\n".join(visible(line) for line in _effect(done)))


@app.command("solar")
def solar_command(
    config: Config,
    circuit: Annotated[str, typer.Argument(metavar="CIRCUIT", help="A circuit with [[solar]].")],
    mode: Annotated[
        str, typer.Argument(metavar="MODE", help="surplus, solar or grid; absent: what you set ends.")
    ] = "",
    seconds: Annotated[
        float | None, typer.Option("--for", metavar="SECONDS", min=1, help="How long; else until it is set again.")
    ] = None,
    source: Annotated[str, typer.Option("--source", help="Which of several words of the operator there.")] = "",
    manager: Annotated[
        str, typer.Option(metavar="NAME", help="End the mode of this energy manager instead, as the answers name it.")
    ] = "",
) -> None:
    """Let the charge points of a circuit follow the sun in this mode; of all who say so the strictest holds."""
    if manager and (mode or source):
        raise typer.BadParameter("--manager ends what an energy manager said; give neither MODE nor --source with it")
    if seconds is not None and not mode:
        raise typer.BadParameter("--for says how long a MODE holds; give one")
    with _limits(config) as admin:
        if manager:
            ended = energy_pb2.ClearSolarModeRequest(circuit=circuit, source=manager)
            done = admin.ClearManagerSolarMode(ended, timeout=PATIENCE_SECONDS)
        else:
            wanted = energy_pb2.SetSolarModeRequest(circuit=circuit, mode=mode, source=source, valid_seconds=seconds)
            done = admin.SetSolarMode(wanted, timeout=PATIENCE_SECONDS)
    typer.echo("\n".join(visible(line) for line in _effect(done)))


@app.command("list")
def list_command(config: Config) -> None:
    """Show all limits in force beside the design, whoever set them."""
    with _limits(config) as admin:
        listed = admin.ListLimits(pb.ListLimitsRequest(), timeout=PATIENCE_SECONDS)
    for limit in listed.limits:
        typer.echo(visible(limit_in_words(limit_row(limit), 0.0)))
    if not listed.limits:
        typer.echo("no limits are set")


def _aim(request: energy_pb2.SetLimitRequest | energy_pb2.ClearLimitRequest, target: str) -> None:
    """Only charge points have a slash in their names."""
    if "/" in target:
        request.charge_point = target
    else:
        request.circuit = target


def _effect(done: energy_pb2.LimitEffect) -> Iterator[str]:
    for phase in done.phases:
        yield f"{done.target} {phase.name}: {phase.limit_ma / 1000:.1f} A by {binding(phase.bound_by)} ({phase.source})"
    if done.HasField("limit_w"):
        yield f"{done.target}: {done.limit_w} W on the sum of the phases ({done.power_source})"
    yield from (f"note: {note}" for note in done.notes)


@contextmanager
def _limits(config: Path) -> Generator[LimitAdminStub]:
    node = read_config(config).node
    if node.role == "client":
        finding = f"{config}: node.role: a client board has the limits of its server; give the server's file"
        raise ConfigurationInvalid((finding,))
    with admin_channel(Path(node.data_dir), LimitRefused) as channel:
        yield LimitAdminStub(channel)
