"""The command `chargepark`: finds the subcommand, and turns what users can mend into a sentence and an exit code."""

from __future__ import annotations

import os
import sys
from importlib import import_module, metadata
from typing import Annotated

import typer

from nodes.interpreter import without_collections
from park.errors import ChargeparkError, ConfigurationInvalid

COMMANDS = (
    "demo",
    "run",
    "check",
    "status",
    "explain",
    "messages",
    "limit",
    "pair",
    "whitelist",
    "config",
    "role",
    "discover",
    "simulate",
    "bench",
)
"""Each is a module of this package with a `typer.Typer` named `app`; `GROUPS` have commands of their own."""
GROUPS = ("limit", "pair", "whitelist", "config", "bench")
FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130  # what shells expect: 128 + SIGINT


def version() -> str:
    """The version of the installed distribution."""
    try:
        return metadata.version("chargepark")
    except metadata.PackageNotFoundError:  # a source tree that was never installed
        return "unknown"


def main(arguments: list[str] | None = None) -> None:
    """Entry of the script `chargepark`. Exit codes: 0 fine, 1 failed, 2 wrong use or configuration."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its C core would write into the log in a format of its own
    try:
        words = sys.argv[1:] if arguments is None else arguments
        application(words)(words, prog_name="chargepark")
    except ConfigurationInvalid as invalid:
        _fail(invalid, WRONG_USE)
    except ChargeparkError as failure:
        _fail(failure, FAILED)
    except KeyboardInterrupt:  # before the command began: whoever pressed Ctrl-C wants no trace of it
        sys.exit(INTERRUPTED)


def application(arguments: list[str]) -> typer.Typer:
    """The application with the one command that is wanted, so that `status` need not load what `demo` needs."""
    app = typer.Typer(
        name="chargepark",
        help="Controls an EV charging park.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name in _wanted(next(iter(arguments), "")):
        with without_collections():
            module = import_module(f"nodes.cli.{name}")
        app.add_typer(module.app, name=name if name in GROUPS else None)
    return app


def _wanted(first: str) -> tuple[str, ...]:
    if first == "--version":
        return ()
    return (first,) if first in COMMANDS else COMMANDS


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chargepark {version()}")
        raise typer.Exit


def _options(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Take the options that stand before the subcommand."""


def _fail(failure: ChargeparkError, code: int) -> None:
    typer.echo("\n".join(f"chargepark: {line}" for line in str(failure).splitlines()), err=True)
    sys.exit(code)
