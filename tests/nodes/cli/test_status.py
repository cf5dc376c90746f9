import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from nodes.energy.server import EnergyServer
from nodes.view import ViewStore
from park.config.quantities import Endpoint
from park.load.report import EpochTaken
from park.model.time import Now
from park.view import ParkView, to_json
from tests.support.cli import COMMAND, ENVIRONMENT, ROOT, Finished, chargepark
from tests.support.park_views import AT, FAULT, MONO, charging_point, garage, nothing_known

PATIENCE = 60.0  # seconds until a test fails that would otherwise hang


@asynccontextmanager
async def node(view: ParkView | None = None) -> AsyncIterator[tuple[str, ViewStore, EnergyServer]]:
    """A node that shows this view; yields its address and its store."""
    store = ViewStore("garage-1", view or garage())
    server = EnergyServer(Endpoint("127.0.0.1", 0), store, lambda: Now(MONO, AT))
    await server.start()
    try:
        yield f"127.0.0.1:{server.port}", store, server
    finally:
        await server.stop(0)


async def asked(view: ParkView, *options: str) -> Finished:
    async with node(view) as (target, _, _):
        return await asyncio.to_thread(chargepark, "status", "--target", target, *options)


async def test_json_is_schema_1():
    done = await asked(garage(2), "--json")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == to_json(garage(2)) | {"actors": []}


async def test_people_get_reason_and_limits_in_words():
    done = await asked(garage())

    assert (done.returncode, done.stderr) == (0, "")
    for words in (
        "park garage",
        "garage-1/cp1",
        "Charging",
        "25.2 25.2 25.1",
        "#42 3.12 kWh by backend",
        "the load of others on grid L1 (meter grid-meter), 41.4 A available",
        "backend online",
    ):
        assert words in done.stdout


async def test_faults_come_with_their_remedy():
    done = await asked(replace(garage(), charge_points=(replace(charging_point(1), faults=(FAULT,)),)))

    assert "garage-1/cp1 EvseLost since 2026-11-20" in done.stdout
    assert "no link to the electronics → check power and cabling" in done.stdout


async def test_unknown_is_a_dash():
    done = await asked(nothing_known())
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("garage-1/cp1")]

    assert line.split() == ["garage-1/cp1", *"––––––"]


async def test_what_a_device_says_cannot_steer_the_terminal():
    fault = replace(FAULT, cause="\x1b[2J[red]wiped[/red]\r")
    done = await asked(replace(garage(), charge_points=(replace(charging_point(1), faults=(fault,)),)))

    assert "\x1b" not in done.stdout
    assert "[red]wiped[/red]" in done.stdout


async def test_watching_shows_every_change_until_the_node_ends():
    async with node() as (target, store, server):
        command = [*COMMAND, "status", "--target", target, "--watch", "--json"]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, cwd=ROOT, env=ENVIRONMENT)
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            first = json.loads(await process.stdout.readline())
            store.tell(EpochTaken(4))
            second = json.loads(await process.stdout.readline())
            await server.stop(PATIENCE)
            rest, errors = await process.communicate()

    assert (first["epoch"], second["epoch"]) == (3, 4)
    assert (process.returncode, rest, errors) == (0, b"", b"")


def test_nobody_there_is_one_sentence_and_exit_1():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        target = f"127.0.0.1:{closed.getsockname()[1]}"
    done = chargepark("status", "--target", target)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"chargepark: no park at {target}: nobody answers there; "
        "is the node running, and is this its [listen] energy address?\n"
    )


@pytest.mark.parametrize("target", ["", "nonsense", "host:port", ":7071", "127.0.0.1:99999"])
def test_a_target_that_is_none_is_wrong_use(target: str):
    done = chargepark("status", "--target", target)

    assert done.returncode == 2
    assert "--target" in done.stderr
    assert "Traceback" not in done.stderr
