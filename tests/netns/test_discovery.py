"""Discovery between hosts whose addresses and cables change: no node is restarted."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support.netns import INTERFACE, Host, Lab

pytestmark = [pytest.mark.peer("netns"), pytest.mark.timeout(90)]
ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests/support/board_process.py"
PATIENCE = 30.0  # C10: found again within 30 s
Seen = Mapping[str, list[str]]


class Watched:
    """A board's process, and what it printed last."""

    def __init__(self, host: Host, node: str, role: str = "client", port: int = 0, *interfaces: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-W", "error", PROGRAM, "carpark", node, role, port, *interfaces]
        self._process: subprocess.Popen[str] = host.run(command, stdout=subprocess.PIPE, text=True, env=environment)
        self.alarms: list[str] = []
        self._seen: Seen = {}
        self._printed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def sees(self, suits: Callable[[Seen], object]) -> Seen:
        """What it sees once that suits."""
        with self._printed:
            assert self._printed.wait_for(lambda: suits(self._seen), PATIENCE), f"it sees {self._seen}"
            return self._seen

    def is_told(self, alarm: str) -> bool:
        with self._printed:
            return self._printed.wait_for(lambda: alarm in self.alarms, PATIENCE)

    def stop(self) -> None:
        self._process.terminate()
        assert self._process.wait(PATIENCE) == 0

    def _read(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError):  # closed with the lab
            for line in self._process.stdout:
                said = json.loads(line)
                with self._printed:
                    self._seen = said.get("sees", self._seen)
                    self.alarms += [said["alarm"]] if "alarm" in said else []
                    self._printed.notify_all()


@pytest.fixture
def hosts(lab: Lab) -> tuple[Host, Host]:
    return lab.add("a"), lab.add("b")


def test_another_address_is_announced_and_the_old_one_is_gone(hosts: tuple[Host, Host]):
    a, b = hosts
    server, bay = Watched(a, "server", "server", 7070), Watched(b, "bay-a")
    bay.sees(lambda seen: a.ip in seen.get("server", ()))
    server.sees(lambda seen: set(seen) == {"server", "bay-a"})
    old = a.ip
    a.readdress("10.99.0.77")
    seen = bay.sees(lambda seen: "10.99.0.77" in seen.get("server", ()))
    assert old not in seen["server"]
    server.sees(lambda seen: b.ip in seen.get("bay-a", ()))
    server.stop()
    bay.sees(lambda seen: set(seen) == {"bay-a"})
    assert server.alarms == bay.alarms == []


def test_a_board_that_starts_without_a_cable_is_found_once_it_has_one(hosts: tuple[Host, Host]):
    a, b = hosts
    b.down()
    bay, server = Watched(b, "bay-a"), Watched(a, "server", "server", 7070)
    server.sees(lambda seen: set(seen) == {"server"})
    bay.sees(lambda seen: not seen)
    b.up()
    bay.sees(lambda seen: set(seen) == {"server", "bay-a"})
    server.sees(lambda seen: set(seen) == {"server", "bay-a"})


def test_a_board_that_changed_while_the_cable_was_out_is_seen_as_it_is(hosts: tuple[Host, Host]):
    a, b = hosts
    server, bay = Watched(a, "server", "server", 7070), Watched(b, "bay-a")
    bay.sees(lambda seen: set(seen) == {"server", "bay-a"})
    b.down()
    server.stop()
    b.up()
    bay.sees(lambda seen: set(seen) == {"bay-a"})  # its goodbye was never heard
    Watched(a, "server-2", "server", 7070)
    bay.sees(lambda seen: set(seen) == {"server-2", "bay-a"})


def test_an_interface_by_name_and_another_that_is_none_of_ours(hosts: tuple[Host, Host]):
    a, b = hosts
    server, bay = Watched(a, "server", "server", 7070, INTERFACE), Watched(b, "bay-a", "client", 0, "wlan7")
    server.sees(lambda seen: set(seen) == {"server"})
    assert not bay.sees(lambda seen: not seen)


def test_two_parts_that_were_apart_with_one_name_see_it_when_they_meet(lab: Lab):
    a, b = lab.add("a"), lab.add("b")
    lab.partition((a,), (b,))
    one, two = Watched(a, "bay-a", "client", 7070), Watched(b, "bay-a", "client", 7070)
    for board in (one, two):
        board.sees(lambda seen: "bay-a" in seen)
    lab.heal()
    third = Watched(lab.add("c"), "bay-c")
    third.sees(lambda seen: "bay-a" in seen)
    for board in (one, two):
        assert board.is_told("discovery-node-twice")


def test_a_network_of_ipv6_alone(lab: Lab):
    a, b = lab.add("a"), lab.add("b")
    for host in (a, b):
        host.say(["ip", "-4", "address", "flush", "dev", INTERFACE])
    server, bay = Watched(a, "server", "server", 7070), Watched(b, "bay-a")
    seen = bay.sees(lambda seen: set(seen) == {"server", "bay-a"})
    assert all(address.startswith("fe80:") for address in seen["server"])
    server.sees(lambda seen: set(seen) == {"server", "bay-a"})
