"""`chargepark pair energy`: which energy managers may set limits in a park."""

from __future__ import annotations

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer

from nodes.administration.orders import PATIENCE_SECONDS, admin_channel
from nodes.config_files import read_config
from nodes.energy.managers import token_digest
from nodes.pairing import certificates as certs
from nodes.pairing import files
from nodes.rpc import limits_pb2 as pb
from nodes.rpc.limits_pb2_grpc import ManagerAdminStub
from park.errors import ConfigurationInvalid, PairingRefused

TOKEN_BYTES = 32
app = typer.Typer(no_args_is_help=True, help="Let energy managers set limits, and put them out.")
Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="TOML file of the server, or of a single board.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the energy manager; shown as source of its limits.")]


@app.command("add")
def add_command(
    config: Config,
    name: Name,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where its files are written.")] = Path(),
    token: Annotated[
        bool, typer.Option("--token", help="A token for [listen] energy on this machine instead of a certificate.")
    ] = False,
) -> None:
    """Let a manager in, by a certificate for [listen] energy_tls or by a token; it replaces one of the same name."""
    if token:
        _with_token(config, name, out)
    else:
        _with_certificate(config, name, out)


@app.command("list")
def list_command(config: Config) -> None:
    """Show who may set limits."""
    with _managers(config) as admin:
        listed = admin.ListManagers(pb.ListManagersRequest(), timeout=PATIENCE_SECONDS)
    for each in listed.managers:
        typer.echo(f"{each.name:<20} by {each.proof}, since {each.since.ToDatetime(UTC):%Y-%m-%d %H:%M} UTC")
    if not listed.managers:
        typer.echo("no energy manager may set limits")


@app.command("remove")
def remove_command(config: Config, name: Name) -> None:
    """Put a manager out, at once; limits it has set hold until they run out or are cleared."""
    with _managers(config) as admin:
        admin.RemoveManager(pb.RemoveManagerRequest(name=name), timeout=PATIENCE_SECONDS)
    typer.echo(f"{name} may set no limits any more; those it has set: `chargepark limit list`, `limit clear --manager`")


def _with_token(config: Path, name: str, out: Path) -> None:
    made = secrets.token_urlsafe(TOKEN_BYTES)
    with _managers(config) as admin:
        request = pb.AddManagerRequest(name=name, token_digest=token_digest(made))
        admin.AddManager(request, timeout=PATIENCE_SECONDS)
    path = out / f"{name}.token"
    files.write(path, f"{made}\n".encode(), files.PRIVATE)
    typer.echo(f"{path}: {name} sends it as metadata `authorization: Bearer TOKEN` to [listen] energy, on this machine")


def _with_certificate(config: Path, name: str, out: Path) -> None:
    key = certs.new_key()
    with _managers(config) as admin:
        request = pb.AddManagerRequest(name=name, signing_request_pem=certs.signing_request(key, name))
        added = admin.AddManager(request, timeout=PATIENCE_SECONDS)
    files.write(out / f"{name}.key", certs.key_pem(key), files.PRIVATE)
    files.write(out / f"{name}.pem", added.certificate_pem, files.PUBLIC)
    files.write(out / f"{name}-ca.pem", added.authority_pem, files.PUBLIC)
    typer.echo(
        f"{out / name}.key, {out / name}.pem, {out / name}-ca.pem: key, certificate and CA with which {name} comes to "
        f"[listen] energy_tls; there it expects the name {certs.SERVER_NAME}"
    )


@contextmanager
def _managers(config: Path) -> Generator[ManagerAdminStub]:
    node = read_config(config).node
    if node.role == "client":
        finding = f"{config}: node.role: energy managers speak to the server; give the server's file"
        raise ConfigurationInvalid((finding,))
    with admin_channel(Path(node.data_dir), PairingRefused) as channel:
        yield ManagerAdminStub(channel)
