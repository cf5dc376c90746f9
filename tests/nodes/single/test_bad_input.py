"""A node that cannot start says what, where and what to do, and ends: no traceback, no second try."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from support.rig import PATIENCE, Configuration, bare_rig, configuration, eventually

FAILED, WRONG = 1, 2
BROKEN = (
    ("headroom_amps", "headroom", "circuit[grid].headroom: is not a known key; did you mean 'headroom_amps'?"),
    ("seconds = 1", 'seconds = "1"', "load.interval_seconds: is '1'; write a number without quotes"),
    ("[63, 63, 63]", '["43 kW", 63, 63]', "circuit[grid].limit_amps[L1]: is '43 kW'; write a number without quotes"),
    ("min_amps = 6", "min_amps = 6000", "charge_point[cp1].min_amps: is 6000, must be at most 80 A; give a value of"),
)
DOUBLE = (
    ('name = "cp2"\n', 'name = "cp1"\n', "charge_point[#2].name: 'cp1' is the name of 2 tables; give each its own"),
    ("connector = 2", "connector = 1", "].connector: 1 is the connector id of 2 tables; give each its own"),
)


def run(config: Path) -> subprocess.CompletedProcess[str]:
    """`chargepark run`, as a user starts it; it has to end by itself."""
    command = [sys.executable, "-m", "nodes.cli", "run", str(config)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE)


def refused(config: Path, code: int, *words: str) -> None:
    """It ended with this code, every line is for a person, and these words are among them."""
    done = run(config)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert all(line.startswith("chargepark: ") for line in done.stderr.splitlines()), done.stderr
    for word in words:
        assert word in done.stderr


@pytest.fixture
def config(tmp_path: Path) -> Configuration:
    return configuration(tmp_path)


@pytest.mark.parametrize("mistakes", [BROKEN, DOUBLE], ids=["keys and values", "names"])
def test_every_mistake_in_a_configuration_is_told_at_once(
    config: Configuration, mistakes: tuple[tuple[str, str, str], ...]
):
    text = config.path.read_text()
    for right, wrong, _ in mistakes:
        assert right in text
        text = text.replace(right, wrong, 1)
    config.path.write_text(text)
    refused(config.path, WRONG, f"{config.path}: ", *(told for _, _, told in mistakes))
    assert not (config.path.parent / "data").exists()


def test_a_missing_password_file_is_refused(config: Configuration):
    config.path.write_text(config.path.read_text().replace('= "RIG"', '= "RIG"\npassword_file = "key"'))
    refused(config.path, WRONG, f"{config.path}: backend.password_file: ", "key cannot be read", "AuthorizationKey")


def test_a_missing_file_is_refused(config: Configuration):
    missing = config.path.with_name("garage.toml")
    refused(missing, WRONG, f"{missing}: there is no such file; check the path")


@pytest.mark.parametrize("which", ["energy", "metrics"])
def test_a_port_in_use_is_refused(config: Configuration, which: str):
    port = getattr(config, which)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        refused(
            config.path, FAILED, f"[listen] {which}: cannot listen on 127.0.0.1:{port}", "change", "stop the program"
        )


def test_a_database_of_a_newer_version_is_refused_and_not_touched(config: Configuration):
    file = config.path.parent / "data/chargepark.sqlite3"
    file.parent.mkdir()
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    before = file.read_bytes()
    refused(config.path, FAILED, f"{file}: made by a newer chargepark (schema 99", "install that version again")
    assert file.read_bytes() == before


def test_a_database_that_another_node_uses_is_refused_and_that_node_runs_on(tmp_path: Path):
    with bare_rig(tmp_path) as park:
        park.start_node()
        eventually("the first node runs", park.view)
        again = tmp_path / "again.toml"
        text = park.config.path.read_text()
        for port in (park.config.energy, park.config.metrics):
            text = text.replace(f"127.0.0.1:{port}", "")  # the ports are not what they would quarrel about
        again.write_text(text)
        refused(again, FAILED, "another process uses this database; stop it or give this node another node.data_dir")
        assert park.view() is not None
        assert park.end("node") == 0
