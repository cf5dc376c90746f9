"""`chargepark pair`: which boards belong to the park; `show` on a board, everything else on the server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict

from nodes.above import keys_of
from nodes.cli import managers
from nodes.config_files import read_config
from nodes.pairing.identity import BoardKeys
from nodes.pairing.orders import PATIENCE_SECONDS, pairing_admin
from nodes.pairing.token_file import write_token
from nodes.rpc import pairing_pb2 as pb
from park.config.board import Role
from park.config.node_config import NodeConfig
from park.errors import ConfigurationInvalid, PairingRefused
from park.pairing.fingerprint import same_words, words

app = typer.Typer(no_args_is_help=True, help="Let boards join the park, and put them out of it.")
app.add_typer(managers.app, name="energy")
Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="TOML file of the server.")]
Node = Annotated[str, typer.Argument(metavar="NODE", help="Name of the board.")]
Seconds = Annotated[float, typer.Option("--for", metavar="SECONDS", min=1, help="How long.")]
Replace = Annotated[bool, typer.Option("--replace", help="Its board was replaced: put the one before out.")]
Words = Annotated[str, typer.Option("--words", help="The board's words, as the board shows them; else you are asked.")]


@app.command("open")
def open_command(config: Config, seconds: Seconds = 600.0) -> None:
    """Take requests to join for a while."""
    with pairing_admin(_data_dir(config)) as admin:
        admin.OpenPairing(pb.OpenPairingRequest(seconds=seconds), timeout=PATIENCE_SECONDS)
    typer.echo(f"pairing is open for {seconds:g} s")


@app.command("close")
def close_command(config: Config) -> None:
    """Take no more requests, and void all join tokens."""
    with pairing_admin(_data_dir(config)) as admin:
        admin.ClosePairing(pb.ClosePairingRequest(), timeout=PATIENCE_SECONDS)
    typer.echo("pairing is closed")


@app.command("list")
def list_command(config: Config, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show the words of the park, who waits, who is paired, and tokens that are not used yet."""
    state = _state(_data_dir(config))
    if as_json:
        typer.echo(json.dumps(_as_json(state), indent=1, ensure_ascii=False))
    else:
        typer.echo("\n".join(_lines(state)))


@app.command("token")
def token_command(
    config: Config,
    node: Node,
    seconds: Seconds = 600.0,
    replace: Replace = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there, for your eyes only.")] = None,
) -> None:
    """Make a join token for one board; it opens pairing until it expires."""
    with pairing_admin(_data_dir(config)) as admin:
        request = pb.MakeTokenRequest(node=node, seconds=seconds, replace=replace)
        made = admin.MakeToken(request, timeout=PATIENCE_SECONDS)
    if out is None:
        typer.echo(made.token)
        return
    write_token(out, made.token)
    typer.echo(f"{out}: lets board {node} join once within {seconds:g} s; name it in its server.join_token_file")


@app.command("approve")
def approve_command(config: Config, node: Node, said: Words = "", replace: Replace = False) -> None:
    """Let a waiting board join, after its words were compared."""
    data_dir = _data_dir(config)
    fingerprint = _compared(_state(data_dir), node, said)
    with pairing_admin(data_dir) as admin:
        request = pb.ApproveBoardRequest(node=node, fingerprint=fingerprint, replace=replace)
        admin.ApproveBoard(request, timeout=PATIENCE_SECONDS)
    typer.echo(f"{node} is a board of this park; it fetches its certificate within seconds")


@app.command("reject")
def reject_command(config: Config, node: Node, said: Words = "") -> None:
    """Refuse a waiting board."""
    data_dir = _data_dir(config)
    waiting = _waiting(_state(data_dir), node, said)
    with pairing_admin(data_dir) as admin:
        for each in waiting:
            admin.RejectBoard(pb.RejectBoardRequest(node=node, fingerprint=each.fingerprint), timeout=PATIENCE_SECONDS)
    typer.echo(f"{node} is rejected")


@app.command("revoke")
def revoke_command(config: Config, node: Node) -> None:
    """Put a paired board out, at once and for ever; a board of that name needs a new key."""
    with pairing_admin(_data_dir(config)) as admin:
        admin.RevokeBoard(pb.RevokeBoardRequest(node=node), timeout=PATIENCE_SECONDS)
    typer.echo(f"{node} is no board of this park any more")


@app.command("count")
def count_command(config: Config) -> None:
    """Print how many boards are paired, here or away."""
    typer.echo(str(len(_paired(_state(_data_dir(config))))))


@app.command("clear")
def clear_command(
    config: Config, yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False
) -> None:
    """Put all paired boards out, at once and for ever; each needs a new key to come back."""
    data_dir = _data_dir(config)
    boards = _paired(_state(data_dir))
    if not boards:
        typer.echo("no board is paired")
        return
    if not yes and not (sys.stdin.isatty() and typer.confirm(f"Put out {', '.join(boards)}?")):
        raise PairingRefused(f"{len(boards)} boards stay paired; say --yes to put them out: {', '.join(boards)}")
    with pairing_admin(data_dir) as admin:
        for node in boards:
            admin.RevokeBoard(pb.RevokeBoardRequest(node=node), timeout=PATIENCE_SECONDS)
    typer.echo(f"{', '.join(boards)}: no boards of this park any more")


@app.command("show")
def show_command(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="TOML file of the board.")],
) -> None:
    """Show a board's own words and fingerprint, and whether it is paired; of a group's, in the park above."""
    file = read_config(config)
    if file.above is None:
        file = _config(config, "client", "on the server say `chargepark pair list`")
    keys = BoardKeys(keys_of(file))
    typer.echo(f"board        {file.node.name}")
    typer.echo(f"words        {keys.words}")
    typer.echo(f"fingerprint  {keys.fingerprint}")
    member = keys.membership()
    if member is None:
        typer.echo("paired       no")
        return
    typer.echo(f"paired       with park {member.park} ({words(member.authority)}), until {member.until:%Y-%m-%d}")


# ---------------------------------------------------------------- who is meant


def _config(path: Path, role: Role, remedy: str) -> NodeConfig:
    config = read_config(path)
    if config.node.role != role:
        raise ConfigurationInvalid((f"{path}: node.role: is {config.node.role}, not {role}; {remedy}",))
    return config


def _data_dir(path: Path) -> Path:
    config = _config(path, "server", "name the server's file; on a board say `chargepark pair show`")
    return Path(config.node.data_dir)


def _state(data_dir: Path) -> pb.PairingState:
    with pairing_admin(data_dir) as admin:
        return admin.ListPairing(pb.ListPairingRequest(), timeout=PATIENCE_SECONDS)


def _waiting(state: pb.PairingState, node: str, said: str) -> list[pb.PendingBoard]:
    """The requests of a board, all or the one with these words."""
    named = [each for each in state.pending if each.node == node]
    if not named:
        raise PairingRefused(f"no board called {node} waits; is pairing open, and does the board run?")
    chosen = [each for each in named if not said or same_words(said, each.fingerprint)]
    if not chosen:
        theirs = " and ".join(words(each.fingerprint) for each in named)
        raise PairingRefused(
            f"{node} waits with other words: {theirs}; if the board shows {said}, somebody else asks in its name"
        )
    return chosen


def _compared(state: pb.PairingState, node: str, said: str) -> str:
    """The fingerprint a person has compared, by giving its words or by saying yes to them."""
    waiting = _waiting(state, node, said)
    if said:
        return waiting[0].fingerprint
    if not sys.stdin.isatty():
        raise typer.BadParameter("give --words with the words the board shows: nobody can be asked here")
    for each in waiting:
        typer.echo(f"board {node} at {each.peer} shows the words  {words(each.fingerprint)}")
        typer.echo(f"and for this park it shows the words  {words(state.authority_fingerprint)}")
        if typer.confirm("Does the board show exactly these?"):
            return each.fingerprint
    raise PairingRefused(f"{node} was not approved; if its words differ, somebody else asks in its name")


def _paired(state: pb.PairingState) -> list[str]:
    return sorted({board.node for board in state.boards if not board.HasField("revoked_at")})


# ---------------------------------------------------------------- tables


def _lines(state: pb.PairingState) -> Iterator[str]:
    yield f"park {state.park}  words {words(state.authority_fingerprint)}"
    yield f"pairing is {_open(state)}"
    for each in state.pending:
        yield f"waits    {each.node:<20} {words(each.fingerprint)}  {each.peer}"
    for board in state.boards:
        yield f"{_standing(board):<8} {board.node:<20} {words(board.fingerprint)}  {_history(board)}"
    for token in state.tokens:
        yield f"token    {token.node:<20} until {_day(token.expires.ToDatetime(UTC))}{_replaces(token)}"


def _open(state: pb.PairingState) -> str:
    if not state.HasField("open_seconds"):
        return "open: the server's file says so"
    return f"open for {state.open_seconds:.0f} s" if state.open_seconds > 0 else "closed"


def _standing(board: pb.PairedBoard) -> str:
    return board.why if board.HasField("revoked_at") else "paired"


def _history(board: pb.PairedBoard) -> str:
    since = f"since {_day(board.since.ToDatetime(UTC))}"
    if board.HasField("revoked_at"):
        return f"{since}, out since {_day(board.revoked_at.ToDatetime(UTC))}"
    until = f", certificate until {_day(board.until.ToDatetime(UTC))}" if board.HasField("until") else ""
    return f"{since} ({board.why}){until}"


def _replaces(token: pb.JoinToken) -> str:
    return ", replaces its board" if token.replace else ""


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _as_json(state: pb.PairingState) -> dict[str, object]:
    told = MessageToDict(state, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    told["open_seconds"] = state.open_seconds if state.HasField("open_seconds") else None
    told["authority_words"] = words(state.authority_fingerprint)
    for each in (*told["pending"], *told["boards"]):
        each["words"] = words(each["fingerprint"])
    return told
