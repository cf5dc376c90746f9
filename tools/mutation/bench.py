"""A copy of this repository in which one file at a time is made wrong, and tests that run there."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

ROOT = Path(__file__).parents[2]
COPIED = ("park", "actors", "nodes", "benchmarks", "tools", "tests", "docs", "pyproject.toml")
LEFT_OUT = ("node_modules", "__pycache__", ".hypothesis", ".pytest_cache")
LOOK_SECONDS = 0.02
HANGS_SECONDS = 240.0  # many times what all these tests take: a bug that makes them endless is noticed
# A test that takes 20 s, ten times what the slowest one needs, never ends.
OPTIONS = ("-x", "-q", "--tb=line", "-p", "no:cacheprovider", "-o", "timeout=20",
           "-W", "ignore::pytest.PytestAssertRewriteWarning")  # fmt: skip
EXAMPLES = 30  # of a property: a bug that needs more to show is looked for by another test
LAST_WORDS = 400  # characters of what it said
DIED = 70  # EX_SOFTWARE of sysexits.h: the process of the tests ended without a code


class CannotRun(Exception):
    """The tests that were asked for are not there."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`caught`: a test failed, or did not end. `by`: the first such test. `seconds`: of a clock on the wall."""

    caught: bool
    by: str
    seconds: float


class Bench:
    """The copy. Tests run in processes forked from this one, in which the large libraries are loaded already."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="mutants-")
        self.root = Path(self._folder.name)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, self.root / name, ignore=shutil.ignore_patterns(*LEFT_OUT))
            else:
                shutil.copy2(source, self.root / name)
        _load_libraries()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._folder.cleanup()

    def read(self, file: str) -> str:
        return (self.root / file).read_text()

    @contextmanager
    def changed(self, file: str, text: str) -> Iterator[None]:
        """While this lasts, the file says something else."""
        path = self.root / file
        before, status = path.read_text(), path.stat()
        path.write_text(text)
        os.utime(path, (status.st_atime + 1, status.st_mtime + 1))  # never what its compiled form was made from
        try:
            yield
        finally:
            path.write_text(before)
            os.utime(path, (status.st_atime, status.st_mtime))

    def run(self, checkers: Sequence[str], *, keep_compiled: bool = False) -> Outcome:
        """Run these tests in their order until the first fails. `keep_compiled`: the next runs start faster."""
        began = time.monotonic()
        with tempfile.NamedTemporaryFile(mode="r", suffix=".txt") as said:
            child = os.fork()
            if child == 0:
                _become_pytest(self.root, checkers, said.name, keep_compiled=keep_compiled)
            code = _wait(child, began + HANGS_SECONDS)
            if code in {pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED}:
                raise CannotRun(f"these tests cannot be run: {_first_failure(Path(said.name), code)}")
            return Outcome(code != 0, _first_failure(Path(said.name), code), time.monotonic() - began)


def _load_libraries() -> None:
    """What tests import beside the code that is changed: loaded once, and there in every fork."""
    import hypothesis  # noqa: PLC0415 - slow, and only wanted where tests run
    import pydantic  # noqa: F401, PLC0415
    import scipy.optimize  # noqa: F401, PLC0415
    import xdist  # noqa: F401, PLC0415

    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)  # a failure is enough, it need not be small
    hypothesis.settings.register_profile(
        "mutation", phases=phases, derandomize=True, database=None, max_examples=EXAMPLES
    )
    hypothesis.settings.load_profile("mutation")


def _become_pytest(root: Path, checkers: Sequence[str], said: str, *, keep_compiled: bool) -> None:
    """In the fork: never returns."""
    code = DIED
    try:
        os.setsid()
        os.chdir(root)
        output = os.open(said, os.O_WRONLY)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.path[:0] = [str(root)]
        for name in [name for name in sys.modules if name.partition(".")[0] in {"tools", "tests", "park", "support"}]:
            del sys.modules[name]  # those of the copy count
        sys.dont_write_bytecode = not keep_compiled
        code = int(pytest.main([*OPTIONS, *checkers]))
    except BaseException:  # noqa: BLE001 - a fork must not go on as its parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(child: int, until: float) -> int:
    """Exit code of the child; one that does not end is killed with all it started."""
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= until:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return -signal.SIGKILL
        time.sleep(LOOK_SECONDS)


def _first_failure(said: Path, code: int) -> str:
    if code == 0:
        return ""
    if code == -signal.SIGKILL:
        return f"the tests did not end within {HANGS_SECONDS:g} s"
    failed = [line for line in said.read_text(errors="replace").splitlines() if line.startswith(("FAILED", "ERROR"))]
    if failed:
        return failed[0].split(" ", 1)[1].partition(" - ")[0]
    return f"pytest ended with {code}: {said.read_text(errors='replace')[-LAST_WORDS:].strip()}"
