"""Runs the command line as a user does: another process, its exit code and what it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds until a test fails that would otherwise hang
COMMAND = (sys.executable, "-W", "error", "-c", "from nodes.cli import main; main()")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}


def chargepark(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=ROOT, env=ENVIRONMENT
    )
