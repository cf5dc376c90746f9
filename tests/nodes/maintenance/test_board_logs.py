"""Logs of boards: asked for a piece at a time, put together by the server, and missing where a board is away."""

from __future__ import annotations

import asyncio
import io
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nodes.bridge import Outbox
from nodes.maintenance import board_logs, logs
from nodes.maintenance.board_logs import BoardLogs
from nodes.maintenance.collecting import Collector
from park.exchange.messages import LogPart, LogWanted, Outward

PATIENCE = 20.0


@dataclass
class Link:
    """The link to a board in one process; `lost` drops pieces of these numbers, once each."""

    orders: Outbox[LogWanted]
    lost: set[int] = field(default_factory=set)

    def tell(self, message: Outward, /) -> None:
        wanted = message.message
        assert isinstance(wanted, LogWanted)
        if wanted.number in self.lost:
            self.lost.discard(wanted.number)
            return
        self.orders.tell(wanted)


class Nobody:
    def tell(self, message: Outward, /) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / logs.FOLDER).mkdir()
    text = "".join(f"at=2026-01-05T09:{minute:02d}:00Z event={minute:064x}\n" for minute in range(60))
    (tmp_path / logs.FOLDER / logs.NODE_LOG).write_text(text)
    return tmp_path


async def test_pieces_make_the_whole_and_boards_that_are_away_are_listed(folder: Path):
    orders: Outbox[LogWanted] = Outbox()
    away = Link(Outbox(), {0})
    links = {"near": Link(orders), "away": away, "never": Nobody()}
    collector = Collector(links.__getitem__, seconds=0.5)
    edge = BoardLogs("near", folder, collector, orders, lambda: {"about.txt": b"a board"}, 100)
    task = asyncio.create_task(edge.run())
    parts, missing = await collector.collect(links, None, None)
    assert set(missing) == {"away", "never"}
    with tarfile.open(fileobj=io.BytesIO(parts["near"])) as archive:
        assert set(archive.getnames()) == {"near/node.log", "near/security.log", "near/about.txt"}
        log = archive.extractfile("near/node.log")
        assert log is not None
        assert log.read().count(b"\n") == 60
    assert list((folder / board_logs.FOLDER).iterdir()) == []
    again, _ = await collector.collect(["near"], None, None)
    assert len(again["near"]) > 100
    collector.tell(LogPart("of nobody", 0, b"x", last=True))
    orders.close()
    await asyncio.wait_for(task, PATIENCE)


async def test_a_board_that_cannot_pack_its_logs_is_missing(tmp_path: Path):
    orders: Outbox[LogWanted] = Outbox()
    (tmp_path / board_logs.FOLDER).write_text("a file in the way")
    collector = Collector({"near": Link(orders)}.__getitem__, seconds=PATIENCE)
    task = asyncio.create_task(BoardLogs("near", tmp_path, collector, orders, dict).run())
    assert await collector.collect(["near"], None, None) == ({}, {"near": "it has no logs"})
    orders.close()
    await asyncio.wait_for(task, PATIENCE)
