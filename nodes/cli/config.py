"""`chargepark config`: the configuration keys of a running park, those a backend may change too."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer

from nodes.administration.orders import PATIENCE_SECONDS, configuration_admin
from nodes.config_files import read_config
from nodes.rpc import configuration_pb2 as pb
from park.errors import ConfigurationInvalid, KeyRefused

app = typer.Typer(no_args_is_help=True, help="Show and set configuration keys while the park runs.")
Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="TOML file of the server, or of a single board.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="A key; KEY[7] for connector 7, KEY[NODE] for a board.")]
Keys = Annotated[list[str] | None, typer.Argument(metavar="[KEY]...", help="Without: all keys.")]
Value = Annotated[str, typer.Argument(metavar="VALUE", help='"" at one place: the park\'s value holds there again.')]


@app.command("get")
def get_command(
    config: Config,
    keys: Keys = None,
    more: Annotated[bool, typer.Option("--more", help="Also access, default, who set it and what it is for.")] = False,
) -> None:
    """Show keys, one a line: KEY=VALUE."""
    with configuration_admin(_data_dir(config)) as admin:
        listed = admin.GetKeys(pb.GetKeysRequest(names=keys or ()), timeout=PATIENCE_SECONDS)
    for entry in listed.keys:
        typer.echo(f"{entry.name}={entry.value}")
        if more:
            typer.echo(f"    {_details(entry)}")
    if listed.unknown:
        raise KeyRefused(f"there is no key {', '.join(listed.unknown)}; `chargepark config get {config}` lists all")


@app.command("set")
def set_command(config: Config, key: Key, value: Value) -> None:
    """Set a key; it is kept over restarts."""
    with configuration_admin(_data_dir(config)) as admin:
        done = admin.SetKey(pb.SetKeyRequest(name=key, value=value), timeout=PATIENCE_SECONDS)
    typer.echo(f"{key} is set; it works after a restart of the node" if done.restart else f"{key} is set")


def _details(entry: pb.KeyEntry) -> str:
    said = f"{entry.access}; default {entry.default!r}"
    if entry.by:
        said += f"; set by {entry.by}"
    if entry.HasField("at"):
        said += f" at {entry.at.ToDatetime(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"{said}; {entry.about}"


def _data_dir(config: Path) -> Path:
    node = read_config(config).node
    if node.role == "client":
        finding = f"{config}: node.role: a client board obeys the keys of its server; give the server's file"
        raise ConfigurationInvalid((finding,))
    return Path(node.data_dir)
