"""zeroconf 0.154, on loopback only: what the discovery edge stands on."""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
from collections.abc import AsyncIterator
from typing import cast

import pytest
from zeroconf import IPVersion, NonUniqueNameException, ServiceStateChange
from zeroconf._protocol.outgoing import DNSOutgoing
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf
from zeroconf.const import _CLASS_IN, _TYPE_SRV

TYPE = f"_pf{os.getpid() % 10**9}._tcp.local."  # of this process: another runs the same tests beside it


def loopback() -> AsyncZeroconf:
    return AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)


def service(name: str) -> AsyncServiceInfo:
    return AsyncServiceInfo(
        TYPE,
        f"{name}.{TYPE}",
        addresses=[socket.inet_aton("127.0.0.1")],
        port=7070,
        properties={"role": "server"},
        server=f"{name}.local.",
    )


@pytest.fixture
async def ours() -> AsyncIterator[AsyncZeroconf]:
    zeroconf = loopback()
    yield zeroconf
    await zeroconf.async_close()


@pytest.fixture
async def theirs() -> AsyncIterator[AsyncZeroconf]:
    zeroconf = loopback()
    yield zeroconf
    await zeroconf.async_close()


async def test_a_service_appears_goes_and_is_resolved(ours: AsyncZeroconf, theirs: AsyncZeroconf):
    """Registering is awaited twice; handlers are plain functions called with these keywords; a goodbye is seen."""
    seen: asyncio.Queue[tuple[str, ServiceStateChange]] = asyncio.Queue()

    def handler(**keywords: object) -> None:
        assert set(keywords) == {"zeroconf", "service_type", "name", "state_change"}
        seen.put_nowait(cast("tuple[str, ServiceStateChange]", (keywords["name"], keywords["state_change"])))

    browser = AsyncServiceBrowser(ours.zeroconf, TYPE, handlers=[handler])
    info = service("board-1")
    announcing = await theirs.async_register_service(info)
    assert inspect.isawaitable(announcing)
    await announcing
    assert await asyncio.wait_for(seen.get(), 10.0) == (info.name, ServiceStateChange.Added)
    found = AsyncServiceInfo(TYPE, info.name)
    assert await found.async_request(ours.zeroconf, 3000)
    assert (found.port, found.properties[b"role"]) == (7070, b"server")
    await (await theirs.async_unregister_service(info))
    while (change := await asyncio.wait_for(seen.get(), 10.0)) != (info.name, ServiceStateChange.Removed):
        assert change[0] == info.name
    await browser.async_cancel()


async def test_a_name_that_is_taken_is_refused(ours: AsyncZeroconf, theirs: AsyncZeroconf):
    """Two boards with one name: the second has to say so."""
    await (await theirs.async_register_service(service("board-2")))
    with pytest.raises(NonUniqueNameException):
        await (await ours.async_register_service(service("board-2")))


def test_a_dot_in_an_instance_name_becomes_a_bound_between_labels():
    """Though RFC 6763 §4.1.1 has one label: other programs would see another name, so ours have no dot."""
    packet = DNSOutgoing(0x8400)
    packet.add_answer_at_time(service("bay-a.garage").dns_service(), 0)
    (sent,) = packet.packets()
    assert b"\x05bay-a\x06garage" in sent


async def test_an_update_keeps_the_name_and_changes_the_record(ours: AsyncZeroconf, theirs: AsyncZeroconf):
    info = service("board-3")
    await (await theirs.async_register_service(info))
    changed = service("board-3")
    changed._set_properties({"role": "client"})
    await (await theirs.async_update_service(changed))
    found = AsyncServiceInfo(TYPE, info.name)
    assert await found.async_request(ours.zeroconf, 3000)
    assert found.properties[b"role"] == b"client"


async def test_closing_in_a_task_that_is_being_cancelled_may_close_nothing():
    """Cancelling a wait for the start cancels the start itself: the edge closes in a task of its own."""
    zeroconf = loopback()
    with pytest.raises(asyncio.CancelledError):
        await _cancelled_while_it_starts(zeroconf)
    assert not zeroconf.zeroconf.done
    await asyncio.create_task(zeroconf.async_close())
    assert zeroconf.zeroconf.done


async def _cancelled_while_it_starts(zeroconf: AsyncZeroconf) -> None:
    async def work() -> None:
        try:
            await zeroconf.zeroconf.async_wait_for_start()
        finally:
            await zeroconf.async_close()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await task


async def test_a_service_taken_from_the_registry_says_no_goodbye(ours: AsyncZeroconf):
    """So a board whose addresses change does not vanish for others in between."""
    theirs, info = loopback(), service("board-4")
    await (await theirs.async_register_service(info))
    assert await AsyncServiceInfo(TYPE, info.name).async_request(ours.zeroconf, 3000)
    theirs.zeroconf.registry.async_remove(info)
    await theirs.async_close()
    assert AsyncServiceInfo(TYPE, info.name).load_from_cache(ours.zeroconf)
    assert ours.zeroconf.cache.get_by_details(info.name, _TYPE_SRV, _CLASS_IN) is not None
