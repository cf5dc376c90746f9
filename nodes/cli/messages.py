"""`chargepark messages`: what passed between the node and its backend last."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Annotated

import typer

from nodes.cli.targets import Target
from nodes.energy.client import messages as fetch
from nodes.log import visible
from nodes.rpc import messages_pb2 as pb
from park.ocpp.wire import iso

NOTHING = "nothing passed between this node and a backend since it started; `chargepark status` says how the link is"
app = typer.Typer()


@app.command("messages")
def messages(
    target: Target = "127.0.0.1:7071",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the newest messages to and from the backend, oldest first; secrets and id tags are masked."""
    told = fetch(target)
    if as_json:
        typer.echo(json.dumps([_members(each) for each in told], indent=1, ensure_ascii=False))
        return
    for each in told:
        typer.echo(_line(each))
    if not told:
        typer.echo(NOTHING, err=True)


def _at(message: pb.BackendMessage) -> str:
    return iso(message.at.ToDatetime(UTC))


def _way(message: pb.BackendMessage) -> str:
    return "sent" if message.sent else "received"


def _line(message: pb.BackendMessage) -> str:
    words = (_at(message), f"{_way(message):<8}", message.kind, message.action, message.unique_id, message.body)
    return " ".join(visible(word) for word in words if word)


def _members(message: pb.BackendMessage) -> dict[str, object]:
    return {
        "at": _at(message),
        "direction": _way(message),
        "kind": visible(message.kind),
        "action": visible(message.action) or None,
        "unique_id": visible(message.unique_id) or None,
        "body": visible(message.body),
        "characters": message.characters,
    }
