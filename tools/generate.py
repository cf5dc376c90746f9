"""Writes the checked-in files that are made from others; with --check it says which of them are out of date."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tools import gen_config_reference, gen_ocpp_keys, gen_octt, rules

ROOT = Path(__file__).parent.parent
PROTO = ROOT / "proto"
PROTOC_OUTPUTS = ("python_out", "mypy_out", "grpc_python_out", "mypy_grpc_out")

Files: TypeAlias = dict[str, bytes]  # path below the root → contents


@dataclass(frozen=True, slots=True)
class Generator:
    """`make` gives the wanted files; what matches `owns` and is not among them is left over from a removed source."""

    name: str
    make: Callable[[], Files]
    owns: str


def protobuf_modules() -> Files:
    """Modules and stubs of every file below proto/; the file's path is the module's path."""
    sources = [path.relative_to(PROTO).as_posix() for path in sorted(PROTO.rglob("*.proto"))]
    if not sources:
        return {}
    plugins = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", "")))
    with tempfile.TemporaryDirectory() as folder:
        outputs = [f"--{output}={folder}" for output in PROTOC_OUTPUTS]
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", *outputs, *sources]
        subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "PATH": plugins}, capture_output=True)
        made = [path for path in Path(folder).rglob("*") if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in made}


def rule_coverage() -> Files:
    """docs/rules.md from the marks in tests/."""
    page = rules.render(rules.read_rules(ROOT / "docs/rules.csv"), rules.marked_tests(ROOT / "tests"))
    return {"docs/rules.md": page.encode()}


def configuration_reference() -> Files:
    """docs/configuration.md from the models in park/config/."""
    return {"docs/configuration.md": gen_config_reference.render().encode()}


def ocpp_keys() -> Files:
    """docs/ocpp_keys.md from the registry in park/ocpp/keys/."""
    return {"docs/ocpp_keys.md": gen_ocpp_keys.render().encode()}


def octt_cases() -> Files:
    """docs/octt.md from docs/octt.csv and the files of tests/octt/."""
    page = gen_octt.render(gen_octt.read_cases(ROOT / "docs/octt.csv"), gen_octt.read_tests(ROOT / "tests/octt"))
    return {"docs/octt.md": page.encode()}


GENERATORS = (
    Generator("proto", protobuf_modules, "nodes/**/*_pb2*"),
    Generator("configuration", configuration_reference, "docs/configuration.md"),
    Generator("keys", ocpp_keys, "docs/ocpp_keys.md"),
    Generator("octt", octt_cases, "docs/octt.md"),
    Generator("rules", rule_coverage, "docs/rules.md"),
)


def out_of_date(generator: Generator) -> tuple[Files, list[Path]]:
    """What has to be written, and what has to go."""
    wanted = generator.make()
    stale = {path: new for path, new in wanted.items() if not _holds(ROOT / path, new)}
    present = {path.relative_to(ROOT).as_posix() for path in ROOT.glob(generator.owns) if path.is_file()}
    present = {path for path in present if "__pycache__" not in path}
    return stale, [ROOT / path for path in sorted(present - set(wanted))]


def _holds(path: Path, contents: bytes) -> bool:
    return path.is_file() and path.read_bytes() == contents


def check(generator: Generator) -> bool:
    """Whether the checked-in files are up to date; says which are not."""
    stale, surplus = out_of_date(generator)
    for path in [*stale, *(path.relative_to(ROOT).as_posix() for path in surplus)]:
        print(f"{path} is out of date: run `make proto docs` and commit what it writes", file=sys.stderr)
    return not stale and not surplus


def write(generator: Generator) -> bool:
    """Bring the files up to date; says which it touched."""
    stale, surplus = out_of_date(generator)
    for path, contents in stale.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_bytes(contents)
        print(f"wrote {path}")
    for path in surplus:
        path.unlink()
        print(f"removed {path.relative_to(ROOT)}")
    return True


def main(arguments: list[str]) -> int:
    """`python -m tools.generate [--check] [NAME …]`: all generators, or the named ones."""
    names = [argument for argument in arguments if argument != "--check"]
    known = [generator.name for generator in GENERATORS]
    if unknown := sorted(set(names) - set(known)):
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    work = check if "--check" in arguments else write
    chosen = [generator for generator in GENERATORS if not names or generator.name in names]
    try:
        done = [work(generator) for generator in chosen]
    except subprocess.CalledProcessError as failure:
        print(failure.stderr.decode(errors="replace"), file=sys.stderr)
        return 1
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
