"""`chargepark config` against a running central system: keys of people on site, kept over a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from actors.address import Nowhere
from actors.central_system import CentralSystem, CentralSystemWires
from actors.supervisor import Supervisor
from nodes.administration.configuration import configuration_service
from nodes.administration.port import AdminServer
from nodes.field import ThreadWorld
from nodes.store import Store
from park.ocpp.state import Settings
from tests.support.cli import Finished, chargepark

SINGLE = """
[node]
name = "board"
role = "single"
data_dir = "{data_dir}"
[bench]
[park]
name = "rig"
[[circuit]]
name = "grid"
limit_amps = [63, 63, 63]
[[charge_point]]
name = "cp1"
driver = "virtual"
connector = 1
circuit = "grid"
"""


@asynccontextmanager
async def keys(folder: Path) -> AsyncIterator[Path]:
    config, data_dir = folder / "single.toml", folder / "board"
    config.write_text(SINGLE.format(data_dir=data_dir), encoding="utf-8")
    store, world = Store(data_dir), ThreadWorld()
    nowhere = Nowhere()
    wires = CentralSystemWires(store, nowhere, nowhere, nowhere, nowhere, {}, nowhere, nowhere, nowhere)
    settings = Settings("GARAGE", (1,), lambda: "id", points={1: "board/cp1"})
    root = Supervisor(world, "board")
    central = root.child("central", lambda me: CentralSystem(world, me, settings, wires))
    admin = AdminServer(data_dir, configuration_service(central))
    store.start()
    root.start()
    await admin.start()
    try:
        yield config
    finally:
        await admin.stop(0)
        await asyncio.to_thread(root.stop)
        await asyncio.to_thread(store.stop)
        world.close()


async def config(verb: str, *rest: str) -> Finished:
    return await asyncio.to_thread(chargepark, "config", verb, *rest)


async def test_a_key_is_set_shown_with_who_set_it_and_outlives_a_restart(tmp_path: Path):
    async with keys(tmp_path) as file:
        done = await config("set", str(file), "connectiontimeout[1]", "90")
        assert (done.returncode, done.stdout) == (0, "connectiontimeout[1] is set\n")
        reboot = await config("set", str(file), "ChargePointVendor", "ACME")
        assert "works after a restart" in reboot.stdout
    async with keys(tmp_path) as file:
        shown = await config("get", str(file), "ConnectionTimeOut", "ConnectionTimeOut[1]")
        assert shown.stdout.splitlines() == ["ConnectionTimeOut=60", "ConnectionTimeOut[1]=90"]
        more = await config("get", str(file), "--more", "ConnectionTimeOut[1]")
        assert "read and write; default '60'; set by command line at 20" in more.stdout
        everything = await config("get", str(file))
        assert "ConnectionTimeOut[1]=90" in everything.stdout.splitlines()
        assert len(everything.stdout.splitlines()) > 60


async def test_what_cannot_be_set_is_refused_with_the_reason(tmp_path: Path):
    async with keys(tmp_path) as file:
        for key, value, why in (
            ("ConnectionTimeOut", "soon", "whole number"),
            ("NoSuchKey", "1", "there is no key NoSuchKey"),
        ):
            refused = await config("set", str(file), key, value)
            assert (refused.returncode, why in refused.stderr) == (1, True), refused.stderr
        unknown = await config("get", str(file), "NoSuchKey")
        assert (unknown.returncode, "there is no key NoSuchKey" in unknown.stderr) == (1, True)
