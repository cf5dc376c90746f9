"""One life of the mDNS library on one set of addresses: registers, updates, browses; its errors become OSError."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol, cast

from zeroconf import Error, IPVersion, NonUniqueNameException, ServiceInfo, ServiceStateChange
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf
from zeroconf.const import _CLASS_IN, _TYPE_SRV  # pyright: ignore[reportPrivateUsage] - numbers of RFC 1035 and 2782

from nodes.discovery.interfaces import Network
from park.discovery.announcement import SERVICE_TYPE, Announcement, host_name, instance_name, txt_record
from park.discovery.sighting import MOST_ADDRESSES
from park.discovery.sightings import Heard

RESOLVE_MS = 3000
TOKEN_BYTES = 4
MOST_OPEN = 64  # questions under way: whoever floods the network with names gets no memory of ours


class NameTaken(OSError):
    """Another board answers to this instance name."""


class _Registers(Protocol):
    """What the library leaves half typed: the first wait is for the name, the second for the announcements."""

    async def async_register_service(self, info: ServiceInfo) -> Awaitable[None]: ...

    async def async_update_service(self, info: ServiceInfo) -> Awaitable[None]: ...


class Responder:
    """Made by `responding`. Names here are full ones, `INSTANCE.TYPE`."""

    def __init__(self, zeroconf: AsyncZeroconf, network: Network) -> None:
        self._zeroconf = zeroconf
        self._addresses = network.announced
        self._token = secrets.token_hex(TOKEN_BYTES)
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def register(self, announcement: Announcement, number: int) -> str:
        """Claim the name and announce it, about two seconds; returns the instance. Raises NameTaken, OSError."""
        instance = instance_name(announcement, number)
        info = self._described(announcement, number)
        zeroconf = cast("_Registers", self._zeroconf)
        with _as_os_error():
            try:
                await (await zeroconf.async_register_service(info))
            except NonUniqueNameException as taken:
                raise NameTaken(instance) from taken
        return instance

    async def update(self, announcement: Announcement, number: int) -> None:
        """Announce what changed, under the same name."""
        info = self._described(announcement, number)
        with _as_os_error():
            await (await cast("_Registers", self._zeroconf).async_update_service(info))

    def forget(self) -> None:
        """Say no goodbye at the end: the name is announced again in a moment, from other addresses."""
        registry = self._zeroconf.zeroconf.registry
        registry.async_remove(registry.async_get_service_infos())  # also what was cut short while it was announced

    def browse(self, there: Callable[[str], None], gone: Callable[[str], None]) -> AsyncServiceBrowser:
        """Call on the loop: `there(name)` for every instance and at each change of it, `gone(name)` at its end."""

        def handler(*, name: str, state_change: ServiceStateChange, **_: object) -> None:
            (gone if state_change is ServiceStateChange.Removed else there)(name)

        return AsyncServiceBrowser(self._zeroconf.zeroconf, SERVICE_TYPE, handlers=[handler])

    def resolve(self, name: str, heard: Callable[[Heard], None]) -> None:
        """Tell `heard` what the instance says: now, or when the network has answered; not at all without an answer."""
        info = AsyncServiceInfo(SERVICE_TYPE, name)
        if info.load_from_cache(self._zeroconf.zeroconf):
            heard(self._read(info))
        elif name not in self._asking and len(self._asking) < MOST_OPEN:
            self._asking[name] = asyncio.create_task(self._ask(info, heard), name=f"resolve {name}")
            self._asking[name].add_done_callback(lambda _: self._asking.pop(name, None))

    async def stop_asking(self) -> None:
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, info: AsyncServiceInfo, heard: Callable[[Heard], None]) -> None:
        try:
            if await info.async_request(self._zeroconf.zeroconf, RESOLVE_MS):
                heard(self._read(info))
        except (Error, OSError):
            return  # the interface went away in between; the next announcement is another try

    def _read(self, info: AsyncServiceInfo) -> Heard:
        record = self._zeroconf.zeroconf.cache.get_by_details(info.name, _TYPE_SRV, _CLASS_IN)
        heard_at = record.created / 1000 if record is not None else asyncio.get_running_loop().time()
        addresses = tuple(info.parsed_scoped_addresses(IPVersion.All)[: 2 * MOST_ADDRESSES])
        return Heard(label(info.name), dict(info.properties), addresses, info.port or 0, heard_at)

    def _described(self, announcement: Announcement, number: int) -> AsyncServiceInfo:
        return AsyncServiceInfo(
            SERVICE_TYPE,
            f"{instance_name(announcement, number)}.{SERVICE_TYPE}",
            addresses=[_packed(address) for address in self._addresses],
            port=announcement.port,
            properties=txt_record(announcement),
            server=host_name(announcement, self._token),
        )


@asynccontextmanager
async def responding(network: Network) -> AsyncGenerator[Responder]:
    """The library at work on these addresses; says goodbye at the end. Raises OSError."""
    with _as_os_error():
        zeroconf = AsyncZeroconf(interfaces=list(network.speakers), ip_version=_version(network))
    responder = Responder(zeroconf, network)
    try:
        yield responder
    finally:
        await responder.stop_asking()
        with _as_os_error():
            # In a task that nobody has cancelled: in one that is, the library's wait for its start ends the closing.
            await asyncio.create_task(zeroconf.async_close())


def label(name: str) -> str:
    """The instance alone, without the type every name here ends in."""
    return name.removesuffix(f".{SERVICE_TYPE}")


def _version(network: Network) -> IPVersion:
    v6 = {":" in address for address in network.speakers}
    return IPVersion.All if len(v6) > 1 else IPVersion.V6Only if True in v6 else IPVersion.V4Only


def _packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


@contextmanager
def _as_os_error() -> Generator[None]:
    """What goes wrong in the library is the network's doing: `keep_running` tries again for ever."""
    try:
        yield
    except (Error, RuntimeError) as error:  # RuntimeError: an address went away between looking and using it
        raise OSError(f"DNS-SD: {type(error).__name__}: {error}") from error
