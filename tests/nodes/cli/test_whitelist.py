"""`chargepark whitelist` against an authorizer with a real store, over the real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.cli import Finished, chargepark
from support.probe import Probe

from actors.address import Address
from actors.authorizer import Authorizer, AuthorizerWires
from actors.messages import AuthorizerMessage, CentralSystemMessage, ReaderMessage
from actors.supervisor import Supervisor
from nodes.administration.port import AdminServer
from nodes.administration.whitelist import whitelist_service
from nodes.field import ThreadWorld
from nodes.store import Store
from park.authorization.id_tags import spelled
from park.authorization.settings import AuthorizerSettings, Mode, ReaderSettings, WhitelistEntry
from park.model.access import CardPresented, Feedback, ShowFeedback

NODE = """
[node]
name = "board"
role = "{role}"
data_dir = "{data_dir}"
[server]
park = "p"
"""
SINGLE = """
[node]
name = "board"
role = "single"
data_dir = "{data_dir}"
[park]
name = "p"
[authorization]
mode = "free"
[[circuit]]
name = "grid"
limit_amps = [63, 63, 63]
[bench]
address = "127.0.0.1:7079"
[[charge_point]]
name = "cp1"
driver = "virtual"
outlet = "socket"
phases = 3
max_amps = 32
connector = 1
circuit = "grid"
"""


@dataclass
class Cards:
    config: Path
    authorizer: Address[AuthorizerMessage]
    reader: Probe[ReaderMessage]

    async def whitelist(self, verb: str, *rest: str) -> Finished:
        return await asyncio.to_thread(chargepark, "whitelist", verb, str(self.config), *rest)

    async def listed(self) -> list[list[str]]:
        shown = await self.whitelist("list")
        assert shown.returncode == 0, shown.stderr
        return [line.split() for line in shown.stdout.splitlines()]


@asynccontextmanager
async def cards(folder: Path) -> AsyncIterator[Cards]:
    config, data_dir = folder / "single.toml", folder / "board"
    config.write_text(SINGLE.format(data_dir=data_dir), encoding="utf-8")
    store, world, reader = Store(data_dir), ThreadWorld(), Probe[ReaderMessage]()
    settings = AuthorizerSettings(
        Mode.WHITELIST, whitelist=(WhitelistEntry("0A0B", "the caretaker"),), readers=(ReaderSettings("door", ("*",)),)
    )
    wires = AuthorizerWires({}, {"door": reader}, Probe[CentralSystemMessage](), store)
    root = Supervisor(world, "board")
    authorizer = root.child("authorizer", lambda me: Authorizer(world, me, settings, wires))
    admin = AdminServer(data_dir, whitelist_service(authorizer))
    store.start()
    root.start()
    await admin.start()
    try:
        yield Cards(config, authorizer, reader)
    finally:
        await admin.stop(0)
        await asyncio.to_thread(root.stop)
        await asyncio.to_thread(store.stop)
        world.close()


async def test_cards_are_added_shown_and_removed_and_outlive_a_restart(tmp_path: Path):
    async with cards(tmp_path) as park:
        assert (await park.whitelist("add", "04:a1:b2", "--name", "Ada", "--expires", "2031-05-01")).returncode == 0
        assert (await park.whitelist("add", "0C0D", "--blocked")).returncode == 0
    async with cards(tmp_path) as park:
        assert await park.listed() == [
            ["0A0B", "file", "allowed", "the", "caretaker"],
            ["04A1B2", "added", "allowed", "until", "2031-05-01", "00:00", "UTC", "Ada"],
            ["0C0D", "added", "blocked"],
        ]
        assert (await park.whitelist("remove", "04-A1-B2")).returncode == 0
        assert [row[0] for row in await park.listed()] == ["0A0B", "0C0D"]


async def test_what_cannot_be_done_is_refused_with_the_reason(tmp_path: Path):
    async with cards(tmp_path) as park:
        gone = await park.whitelist("remove", "77")
        assert (gone.returncode, "no id tag 77" in gone.stderr) == (1, True)
        fixed = await park.whitelist("remove", "0a:0b")
        assert (fixed.returncode, "configuration file" in fixed.stderr) == (1, True)
        long = await park.whitelist("add", "x" * 21)
        assert (long.returncode, "1 to 20" in long.stderr) == (1, True)


async def test_cards_are_taught_at_a_reader(tmp_path: Path):
    async with cards(tmp_path) as park:
        began = await park.whitelist("teach-in", "--for", "30", "--reader", "door")
        assert began.stdout == "cards shown at door are added for 30 s\n"
        park.authorizer.tell(CardPresented("door", "0E0F"))
        await asyncio.to_thread(park.reader.expect, ShowFeedback("door", Feedback.ACCEPTED))
        assert [row[0] for row in await park.listed()] == ["0A0B", "0E0F"]
        await park.whitelist("teach-out", "--for", "30")
        park.authorizer.tell(CardPresented("door", "0E0F"))
        await asyncio.to_thread(park.reader.expect, ShowFeedback("door", Feedback.ACCEPTED), 2)
        ended = await park.whitelist("teach-out", "--for", "0")
        assert ended.stdout == "teaching has ended\n"
        assert [row[0] for row in await park.listed()] == ["0A0B"]


def test_a_client_is_sent_to_its_server(tmp_path: Path):
    file = tmp_path / "client.toml"
    file.write_text(NODE.format(role="client", data_dir=tmp_path / "c"), encoding="utf-8")
    refused = chargepark("whitelist", "list", str(file))
    assert refused.returncode == 2


@pytest.mark.parametrize(
    ("text", "tag"), [("04:a1", "04A1"), ("04 A1-b2", "04A1B2"), ("04a1", "04A1"), ("Ada-1", "Ada-1"), ("", "")]
)
def test_a_number_is_spelled_as_readers_spell_it_and_any_other_tag_stays(text: str, tag: str):
    assert spelled(text) == tag
