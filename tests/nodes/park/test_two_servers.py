"""A copy of a server beside it: one stands down and says so, the other has all boards."""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest
from support.park_rig import SERVER, ParkRig, park_rig
from support.ports import free_ports
from support.rig import eventually

pytestmark = [pytest.mark.slow]
COPY = "copy"


@pytest.fixture
def park(tmp_path: Path) -> Generator[ParkRig]:
    with park_rig(tmp_path, clients=1, points=1, lease=4) as made:
        yield made


def copied(park: ParkRig) -> Path:
    """The file of a copy of the stopped server, on ports of its own."""
    shutil.copytree(park.directory / SERVER, park.directory / COPY, ignore=shutil.ignore_patterns("*.sock"))
    text = park.files[SERVER].read_text(encoding="utf-8")
    text = text.replace(f'data_dir = "{park.directory / SERVER}"', f'data_dir = "{park.directory / COPY}"')
    ports = iter(free_ports(4))
    listen = re.compile(r'^((?:boards|pairing|energy|metrics) = "127\.0\.0\.1:)\d+"', re.MULTILINE)
    file = park.directory / f"{COPY}.toml"
    file.write_text(listen.sub(lambda found: f'{found[1]}{next(ports)}"', text), encoding="utf-8")
    return file


@pytest.mark.timeout(240)
def test_one_of_a_server_and_its_copy_stands_down(park: ParkRig) -> None:
    eventually("the server leads", lambda: "leads the park" in park.log(SERVER))
    park.kill(SERVER)
    file = copied(park)
    park.start_board(SERVER)
    park.start(COPY, "-m", "nodes.cli", "run", str(file))

    def down(node: str) -> bool:
        return "this server stands down" in park.log(node)

    eventually("one stands down", lambda: down(SERVER) or down(COPY), 60)
    lower, higher = (SERVER, COPY) if down(SERVER) else (COPY, SERVER)
    assert "another-server" in park.log(lower)
    leads = park.log(higher).count("leads the park") + (higher == COPY)
    eventually("the other leads", lambda: park.log(higher).count("leads the park") >= leads, 60)
    eventually("it has the board", lambda: "bay-1" in park.log(higher), 60)
    assert not down(higher)
