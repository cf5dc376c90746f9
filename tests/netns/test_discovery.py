"""Discovery between hosts whose addresses and cables change: no node is restarted."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.cli import COMMAND, ENVIRONMENT
from support.netns import INTERFACE, Host, Lab
from support.watched_board import Watched

pytestmark = [pytest.mark.peer("netns"), pytest.mark.timeout(90)]


@pytest.fixture
def hosts(lab: Lab) -> tuple[Host, Host]:
    return lab.add("a"), lab.add("b")


def without_ipv6(*hosts: Host) -> None:
    for host in hosts:
        host.say(["ip", "link", "set", INTERFACE, "addrgenmode", "none"])
        host.say(["ip", "-6", "address", "flush", "dev", INTERFACE])


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


def test_a_further_address_makes_nobody_vanish_in_between(hosts: tuple[Host, Host]):
    a, b = hosts
    Watched(a, "server", "server", 7070)
    bay = Watched(b, "bay-a")
    bay.sees(lambda seen: "server" in seen)
    a.say(["ip", "address", "add", "10.98.0.1/24", "dev", INTERFACE])
    bay.sees(lambda seen: "10.98.0.1" in seen.get("server", ()))
    first = next(n for n, seen in enumerate(bay.history) if "server" in seen)
    assert all("server" in seen for seen in bay.history[first:])


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


def test_a_cable_that_was_out_for_an_instant_is_noticed(hosts: tuple[Host, Host]):
    a, b = hosts
    without_ipv6(b)  # the address that would be missing for a second
    server, bay = Watched(a, "server", "server", 7070), Watched(b, "bay-a")
    bay.sees(lambda seen: set(seen) == {"server", "bay-a"})
    server.kill()  # no goodbye
    b.say(["sh", "-c", f"ip link set {INTERFACE} down && ip link set {INTERFACE} up"])
    bay.sees(lambda seen: set(seen) == {"bay-a"})


def test_an_interface_by_name_and_another_that_is_none_of_ours(hosts: tuple[Host, Host]):
    a, b = hosts
    server, bay = Watched(a, "server", "server", 7070, INTERFACE), Watched(b, "bay-a", "client", 0, "wlan7")
    server.sees(lambda seen: set(seen) == {"server"})
    assert not bay.sees(lambda seen: not seen)


def test_two_parts_that_were_apart_with_one_name_see_it_when_they_meet(lab: Lab):
    a, b = lab.add("a"), lab.add("b")
    without_ipv6(a, b)  # else each begins anew once its address is usable, which may be in the moment they meet
    lab.partition((a,), (b,))
    one, two = Watched(a, "bay-a", "client", 7070), Watched(b, "bay-a", "client", 7070)
    for board in (one, two):
        board.sees(lambda seen: "bay-a" in seen)
    lab.heal()
    for board in (one, two):
        assert board.is_told("discovery-node-twice")


def test_a_port_that_another_program_keeps_is_said_to_a_person(lab: Lab):
    host = lab.add("a")
    taking = "import socket, time; s = socket.socket(2, 2); s.bind(('', 5353)); print(flush=True); time.sleep(1000)"
    taker = host.run([sys.executable, "-c", taking], stdout=subprocess.PIPE)
    assert taker.stdout is not None
    taker.stdout.readline()
    said = host.run([*COMMAND, "discover"], stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    _, words = said.communicate(timeout=30)
    assert said.returncode == 1
    assert words.splitlines()[0] == (
        "chargepark: cannot look for boards: [Errno 98] Address already in use; "
        "is UDP port 5353 used by a program that does not share it?"
    )
    board = Watched(host, "bay-a")
    assert board.is_told("discovery-impossible")
    taker.kill()
    board.sees(lambda seen: "bay-a" in seen)  # it goes on trying


def test_a_network_of_ipv6_alone(lab: Lab):
    a, b = lab.add("a"), lab.add("b")
    for host in (a, b):
        host.say(["ip", "-4", "address", "flush", "dev", INTERFACE])
    server, bay = Watched(a, "server", "server", 7070), Watched(b, "bay-a")
    seen = bay.sees(lambda seen: set(seen) == {"server", "bay-a"})
    assert all(address.startswith("fe80:") for address in seen["server"])
    server.sees(lambda seen: set(seen) == {"server", "bay-a"})
    for state in ("down", "up"):
        b.say(["ip", "link", "set", INTERFACE, state])  # its address cannot be used for a second
    Watched(a, "bay-b")
    bay.sees(lambda seen: "bay-b" in seen)
