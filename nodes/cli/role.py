"""`chargepark role`: what a node is in its park, and how it becomes something else without losing a session."""

from __future__ import annotations

import tomllib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from nodes.checked_config import read_checked
from nodes.config_files import read_config, read_text
from nodes.store import FILE, Store
from nodes.toml_text import toml_text
from park.config.board import Role
from park.config.node_config import NodeConfig
from park.config.switching import placements_of, switched
from park.errors import ConfigurationInvalid, RoleRefused
from park.handover import TABLES, Holdings, closed_with_the_boards, holdings, obstacle, offered_whole
from park.model.time import Now
from park.physics.hardware import TRAITS

app = typer.Typer()


@app.command("role")
def role_command(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="TOML file of the node.")],
    role: Annotated[str, typer.Argument(metavar="[single|server|client]", help="Without: show the present one.")] = "",
    park: Annotated[str, typer.Option("--park", metavar="NAME", help="The park to lead or to join.")] = "",
    server: Annotated[
        str, typer.Option("--server", metavar="HOST:PORT", help="Where the server is; else it is looked for.")
    ] = "",
    write: Annotated[bool, typer.Option("--write", help="Replace the file; the old one stays as .bak.")] = False,
) -> None:
    """Show the role of a node, or write its file for another one. The node has to be stopped."""
    before = read_config(config)
    if not role:
        typer.echo("\n".join(_shown(before)))
        return
    after = _role(role)
    if after == before.node.role:
        typer.echo(f"{before.node.name} is a {after} already")
        return
    document: dict[str, Any] = tomllib.loads(read_text(config))
    made = config.with_name(f"{config.stem}.{after}{config.suffix}")
    with _held(before) as (store, held):
        reason = obstacle(before.node.role, after, held, has_backend=before.backend is not None)
        if reason is not None:
            raise RoleRefused(f"{before.node.name} stays a {before.node.role}: {reason}")
        _write(made, toml_text(switched(document, after, park, server)))
        read_checked(made, lambda _: TRAITS)  # what is still missing is said with the name of the new file
        if write and store is not None and after == "client":
            store.put_now(*offered_whole(held))
    if write:
        _write(config.with_name(f"{config.name}.bak"), read_text(config))
        made.replace(config)
    typer.echo("\n".join(_done(config if write else made, before, after, held)))
    if after == "client":
        typer.echo("\n".join(_for_the_server(document)))


def _shown(config: NodeConfig) -> Iterator[str]:
    yield f"{config.node.name} is a {config.node.role}"
    if config.server is not None:
        yield f"joins park {config.server.park}, server {config.server.address or 'found by discovery'}"
    if config.park is not None:
        boards = {each.charge_point.partition("/")[0] for each in config.placement} - {config.node.name}
        yield f"leads park {config.park.name}, {len(boards)} other boards placed"


def _role(text: str) -> Role:
    match text:
        case "single" | "server" | "client":
            return text
        case _:
            raise ConfigurationInvalid((f"{text!r} is no role; say single, server or client",))


@contextmanager
def _held(before: NodeConfig) -> Generator[tuple[Store | None, Holdings]]:
    """What the stopped node's database holds; None of a node that never ran. Raises StoreUnusable while it runs."""
    directory = Path(before.node.data_dir)
    if not (directory / FILE).exists():
        yield None, Holdings()
        return
    store = Store(directory)
    try:
        yield store, holdings(store.journal_id, store.rows(*TABLES), Now(0.0, datetime.now(UTC)))
    finally:
        store.stop()


def _done(file: Path, before: NodeConfig, after: Role, held: Holdings) -> Iterator[str]:
    yield f"{file}: {before.node.name} as a {after}"
    closing = closed_with_the_boards(held, before.node.name)
    if (before.node.role, after) == ("server", "single") and closing:
        yield f"{closing} sessions of other boards will be closed with their last known reading"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RoleRefused(f"{path} cannot be written: {error.strerror}; check the directory and the disk") from error


def _for_the_server(document: dict[str, Any]) -> Iterator[str]:
    yield "for the file of the server, with connector ids that are free there and one of its circuits:"
    yield toml_text({"placement": placements_of(document)}).rstrip()
