"""A server and two boards as processes: found, paired, and one park for cards, backend and status."""

from __future__ import annotations

import io
import json
import tarfile
import tomllib
from collections.abc import Generator
from pathlib import Path

import pytest
from support.file_server import FileServer, file_server
from support.park_rig import DOOR, SERVER, TAGS, ParkRig, park_rig
from support.rig import eventually

from tests.support.cli import chargepark

pytestmark = [pytest.mark.slow]


@pytest.fixture
def park(tmp_path: Path) -> Generator[ParkRig]:
    with park_rig(tmp_path) as made:
        yield made


def client_status(park: ParkRig, node: str) -> dict:
    listens = tomllib.loads(park.files[node].read_text(encoding="utf-8"))["listen"]
    return asked(listens["energy"])


def status(park: ParkRig) -> dict:
    return asked(f"127.0.0.1:{park.config.energy}")


def asked(target: str) -> dict:
    done = chargepark("status", "--json", "--target", target)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.rule("B-352", "B-354")
def test_one_park(park: ParkRig) -> None:
    shown = status(park)
    assert {node["name"]: node["state"] for node in shown["nodes"]} == dict.fromkeys(park.files, "alive")
    assert {row["name"]: row["connector"] for row in shown["charge_points"]} == {
        name: park.connector(name) for name in park.charge_points
    }

    own = client_status(park, "bay-1")
    assert {node["name"]: (node["role"], node["state"]) for node in own["nodes"]} == {
        "bay-1": ("client", "alive"),
        "server": ("server", "alive"),
    }
    assert [row["name"] for row in own["charge_points"]] == ["bay-1/cp1", "bay-1/cp2", "bay-1/cp3"]

    for number, (point, reader) in enumerate((("bay-2/cp2", DOOR), ("bay-1/cp1", DOOR), ("bay-1/cp3", "bay-1/pillar"))):
        park.plug(point)
        eventually("the server sees the car", lambda point=point: park.sees_vehicle(point))
        park.swipe(TAGS[number], reader)
        eventually(f"{point} charges after a card at {reader}", lambda point=point: park.charging(point))
    eventually("some energy", lambda: all(park.evse(point).energy_wh > 2 for point in ("bay-2/cp2", "bay-1/cp1")))
    for point in ("bay-2/cp2", "bay-1/cp1", "bay-1/cp3"):
        park.unplug(point)
    eventually("the backend has every session whole", lambda: park.waiting() == 0 and park.problems() == [])

    assert sorted(each.connector for each in park.ledger().transactions()) == [1, 3, 5]
    with file_server(park.directory) as files:
        parts = diagnostics(park, files)
    assert set(parts) == {
        f"{SERVER}/node.log",
        f"{SERVER}/security.log",
        f"{SERVER}/status.json",
        f"{SERVER}/about.txt",
        "bay-1.tar.gz",
        "bay-2.tar.gz",
    }
    for board in park.clients:
        log = unpacked(parts[f"{board}.tar.gz"])[f"{board}/node.log"]
        assert b"event=running" in log
        assert not any(tag.encode() in log for tag in TAGS)


def diagnostics(park: ParkRig, files: FileServer) -> dict[str, bytes]:
    """The parts of the archive that the server brings when the backend asks for it."""
    payload = {"location": f"http://localhost:{files.port}/logs"}
    park.tell_backend(json.dumps({"call": "GetDiagnostics", "payload": payload}))
    eventually("the diagnostics are brought", lambda: files.uploads)
    (body,) = files.uploads.values()
    return unpacked(body)


def unpacked(body: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        members = [(each.name, archive.extractfile(each)) for each in archive.getmembers()]
        return {name: file.read() for name, file in members if file is not None}
