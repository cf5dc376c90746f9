"""`chargepark discover` on loopback; boards that are there are shown in tests/nodes/discovery."""

from __future__ import annotations

import asyncio
import json

from support.cli import chargepark
from support.discovery import Board, announced, new_park, settings


def test_no_interface_is_said_with_what_to_do():
    done = chargepark("discover", "--interface", "nothing0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "chargepark: no network interface is up (nothing0); `ip address` lists them; choose with --interface\n"
    )


def test_a_time_that_makes_no_sense_is_wrong_use():
    assert chargepark("discover", "--for", "0").returncode == 2


async def test_json_has_boards_and_conflicts():
    park = new_park()
    async with (
        announced(Board(settings(park, "one", "server", 7070)), "ab12", 7072) as one,
        announced(Board(settings(park, "two", "server", 7071))),
    ):
        await one.sees(lambda seen: len(seen) == 2)
        done = await asyncio.to_thread(chargepark, "discover", "--interface", "lo", "--for", "4", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    printed = json.loads(done.stdout)
    assert [board for board in printed["boards"] if board["park"] == park] == [
        {
            "instance": f"one@{park}",
            "park": park,
            "node": "one",
            "role": "server",
            "proto": 1,
            "fingerprint": "ab12",
            "addresses": ["127.0.0.1"],
            "port": 7070,
            "pairing_port": 7072,
        },
        {
            "instance": f"two@{park}",
            "park": park,
            "node": "two",
            "role": "server",
            "proto": 1,
            "fingerprint": None,
            "addresses": ["127.0.0.1"],
            "port": 7071,
            "pairing_port": None,
        },
    ]
    (conflict,) = (each for each in printed["conflicts"] if each["park"] == park)
    assert (conflict["kind"], conflict["instances"]) == ("server-twice", [f"one@{park}", f"two@{park}"])
