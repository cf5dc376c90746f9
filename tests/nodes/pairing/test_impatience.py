"""A board that looks for its server asks as soon as pairing opens somewhere, not when its pause is over."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nodes.config_files import read_config
from nodes.membership import ServerPlaces
from nodes.pairing.identity import BoardKeys
from park.config.board import ServerSection
from park.config.quantities import Endpoint
from park.discovery.sighting import Sighting
from park.discovery.sightings import SightingsChanged

AN_HOUR = 3600.0
EXAMPLE = Path(__file__).parents[3] / "examples/client.toml"


def seen(pairing_port: int, park: str = "carpark", node: str = "server") -> SightingsChanged:
    announced = Sighting(f"{node}@{park}", node, park, "server", 1, "", ("192.0.2.7",), 7070, pairing_port, 1.0)
    return SightingsChanged((announced,))


def section() -> ServerSection:
    found = read_config(EXAMPLE).server
    assert found is not None
    return found


@pytest.fixture
def server(tmp_path: Path) -> ServerPlaces:
    return ServerPlaces(section(), BoardKeys(tmp_path))


async def test_it_asks_when_pairing_opens(server: ServerPlaces) -> None:
    assert server.pairing_place() is None
    pause = asyncio.create_task(server.pause(AN_HOUR))
    server.tell(seen(pairing_port=7072))
    await asyncio.wait_for(pause, 10)
    assert server.pairing_place() == Endpoint("192.0.2.7", 7072)


async def test_what_opened_while_it_asked_is_not_missed(server: ServerPlaces) -> None:
    assert server.pairing_place() is None
    server.tell(seen(pairing_port=7072))
    await asyncio.wait_for(server.pause(AN_HOUR), 10)


async def test_the_same_place_again_is_no_reason_to_ask_sooner(server: ServerPlaces) -> None:
    server.tell(seen(pairing_port=7072))
    assert server.pairing_place() is not None
    server.tell(seen(pairing_port=7072))
    server.tell(SightingsChanged((*seen(7072).sightings, *seen(7072, "elsewhere", "other").sightings)))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(server.pause(AN_HOUR), 0.8)
