"""Pings whose interval changes while the connection lasts."""

from __future__ import annotations

import asyncio

import pytest

from nodes.ocpp.keepalive import Pinger, PongMissing
from park.ocpp.link import KeepAlive

PATIENCE = 10.0


class Socket:
    """Counts pings; `answers` False: no pong ever comes."""

    def __init__(self, *, answers: bool = True) -> None:
        self.answers = answers
        self.pings: asyncio.Queue[float] = asyncio.Queue()

    async def ping(self) -> asyncio.Future[float]:
        pong = asyncio.get_running_loop().create_future()
        if self.answers:
            pong.set_result(0.0)
        self.pings.put_nowait(asyncio.get_running_loop().time())
        return pong


@pytest.mark.rule("B-202", "B-127")
async def test_no_pings_by_an_interval_of_zero_until_it_changes():
    socket, pinger = Socket(), Pinger(0.0, 1.0)
    task = asyncio.create_task(pinger.run(socket))  # type: ignore[arg-type]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(socket.pings.get(), 0.05)
    pinger.obey(KeepAlive(1, 5))
    first = await asyncio.wait_for(socket.pings.get(), PATIENCE)
    second = await asyncio.wait_for(socket.pings.get(), PATIENCE)
    assert second - first >= 0.9
    task.cancel()


@pytest.mark.rule("B-201")
async def test_a_missing_pong_is_the_end():
    with pytest.raises(PongMissing, match=r"no pong within 0\.02 s"):
        await asyncio.wait_for(Pinger(0.01, 0.02).run(Socket(answers=False)), PATIENCE)  # type: ignore[arg-type]
