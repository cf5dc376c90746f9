"""The wheel, installed elsewhere, is the program: nothing it needs lies only in the source tree."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]  # one process builds it for all

ROOT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "park", "actors", "nodes")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--no-input")


def run(*command: str | Path, where: Path, **environment: str) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(
        command, cwd=where, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, without network: the build backend is the one of the lock."""
    source = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    run(*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", "dist", ".", where=source)
    (built,) = (source / "dist").glob("chargepark-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the installed wheel."""
    target = tmp_path_factory.mktemp("installed")
    run(*PIP, "install", "--no-deps", "--no-index", "--target", target, wheel, where=target)
    return target


def test_the_wheel_holds_the_three_rings_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"park", "actors", "nodes"}
    assert {f"{ring}/py.typed" for ring in ("park", "actors", "nodes")} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.parametrize(("argument", "said"), [("--version", "0.1.0"), ("--help", "demo")])
def test_the_installed_command_runs(installed: Path, argument: str, said: str) -> None:
    output = run(
        sys.executable,
        installed / "bin/chargepark",
        argument,
        where=installed,
        PYTHONPATH=str(installed),
        COLUMNS="120",
    )
    assert said in output


def test_what_runs_is_the_installed_copy(installed: Path) -> None:
    where = "import park, actors, nodes; print(*(p.__file__ for p in (park, actors, nodes)), sep='\\n')"
    output = run(sys.executable, "-c", where, where=installed, PYTHONPATH=str(installed))
    assert all(Path(line).is_relative_to(installed) for line in output.split())
