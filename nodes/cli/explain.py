"""`chargepark explain`: why a charge point has the current it has."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict

from nodes.cli.targets import Target
from nodes.energy.client import explained
from nodes.log import visible

app = typer.Typer()


@app.command("explain")
def explain(
    charge_point: Annotated[str, typer.Argument(metavar="CP", help="NODE/CHARGE_POINT, or its last part.")],
    target: Target = "127.0.0.1:7071",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the limit that binds, whose it is, and all on the way to the grid connection."""
    explanation = explained(target, charge_point)
    if as_json:
        told = MessageToDict(explanation, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        typer.echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        typer.echo("\n".join(visible(line) for line in explanation.text.splitlines()))
