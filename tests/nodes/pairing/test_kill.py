"""kill -9 around the commit that spends a token: never two boards by one token, never a board that is locked out."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from support.cli import ROOT, chargepark
from support.pairing_rig import PARK, PATIENCE, pairing_rig

from nodes.pairing.client import attempt
from nodes.pairing.identity import BoardKeys
from nodes.pairing.token_file import read_token
from park.config.quantities import Endpoint

SERVE = """
import asyncio, sys
from pathlib import Path
from support.pairing_rig import pairing_rig

async def serve() -> None:
    async with pairing_rig(Path(sys.argv[1])) as rig:
        print((await rig.where()).port, flush=True)
        await asyncio.Event().wait()

asyncio.run(serve())
"""


@pytest.mark.parametrize(("point", "spent"), [("before-persist", False), ("after-persist", True)])
async def test_a_kill_around_the_commit_of_a_token(tmp_path: Path, point: str, spent: bool):
    file = tmp_path / "token"
    async with pairing_rig(tmp_path) as rig:
        made = await asyncio.to_thread(chargepark, "pair", "token", str(rig.config), "bay-a", "--out", str(file))
        assert made.returncode == 0
    token = read_token(file)
    keys, others = BoardKeys(tmp_path / "bay-a"), BoardKeys(tmp_path / "other")

    environment = {**os.environ, "CHARGEPARK_CRASH": point, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, str(tmp_path), env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    port = int(await asyncio.wait_for(server.stdout.readline(), PATIENCE))  # the token of before opened pairing again
    lost = await attempt(keys, "bay-a", PARK, Endpoint("127.0.0.1", port), lambda: token)
    assert lost.state == "unreachable"
    assert await asyncio.wait_for(server.wait(), PATIENCE) == -signal.SIGKILL
    assert keys.membership() is None

    async with pairing_rig(tmp_path) as rig:
        first = await rig.join(others, "bay-a", token)
        second = await rig.join(keys, "bay-a", token)
    assert (first.state == "paired", second.state == "paired") == (not spent, spent)
