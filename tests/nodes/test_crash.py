"""Where a process dies on purpose: the N-th passing of a point, of all messages or one kind, said at once or later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nodes.crash import Kinds, _Plan

PASSINGS: tuple[tuple[str, Kinds], ...] = (
    ("a", ("", "K")),
    ("b", ("", "K")),
    ("a", ("", "L")),
    ("a", ()),
    ("a", ("", "K")),
)
PROGRAM = "from nodes.crash import crash_point; crash_point('a'); crash_point('b')"


def steps(wish: str) -> int | None:
    """At which of the passings, from 1, the process would die; None: at none."""
    plan = _Plan(wish)
    passed = (place for place, (name, kinds) in enumerate(PASSINGS, 1) if plan.passed(name, kinds))
    return next(passed, None)


@pytest.mark.parametrize(
    ("wish", "dies"),
    [("a", 1), ("b", 2), ("a:2", 3), ("a:3", 5), ("a:L", 3), ("a:K:2", 5), ("b:1", 2), ("c", None), ("a:M", None)],
)
def test_it_dies_where_it_is_told(wish: str, dies: int | None) -> None:
    assert steps(wish) == dies


def test_a_file_may_say_it_later_and_counts_anew(tmp_path: Path) -> None:
    file = tmp_path / "death"
    plan = _Plan(f"@{file}")
    assert not plan.passed("a", ("",))
    file.write_text("a:2\n", encoding="utf-8")
    assert [plan.passed("a", ("",)) for _ in range(2)] == [False, True]
    file.write_text("b", encoding="utf-8")
    assert [plan.passed(name, ("",)) for name in "ab"] == [False, True]


def test_who_dies_of_a_file_takes_it_away(tmp_path: Path) -> None:
    file = tmp_path / "death"
    file.write_text("b", encoding="utf-8")
    environment = {**os.environ, "CHARGEPARK_CRASH": f"@{file}"}
    done = [subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=False) for _ in range(2)]
    assert [each.returncode for each in done] == [-signal.SIGKILL, 0]
    assert not file.exists()
