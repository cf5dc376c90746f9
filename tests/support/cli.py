"""Runs the command line as a user does, in another process or, faster, in this one: exit code and what it prints."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from nodes.cli import main

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-W", "error", "-c", "from nodes.cli import main; main()")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@dataclass(frozen=True, slots=True)
class Finished:
    returncode: int
    stdout: str
    stderr: str


def chargepark(*arguments: str) -> Finished:
    """One command in this process; an exception that would reach the user as a traceback reaches the test."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(list(arguments))
        except SystemExit as end:
            code = end.code
        else:
            code = 0
    return Finished(code if isinstance(code, int) else 1, out.getvalue(), err.getvalue())
