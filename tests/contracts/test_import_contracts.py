"""Each contract of pyproject.toml is broken on purpose in a copy of the tree, and the check must see it."""

import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("park", "actors", "nodes", "tools")


@dataclass(frozen=True)
class Breach:
    """A file whose presence must break a contract, and what the report must say of it."""

    contract: str
    file: str
    source: str
    reported: tuple[str, ...]


def imports(contract: str, file: str, *modules: str) -> Breach:
    """A file that imports what its ring may not import, a module a line."""
    name = file.removesuffix(".py").replace("/", ".")
    reported = tuple(f"{name}:{line} imports {module}" for line, module in enumerate(modules, 1))
    return Breach(contract, file, "".join(f"import {module}\n" for module in modules), reported)


INPUT_AND_OUTPUT = ("socket", "time", "random", "os", "sqlite3", "subprocess", "asyncio", "multiprocessing", "grpc")
BREACHES = [
    Breach("rings", "park/broken.py", "import actors\n", ("park.broken -> actors",)),
    Breach("rings", "park/broken.py", "from nodes import field\n", ("park.broken -> nodes",)),
    Breach("rings", "actors/broken.py", "import nodes\n", ("actors.broken -> nodes",)),
    imports("park", "park/model/broken.py", "threading", "logging", "pykka", *INPUT_AND_OUTPUT),
    imports("actors", "actors/broken.py", "pydantic", *INPUT_AND_OUTPUT),
    imports("dependencies", "nodes/broken.py", "pytest", "tools", "tests"),
    Breach("siblings", "actors/broken.py", "from actors import one\n", ("actors.broken:1 imports its sibling",)),
    Breach("files", "park/broken.py", "text = open('x')\n", ("park.broken:1 uses open()",)),
    Breach("files", "actors/broken.py", "def f(p):\n    p.read_text()\n", ("actors.broken:2 uses .read_text",)),
    Breach("crossing", "nodes/broken.py", "def f(x):\n    x.call_soon_threadsafe(f)\n", ("nodes.broken:2 uses",)),
    Breach("crossing", "actors/broken.py", "def f(x):\n    x.run_coroutine_threadsafe(f)\n", ("actors.broken:2 uses",)),
    Breach("ask", "actors/broken.py", "def f(ref):\n    ref.ask(1)\n", ("actors.broken:2 uses .ask",)),
    Breach("ask", "nodes/broken.py", "def f(ref):\n    ref.proxy()\n", ("nodes.broken:2 uses .proxy",)),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the contracts look at, with a sibling to import."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "actors/one.py").write_text("")
    return tmp_path


def lint(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    lint_imports = Path(sys.executable).parent / "lint-imports"
    command = [lint_imports, "--no-cache", *arguments]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)


def test_the_tree_keeps_every_contract(tree: Path) -> None:
    checked = lint(tree)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: f"{breach.contract} in {breach.file}")
def test_a_breach_is_reported(tree: Path, breach: Breach) -> None:
    (tree / breach.file).write_text(breach.source)
    checked = lint(tree, "--contract", breach.contract)
    assert checked.returncode == 1
    said = " ".join(checked.stdout.split())
    assert [line for line in breach.reported if line not in said] == []


def test_siblings_may_import_what_is_shared(tree: Path) -> None:
    (tree / "actors/broken.py").write_text("import actors.world\nfrom actors.address import Address\n")
    assert "actors.broken" not in lint(tree, "--contract", "siblings").stdout


def test_the_bridge_may_do_what_others_may_not(tree: Path) -> None:
    (tree / "nodes/bridge.py").write_text("def f(loop, ref):\n    loop.call_soon_threadsafe(f)\n    ref.ask(1)\n")
    assert "nodes.bridge:" not in lint(tree, "--contract", "crossing", "--contract", "ask").stdout


def test_no_contract_is_left_unbroken() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = {contract["id"] for contract in settings["tool"]["importlinter"]["contracts"]}
    assert {breach.contract for breach in BREACHES} == contracts
