"""`chargepark whitelist`: the cards of a running park, beside those in its file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.timestamp_pb2 import Timestamp

from nodes.administration.orders import PATIENCE_SECONDS, whitelist_admin
from nodes.config_files import read_config
from nodes.rpc import whitelist_pb2 as pb
from park.errors import ConfigurationInvalid

app = typer.Typer(no_args_is_help=True, help="Show, add, remove and teach cards while the park runs.")
Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="TOML file of the server, or of a single board.")]
Tag = Annotated[str, typer.Argument(metavar="TAG", help="Id tag, or the card's number as 04:A1:B2:C3 or 04A1B2C3.")]
Seconds = Annotated[float, typer.Option("--for", metavar="SECONDS", min=0, help="How long; 0 ends it.")]
Reader = Annotated[str, typer.Option("--reader", metavar="READER", help="Only at this one; else at every reader.")]


@app.command("list")
def list_command(config: Config) -> None:
    """Show the cards of the file and those added since."""
    with whitelist_admin(_data_dir(config)) as admin:
        listed = admin.ListTags(pb.ListTagsRequest(), timeout=PATIENCE_SECONDS)
    for where, entries in (("file", listed.configured), ("added", listed.taught)):
        for entry in entries:
            typer.echo("  ".join(_columns(entry, where)))


@app.command("add")
def add_command(
    config: Config,
    tag: Tag,
    name: Annotated[str, typer.Option("--name", help="Whose it is.")] = "",
    expires: Annotated[
        datetime | None,
        typer.Option("--expires", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Refused from then on, UTC."),
    ] = None,
    blocked: Annotated[bool, typer.Option("--blocked", help="Refuse it, whatever the backend says.")] = False,
) -> None:
    """Add a card, or replace what is known of it."""
    entry = pb.TagEntry(tag=tag, name=name, blocked=blocked)
    if expires is not None:
        stamp = Timestamp()
        stamp.FromDatetime(expires.replace(tzinfo=UTC))
        entry.expires.CopyFrom(stamp)
    with whitelist_admin(_data_dir(config)) as admin:
        admin.AddTag(entry, timeout=PATIENCE_SECONDS)
    typer.echo(f"{tag} is {'blocked' if blocked else 'known'} to the park")


@app.command("remove")
def remove_command(config: Config, tag: Tag) -> None:
    """Forget a card that was added or taught; those in the file are removed there."""
    with whitelist_admin(_data_dir(config)) as admin:
        admin.RemoveTag(pb.RemoveTagRequest(tag=tag), timeout=PATIENCE_SECONDS)
    typer.echo(f"{tag} is forgotten")


@app.command("teach-in")
def teach_in_command(config: Config, seconds: Seconds = 60.0, reader: Reader = "") -> None:
    """Add every card that is held to a reader for a while."""
    _teach(config, pb.TeachRequest(seconds=seconds, reader=reader), "added")


@app.command("teach-out")
def teach_out_command(config: Config, seconds: Seconds = 60.0, reader: Reader = "") -> None:
    """Remove every card that is held to a reader for a while."""
    _teach(config, pb.TeachRequest(out=True, seconds=seconds, reader=reader), "removed")


def _teach(config: Path, request: pb.TeachRequest, what: str) -> None:
    with whitelist_admin(_data_dir(config)) as admin:
        admin.Teach(request, timeout=PATIENCE_SECONDS)
    where = f"at {request.reader}" if request.reader else "at any reader"
    typer.echo(f"cards shown {where} are {what} for {request.seconds:g} s" if request.seconds else "teaching has ended")


def _columns(entry: pb.TagEntry, where: str) -> Iterator[str]:
    yield f"{entry.tag:<20}"
    yield f"{where:<5}"
    yield f"{'blocked' if entry.blocked else 'allowed':<7}"
    if entry.HasField("expires"):
        yield f"until {entry.expires.ToDatetime(UTC):%Y-%m-%d %H:%M} UTC"
    if entry.name:
        yield entry.name


def _data_dir(config: Path) -> Path:
    node = read_config(config).node
    if node.role == "client":
        finding = f"{config}: node.role: a client board has the whitelist of its server; give the server's file"
        raise ConfigurationInvalid((finding,))
    return Path(node.data_dir)
