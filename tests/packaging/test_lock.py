"""The locks: everything declared is pinned with hashes, and no address of a registry stands in them."""

import json
import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
PINNED = [Requirement(entry.split(" \\\n")[0]) for entry in re.split(r"\n(?=\S)", LOCK.strip())]


def test_everything_declared_is_locked_within_its_bounds() -> None:
    extras = (requirement for extra in PROJECT["optional-dependencies"].values() for requirement in extra)
    declared = [Requirement(text) for text in (*PROJECT["dependencies"], *extras)]
    pins: dict[str, set[str]] = {}
    for pin in PINNED:
        (version,) = (specifier.version for specifier in pin.specifier)
        pins.setdefault(canonicalize_name(pin.name), set()).add(version)
    for wanted in declared:
        if wanted.name != PROJECT["name"]:
            found = pins.get(canonicalize_name(wanted.name), set())
            assert found, f"{wanted.name} is not in requirements.lock: run make lock"
            assert all(wanted.specifier.contains(version) for version in found), f"{wanted}: run make lock"


def test_every_pin_has_hashes() -> None:
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    assert [entry for entry in entries if "--hash=sha256:" not in entry or "==" not in entry] == []


def test_no_address_stands_in_the_locks() -> None:
    assert "://" not in LOCK
    assert "--index" not in LOCK
    npm = json.loads((ROOT / "tests/peers/package-lock.json").read_text())
    assert [name for name, package in npm["packages"].items() if "resolved" in package] == []
