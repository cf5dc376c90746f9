"""`chargepark pair` as a person meets it: what it prints, and how it says that something cannot be done."""

from __future__ import annotations

import asyncio
import json
import os
import pty
from pathlib import Path

import pytest
from support.cli import COMMAND, ENVIRONMENT, ROOT, Finished, chargepark
from support.pairing_rig import PARK, PATIENCE, Rig, pairing_rig, server_file

from nodes.administration.port import AdminServer
from nodes.pairing.identity import BoardKeys
from park.errors import AddressUnusable
from park.pairing.fingerprint import words

CLIENT = """
[node]
name = "bay-a"
role = "client"
data_dir = "{data_dir}"
[server]
park = "carpark"
address = "127.0.0.1:7070"
[[charge_point]]
name = "cp1"
phases = 3
max_amps = 32
outlet = "socket"
driver = "virtual"
[bench]
address = "127.0.0.1:7079"
"""


def board_file(folder: Path) -> Path:
    file = folder / "bay-a.toml"
    file.write_text(CLIENT.format(data_dir=folder / "bay-a"), encoding="utf-8")
    return file


async def pair(rig: Rig, verb: str, *rest: str) -> Finished:
    return await asyncio.to_thread(chargepark, "pair", verb, str(rig.config), *rest)


def test_a_board_shows_its_words_and_fingerprint(tmp_path: Path):
    shown = chargepark("pair", "show", str(board_file(tmp_path)))
    keys = BoardKeys(tmp_path / "bay-a")
    assert shown.returncode == 0
    assert shown.stdout.splitlines() == [
        "board        bay-a",
        f"words        {keys.words}",
        f"fingerprint  {keys.fingerprint}",
        "paired       no",
    ]


async def test_a_paired_board_shows_its_park(tmp_path: Path):
    file = board_file(tmp_path)
    async with pairing_rig(tmp_path, "open = true") as rig:
        keys = BoardKeys(tmp_path / "bay-a")
        await rig.join(keys, "bay-a")
        assert (await pair(rig, "approve", "bay-a", "--words", keys.words)).returncode == 0
        await rig.join(keys, "bay-a")
        shown = await asyncio.to_thread(chargepark, "pair", "show", str(file))
        listed = await pair(rig, "list")
    park_words = words(rig.pairing.authority.fingerprint)
    assert f"paired       with park {PARK} ({park_words}), until 20" in shown.stdout
    assert listed.stdout.splitlines()[0] == f"park {PARK}  words {park_words}"
    assert listed.stdout.splitlines()[1] == "pairing is open: the server's file says so"
    assert f"paired   bay-a                {keys.words}  since 20" in listed.stdout


async def test_the_list_as_json_has_words_and_nothing_secret(tmp_path: Path):
    async with pairing_rig(tmp_path) as rig:
        made = await pair(rig, "token", "bay-a")
        keys = BoardKeys(tmp_path / "bay-b")
        await rig.join(keys, "bay-b")
        told = json.loads((await pair(rig, "list", "--json")).stdout)
    assert told["authority_words"] == words(told["authority_fingerprint"])
    assert 0 < told["open_seconds"] <= 600
    (waits,) = told["pending"]
    assert (waits["node"], waits["words"], waits["peer"]) == ("bay-b", keys.words, "ipv4:127.0.0.1")
    assert [each["node"] for each in told["tokens"]] == ["bay-a"]
    assert made.stdout.strip() not in json.dumps(told)


async def test_other_words_are_a_warning_and_no_approval(tmp_path: Path):
    async with pairing_rig(tmp_path, "open = true") as rig:
        await rig.join(BoardKeys(tmp_path / "somebody"), "bay-a")
        keys = BoardKeys(tmp_path / "bay-a")
        wrong = await pair(rig, "approve", "bay-a", "--words", keys.words)
        nobody = await pair(rig, "approve", "bay-z", "--words", keys.words)
        unasked = await pair(rig, "approve", "bay-a")
        assert (await pair(rig, "list")).stdout.count("waits") == 1
        rejected = await pair(rig, "reject", "bay-a")
        assert (await pair(rig, "list")).stdout.count("waits") == 0
    assert (wrong.returncode, "somebody else asks in its name" in wrong.stderr) == (1, True)
    assert (nobody.returncode, "no board called bay-z waits" in nobody.stderr) == (1, True)
    assert (unasked.returncode, "--words" in unasked.stderr) == (2, True)
    assert (rejected.returncode, rejected.stdout) == (0, "bay-a is rejected\n")


async def test_closing_a_pairing_that_the_file_keeps_open_is_refused(tmp_path: Path):
    async with pairing_rig(tmp_path, "open = true") as rig:
        closed = await pair(rig, "close")
    assert (closed.returncode, "[pairing] open" in closed.stderr) == (1, True)


@pytest.mark.parametrize("verb", ["open", "close", "list"])
def test_a_server_that_does_not_run_is_a_sentence(tmp_path: Path, verb: str):
    done = chargepark("pair", verb, str(server_file(tmp_path)))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"no server runs on {tmp_path / 'server'}" in done.stderr


def test_orders_are_for_the_server_and_show_is_for_the_board(tmp_path: Path):
    on_board = chargepark("pair", "open", str(board_file(tmp_path)))
    on_server = chargepark("pair", "show", str(server_file(tmp_path)))
    assert (on_board.returncode, "node.role: is client, not server" in on_board.stderr) == (2, True)
    assert (on_server.returncode, "node.role: is server, not client" in on_server.stderr) == (2, True)
    assert not (tmp_path / "server").exists()


@pytest.mark.parametrize("seconds", ["0", "-5", "ten"])
def test_a_time_that_is_none_is_wrong_use(tmp_path: Path, seconds: str):
    done = chargepark("pair", "open", str(server_file(tmp_path)), "--for", seconds)
    assert done.returncode == 2


async def test_a_data_directory_too_deep_for_a_socket_is_an_error_with_a_remedy(tmp_path: Path):
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    with pytest.raises(AddressUnusable, match=r"shorten node\.data_dir"):
        AdminServer(deep)


@pytest.mark.parametrize(("said", "code"), [(b"y\n", 0), (b"n\n", 1)])
async def test_a_person_is_shown_both_words_and_asked(tmp_path: Path, said: bytes, code: int):
    async with pairing_rig(tmp_path, "open = true") as rig:
        keys = BoardKeys(tmp_path / "bay-a")
        await rig.join(keys, "bay-a")
        person, terminal = pty.openpty()
        os.write(person, said)
        asked = await asyncio.create_subprocess_exec(
            *COMMAND,
            "pair",
            "approve",
            str(rig.config),
            "bay-a",
            stdin=terminal,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=ROOT,
            env=ENVIRONMENT,
        )
        out, _ = await asyncio.wait_for(asked.communicate(), PATIENCE)
        os.close(person)
        os.close(terminal)
        after = await rig.join(keys, "bay-a")
    assert asked.returncode == code
    assert keys.words in out.decode()
    assert words(rig.pairing.authority.fingerprint) in out.decode()
    assert (after.state == "paired") == (code == 0)


async def test_the_roster_is_counted_and_cleared_when_it_is_meant(tmp_path: Path):
    async with pairing_rig(tmp_path, "open = true") as rig:
        for node in ("bay-a", "bay-b"):
            keys = BoardKeys(tmp_path / node)
            await rig.join(keys, node)
            await pair(rig, "approve", node, "--words", keys.words)
        assert (await pair(rig, "count")).stdout == "2\n"
        asked = await pair(rig, "clear")
        assert (asked.returncode, "say --yes" in asked.stderr) == (1, True)
        assert (await pair(rig, "count")).stdout == "2\n"
        cleared = await pair(rig, "clear", "--yes")
        assert cleared.stdout == "bay-a, bay-b: no boards of this park any more\n"
        assert (await pair(rig, "count")).stdout == "0\n"
        assert (await pair(rig, "clear")).stdout == "no board is paired\n"
