"""Random kills of server and boards among many sessions, as processes; the figures are kept in docs/soak.md.

`python -m tools.kills --sessions 1000 --kills 100 --connectors 40 --seed 1`. Exit code 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tools.soak import RECORD, ROOT, commit

sys.path.insert(0, str(ROOT / "tests"))  # the rig of real processes is the tests'

from support.kill_run import Found, Wish, kill_run

POINTS_OF_BOARD = 10


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.kills", description="kill -9 among many sessions")
    parser.add_argument("--sessions", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--connectors", type=int, default=40, help=f"{POINTS_OF_BOARD} on each board")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    boards, rest = divmod(wanted.connectors, POINTS_OF_BOARD)
    if boards < 1 or rest or min(wanted.sessions, wanted.kills) < 1:
        parser.error(f"connectors are a multiple of {POINTS_OF_BOARD}, sessions and kills at least 1")
    wish = Wish(wanted.sessions, wanted.kills, boards, POINTS_OF_BOARD, wanted.seed)
    with tempfile.TemporaryDirectory(prefix="kills-") as directory:
        found = kill_run(Path(directory), wish, lambda text: print(text, flush=True))
    print("\n".join(found.lines()))
    keep(found)
    return 0 if found.is_fine else 1


def keep(found: Found, path: Path = RECORD) -> None:
    """Add a section to the record."""
    title = f"## {datetime.now(UTC):%Y-%m-%d}, kills, commit {commit()}, seed {found.wish.seed}"
    lines = "\n".join(f"* {line}" for line in found.lines())
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{title}\n\n{lines}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
