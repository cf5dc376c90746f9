"""`chargepark bench`: the virtual hardware process, and the verbs by which people and scripts play with it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from nodes.rpc import bench_pb2 as pb
from nodes.rpc.bench_codec import behaviour_to_wire
from nodes.rpc.bench_pb2_grpc import BenchStub
from nodes.virtual.client import PATIENCE_SECONDS, BenchMisused, bench
from park.config.quantities import endpoint
from park.physics.hardware import Fault
from park.physics.vehicle import Behaviour

WRONG_USE = 2
app = typer.Typer(no_args_is_help=True, help="Virtual hardware: cars, charging electronics, readers and meters.")
link = typer.Typer(no_args_is_help=True, help="Cut or mend the cables between the nodes and the bench.")
clock = typer.Typer(no_args_is_help=True, help="Move clocks.")
app.add_typer(link, name="link")
app.add_typer(clock, name="clock")


class Switch(Enum):
    ON = "on"
    OFF = "off"


class Level(Enum):
    HIGH = "high"
    LOW = "low"


def _target(text: str) -> str:
    try:
        return str(endpoint(text))
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong)) from wrong


def _amps(text: str) -> list[int]:
    """`L1,L2,L3` as milliamperes."""
    try:
        amps = [round(float(part) * 1000) for part in text.split(",")]
    except (ValueError, OverflowError):
        amps = []
    if len(amps) != 3:  # noqa: PLR2004 - three phases
        raise typer.BadParameter(f"{text!r} is not three currents; write for instance 10,0,12.5")
    return amps


Target = Annotated[str, typer.Option("--target", help="HOST:PORT of the bench.", callback=_target)]
ChargePoint = Annotated[str, typer.Argument(metavar="CP", help="Charge point, as in its file.")]
HERE = "127.0.0.1:7079"


@app.command("serve")
def serve_command(
    configs: Annotated[list[Path], typer.Argument(metavar="CONFIG...", help="The files of all nodes it works for.")],
    as_json: Annotated[bool, typer.Option("--log-json", help="Log JSON instead of key=value.")] = False,
) -> None:
    """Serve the virtual hardware that these configuration files name, until Ctrl-C or SIGTERM."""
    from nodes import log  # noqa: PLC0415 - here and below: a verb shall not wait for what only others need
    from nodes.virtual.plan import bench_plan_from_toml  # noqa: PLC0415
    from nodes.virtual.serve import serve  # noqa: PLC0415

    log.configure(as_json=as_json)
    asyncio.run(serve(bench_plan_from_toml(configs)))


@app.command()
def plug(  # noqa: PLR0913, PLR0917 - an option for each trait of a car
    charge_point: ChargePoint,
    phases: Annotated[int | None, typer.Option(min=1, max=3, help="Phases the car uses; preset 3.")] = None,
    max_current: Annotated[
        float | None, typer.Option(metavar="A", min=0, help="Most the car draws; preset 32.")
    ] = None,
    energy: Annotated[float | None, typer.Option(metavar="Wh", min=0, help="Until full; preset 20000.")] = None,
    min_current: Annotated[float | None, typer.Option(metavar="A", min=0, help="Waits below this; preset 6.")] = None,
    behaviour: Annotated[Behaviour, typer.Option(help="How it follows the pilot.")] = Behaviour.NORMAL,
    cable: Annotated[
        float | None, typer.Option(metavar="A", min=0, help="Rating of its cable; preset: fits its maximum.")
    ] = None,
    mac: Annotated[str, typer.Option(metavar="MAC", help="What it answers to SLAC; preset: nothing.")] = "",
    target: Target = HERE,
) -> None:
    """Plug a car in."""
    request = pb.PlugRequest(
        charge_point=charge_point,
        phases=phases,
        maximum_ma=_milliamperes(max_current),
        minimum_ma=_milliamperes(min_current),
        energy_wh=energy,
        behaviour=behaviour_to_wire(behaviour),
        cable_ma=_milliamperes(cable),
        mac=mac,
    )
    _say(target, lambda stub: stub.Plug(request, timeout=PATIENCE_SECONDS))


@app.command()
def unplug(charge_point: ChargePoint, target: Target = HERE) -> None:
    """Unplug the car; a locked socket keeps the cable until it is unlocked."""
    request = pb.UnplugRequest(charge_point=charge_point)
    _say(target, lambda stub: stub.Unplug(request, timeout=PATIENCE_SECONDS))


@app.command()
def swipe(
    reader: Annotated[str, typer.Argument(metavar="READER")],
    tag: Annotated[str, typer.Argument(metavar="TAG")],
    target: Target = HERE,
) -> None:
    """Hold a card to a reader."""
    request = pb.SwipeRequest(reader=reader, id_tag=tag)
    _say(target, lambda stub: stub.Swipe(request, timeout=PATIENCE_SECONDS))


@app.command("meter")
def meter_command(
    meter: Annotated[str, typer.Argument(metavar="METER")],
    amps: Annotated[str | None, typer.Option(metavar="L1,L2,L3", help="The load beside the cars.")] = None,
    fail: Annotated[bool, typer.Option("--fail", help="Take requests, answer none.")] = False,
    freeze: Annotated[bool, typer.Option("--freeze", help="Answer the same values for ever.")] = False,
    restore: Annotated[bool, typer.Option("--restore", help="Answer the truth again.")] = False,
    target: Target = HERE,
) -> None:
    """Set what a meter measures, or how it fails."""
    if [amps is not None, fail, freeze, restore].count(True) != 1:
        raise typer.BadParameter("give exactly one of --amps, --fail, --freeze, --restore")
    if amps is not None:
        l1, l2, l3 = _amps(amps)
        request = pb.SetMeterRequest(meter=meter, load=pb.PhaseCurrents(l1_ma=l1, l2_ma=l2, l3_ma=l3))
    else:
        mode = pb.METER_MODE_SILENT if fail else pb.METER_MODE_FROZEN if freeze else pb.METER_MODE_LIVE
        request = pb.SetMeterRequest(meter=meter, mode=mode)
    _say(target, lambda stub: stub.SetMeter(request, timeout=PATIENCE_SECONDS))


@app.command("input")
def input_command(
    node: Annotated[str, typer.Argument(metavar="NODE")],
    number: Annotated[int, typer.Argument(metavar="N", min=1)],
    level: Annotated[Level, typer.Argument()],
    target: Target = HERE,
) -> None:
    """Set a digital input of a board."""
    request = pb.SetInputRequest(node=node, number=number, high=level is Level.HIGH)
    _say(target, lambda stub: stub.SetInput(request, timeout=PATIENCE_SECONDS))


@app.command()
def fault(
    charge_point: ChargePoint,
    name: Annotated[Fault, typer.Argument(metavar="NAME", help=" | ".join(each.value for each in Fault))],
    switch: Annotated[Switch, typer.Argument()],
    target: Target = HERE,
) -> None:
    """Break something, or heal it."""
    request = pb.SetFaultRequest(charge_point=charge_point, fault=name.value, on=switch is Switch.ON)
    _say(target, lambda stub: stub.SetFault(request, timeout=PATIENCE_SECONDS))


@app.command(context_settings={"ignore_unknown_options": True})  # so that -10 is a number
def temperature(
    charge_point: ChargePoint, celsius: Annotated[float, typer.Argument(metavar="C")], target: Target = HERE
) -> None:
    """Set the temperature a charge point measures."""
    request = pb.SetTemperatureRequest(charge_point=charge_point, celsius=celsius)
    _say(target, lambda stub: stub.SetTemperature(request, timeout=PATIENCE_SECONDS))


@app.command()
def residual(
    charge_point: ChargePoint,
    milliamperes: Annotated[float, typer.Argument(metavar="MA", min=0.0, max=1000.0)],
    target: Target = HERE,
) -> None:
    """Set the residual current a charge point measures."""
    request = pb.SetResidualRequest(charge_point=charge_point, microamperes=round(milliamperes * 1000))
    _say(target, lambda stub: stub.SetResidual(request, timeout=PATIENCE_SECONDS))


@link.command()
def down(target: Target = HERE) -> None:
    """Drop every driver and refuse new ones, as if the cables were cut."""
    _say(target, lambda stub: stub.LinkDown(pb.LinkDownRequest(), timeout=PATIENCE_SECONDS))


@link.command()
def up(target: Target = HERE) -> None:
    """Let drivers attach again."""
    _say(target, lambda stub: stub.LinkUp(pb.LinkUpRequest(), timeout=PATIENCE_SECONDS))


@clock.command(context_settings={"ignore_unknown_options": True})
def jump(seconds: Annotated[float, typer.Argument(metavar="SECONDS")], target: Target = HERE) -> None:
    """Jump the wall clock (the bench says why it cannot)."""
    _say(target, lambda stub: stub.ClockJump(pb.ClockJumpRequest(seconds=seconds), timeout=PATIENCE_SECONDS))


@app.command()
def show(target: Target = HERE) -> None:
    """Show what really is: cars, currents, contactors, meters and fuses."""
    from rich.console import Console  # noqa: PLC0415

    from nodes.cli.bench_tables import tables  # noqa: PLC0415

    try:
        with bench(target) as stub:
            truth = stub.GetBench(pb.GetBenchRequest(), timeout=PATIENCE_SECONDS)
    except BenchMisused as misuse:
        _wrong(misuse)
    console = Console()
    for table in tables(truth):
        console.print(table)


def _say(target: str, verb: Callable[[BenchStub], pb.BenchDone]) -> None:
    """Do it and print what happened."""
    try:
        with bench(target) as stub:
            typer.echo(verb(stub).text)
    except BenchMisused as misuse:
        _wrong(misuse)


def _wrong(misuse: BenchMisused) -> NoReturn:
    typer.echo(f"chargepark: {misuse}", err=True)
    sys.exit(WRONG_USE)


def _milliamperes(amps: float | None) -> int | None:
    if amps is None:
        return None
    if not 0 <= amps <= 1000:  # noqa: PLR2004 - no car comes near
        raise typer.BadParameter(f"{amps:g} A is no current of a car")
    return round(amps * 1000)
