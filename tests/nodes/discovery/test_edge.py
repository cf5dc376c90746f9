"""The discovery edge on loopback, with the real library on both sides."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from pathlib import Path

import pytest
from support.cli import ENVIRONMENT, ROOT
from support.discovery import PATIENCE, Board, announced, new_park, settings
from zeroconf import IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from nodes.bridge import keep_running
from park.config.node_config import NodeConfig
from park.config.quantities import Endpoint
from park.discovery.announcement import SERVICE_TYPE
from park.discovery.candidates import server_candidates, server_endpoints
from park.discovery.settings import DiscoverySettings, discovery_settings
from park.discovery.sighting import Sighting


def nodes(seen: tuple[Sighting, ...]) -> set[str]:
    return {each.node for each in seen}


async def test_boards_see_each_other_and_a_goodbye():
    park = new_park()
    async with announced(Board(settings(park, "server", "server", 7070)), "ab12") as server:
        async with announced(Board(settings(park, "bay-a"))) as bay:
            seen = await bay.sees(lambda seen: nodes(seen) == {"server", "bay-a"})
            await server.sees(lambda seen: nodes(seen) == {"server", "bay-a"})
        await server.sees(lambda seen: nodes(seen) == {"server"})
    (found,) = server_candidates(seen, park)
    assert (found.fingerprint, found.proto, found.endpoints) == ("ab12", 1, (Endpoint("127.0.0.1", 7070),))
    assert 0 <= time.monotonic() - found.seen < PATIENCE
    assert server_endpoints(seen, park) == (Endpoint("127.0.0.1", 7070),)
    assert not server.alarms.messages
    assert not bay.alarms.messages


async def test_pairing_and_fingerprint_are_announced_when_they_change():
    park = new_park()
    async with (
        announced(Board(settings(park, "server", "server", 7070))) as server,
        announced(Board(settings(park, "bay-a"))) as bay,
    ):
        server.announce("", 7072)
        await bay.sees(lambda seen: [each.pairing_port for each in seen if each.node == "server"] == [7072])
        server.announce("ab12")
        (found,) = server_candidates(await bay.sees(lambda seen: any(each.fingerprint for each in seen)), park)
    assert (found.fingerprint, found.pairing_port) == ("ab12", 0)
    assert not server.alarms.messages


async def test_a_board_announces_itself_again_and_was_seen_later_then(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("nodes.discovery.edge.FORGET_SECONDS", 0.2)
    monkeypatch.setattr("park.discovery.sightings.RENEWED_SECONDS", 1.5)
    park = new_park()
    async with (
        announced(Board(settings(park, "server", "server", 7070), announce_seconds=1.0)),
        announced(Board(settings(park, "bay-a"))) as bay,
    ):
        first = next(each.seen for each in await bay.sees(lambda seen: len(seen) == 2) if each.node == "server")
        await bay.sees(lambda seen: any(each.node == "server" and each.seen > first for each in seen))


async def test_a_name_that_is_taken_is_an_alarm_and_the_board_is_there_all_the_same():
    park = new_park()
    async with (
        announced(Board(settings(park, "bay-a", "client", 7070))) as first,
        announced(Board(settings(park, "bay-a", "client", 7071))) as second,
    ):
        await second.alarms.until(lambda alarm: alarm.code == "discovery-name-taken")
        seen = await second.sees(lambda seen: len(seen) == 2)
        for board in (first, second):
            alarm = await board.alarms.until(lambda alarm: alarm.code == "discovery-node-twice")
            assert f"park {park}: two boards call themselves bay-a" in alarm.text
    assert [(each.instance, each.node, each.port) for each in seen] == [
        (f"bay-a@{park}", "bay-a", 7070),
        (f"bay-a@{park} (2)", "bay-a", 7071),
    ]


async def test_a_rogue_is_listed_tried_last_and_seen_by_a_technician():
    park = new_park()
    async with (
        announced(Board(settings(park, "server", "server", 7070)), "ab12"),
        announced(Board(settings(park, "a-rogue", "server", 6666)), "ffff"),
        announced(Board(settings(f"{park}-2", "server", "server", 6667)), "eeee") as stranger,
        announced(Board(settings(park, "bay-a"), pinned="ab12")) as bay,
    ):
        seen = await bay.sees(lambda seen: len(seen) == 3)
        await bay.told.until(lambda change: nodes(change.others) >= {"server"})
        await bay.alarms.until(lambda alarm: alarm.code == "discovery-server-twice")
        assert not stranger.alarms.messages
    assert [each.node for each in server_candidates(seen, park, "ab12")] == ["server", "a-rogue"]


async def test_a_record_by_others_that_is_no_announcement_changes_nothing():
    """Another program may use the type; a board must neither fail nor list it."""
    park = new_park()
    other = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    info = AsyncServiceInfo(
        SERVICE_TYPE,
        f"printer-{park}.{SERVICE_TYPE}",
        addresses=[socket.inet_aton("127.0.0.1")],
        port=9,
        properties={b"park": b"\xff\x00", b"node": None, b"role": b"server"},
        server=f"printer-{park}.local.",
    )
    await (await other.async_register_service(info))
    try:
        async with (
            announced(Board(settings(park, "bay-a"))) as bay,
            announced(Board(settings(park, "bay-b"))),
        ):
            assert nodes(await bay.sees(lambda seen: len(seen) == 2)) == {"bay-a", "bay-b"}
    finally:
        await other.async_close()


async def test_it_works_by_the_name_of_an_interface_as_well():
    park = new_park()
    async with (
        announced(Board(settings(park, "server", "server", 7070, "lo"))),
        announced(Board(settings(park, "bay-a"))) as bay,
    ):
        await bay.sees(lambda seen: nodes(seen) == {"server", "bay-a"})


async def test_without_an_interface_it_waits():
    board = Board(settings(new_park(), "bay-a", "client", 0, "nothing0"))
    board.announce()
    task = asyncio.create_task(board.edge.run())
    done, _ = await asyncio.wait({task}, timeout=0.5)
    assert not done
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not board.told.messages


async def test_it_ends_when_its_announcements_do():
    park = new_park()
    async with announced(Board(settings(park, "bay-b"))) as other:
        board = Board(settings(park, "bay-a"))
        board.announce()
        task = asyncio.create_task(keep_running("discovery", board.edge.run))
        await other.sees(lambda seen: nodes(seen) == {"bay-a", "bay-b"})
        board.announcements.close()
        await asyncio.wait_for(task, PATIENCE)
        await other.sees(lambda seen: nodes(seen) == {"bay-b"})


@pytest.mark.rule("B-094")
async def test_a_server_with_discovery_off_is_not_found_and_a_fixed_address_is_the_alternative():
    park = new_park()
    off = discovery_settings_of(park, enabled=False)
    assert off is None
    async with announced(Board(settings(park, "bay-a"))) as bay, announced(Board(settings(park, "bay-b"))):
        seen = await bay.sees(lambda seen: nodes(seen) == {"bay-a", "bay-b"})  # by now a server would be there too
    assert server_endpoints(seen, park) == ()
    assert server_endpoints(seen, park, fixed="192.0.2.1:7070") == (Endpoint("192.0.2.1", 7070),)


def discovery_settings_of(park: str, *, enabled: bool) -> DiscoverySettings | None:
    return discovery_settings(
        NodeConfig.model_validate(
            {
                "node": {"name": "server", "role": "server", "data_dir": "x"},
                "discovery": {"enabled": enabled, "interfaces": ["127.0.0.1"]},
                "park": {"name": park},
            }
        )
    )


async def test_another_process_sees_it_and_prints_it():
    park = new_park()
    command = (sys.executable, "-W", "error", "-c", "from nodes.cli import main; main()")
    async with announced(Board(settings(park, "server", "server", 7070)), "ab12cd34"):
        process = await asyncio.create_subprocess_exec(
            *command,
            "discover",
            "--interface",
            "127.0.0.1",
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, problems = await asyncio.wait_for(process.communicate(), PATIENCE)
    (row,) = (line.split() for line in printed.decode().splitlines() if line.startswith(park))
    assert row == [park, "server", "server", "127.0.0.1:7070", "1", "closed", "ab12", "cd34"]
    assert (process.returncode, problems) == (0, b"")


async def test_two_hundred_starts_and_ends_leave_nothing_behind():
    """C07: tasks and sockets; without a claim of a name, which takes two seconds."""
    before = sockets()
    for turn in range(200):
        board = Board(settings(new_park(), "bay-a"))
        board.announce()
        task = asyncio.create_task(board.edge.run())
        for _ in range(turn % 20):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert sockets() <= before  # fewer: those of earlier tests went meanwhile


def sockets() -> int:
    return sum("socket:" in str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink())
