"""zeroconf 0.154, on loopback only: what the discovery edge will stand on."""

from __future__ import annotations

import asyncio
import inspect
import socket
from collections.abc import AsyncIterator
from typing import cast

import pytest
from zeroconf import IPVersion, NonUniqueNameException, ServiceStateChange
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

TYPE = "_park-facts._tcp.local."


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
