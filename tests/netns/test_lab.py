"""The laboratory itself: each way to break a network breaks what it says, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support.netns import Host, Lab

pytestmark = pytest.mark.peer("netns")

LISTEN = """
import socket, sys
server = socket.create_server(("0.0.0.0", 5000))
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("0.0.0.0", 5001))
print("ready", flush=True)
while True:
    text, who = datagrams.recvfrom(100)
    print(who[0], text.decode(), flush=True)
"""
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 5000), timeout=float(sys.argv[2])).close()
except OSError as error:
    print(type(error).__name__)
else:
    print("connected")
"""
SEND = "import socket, sys; socket.socket(2, 2).sendto(sys.argv[2].encode(), (sys.argv[1], 5001))"


def listening(host: Host) -> subprocess.Popen[str]:
    process: subprocess.Popen[str] = host.run([sys.executable, "-c", LISTEN], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def connect(host: Host, other: Host, seconds: float = 5.0) -> str:
    return host.say([sys.executable, "-c", CONNECT, other.ip, seconds]).stdout.strip()


def send(host: Host, other: Host, text: str) -> None:
    assert host.say([sys.executable, "-c", SEND, other.ip, text]).returncode == 0


@pytest.fixture
def pair(lab: Lab) -> tuple[Host, Host]:
    a, b = lab.add("a"), lab.add("b")
    listening(a)
    listening(b)
    assert connect(a, b) == connect(b, a) == "connected"
    return a, b


LOST = {"TimeoutError", "OSError"}  # no route to host, where the neighbour is not known (any more)


def test_a_pulled_cable_is_silent_for_the_others(pair: tuple[Host, Host]):
    a, b = pair
    b.down()
    assert connect(a, b, 0.5) in LOST
    b.up()
    assert connect(a, b) == "connected"


def test_a_blackhole_is_an_error_at_once_on_its_side(pair: tuple[Host, Host]):
    a, b = pair
    a.blackhole(b)
    assert connect(a, b) == "OSError"
    assert connect(b, a, 0.5) in LOST  # the request arrives, the answer does not leave
    a.heal(b)
    assert connect(a, b) == connect(b, a) == "connected"


def test_loss_one_way_is_silent_and_the_other_way_works(lab: Lab):
    a, b = lab.add("a"), lab.add("b")
    at_a, at_b = listening(a), listening(b)
    assert at_a.stdout is not None
    assert at_b.stdout is not None
    a.lose(b)
    send(a, b, "lost")
    send(b, a, "heard")
    assert at_a.stdout.readline() == f"{b.ip} heard\n"
    a.heal(b)
    send(a, b, "healed")
    assert at_b.stdout.readline() == f"{a.ip} healed\n"  # the first line: the lost one never came


def test_a_partition_cuts_between_groups_only(lab: Lab):
    a, b, c = (lab.add(name) for name in "abc")
    for host in (a, b, c):
        listening(host)
    lab.partition((a, b), (c,))
    assert connect(a, b) == "connected"
    assert {connect(a, c, 0.5), connect(c, b, 0.5)} <= LOST
    lab.heal()
    assert connect(a, c) == connect(c, b) == "connected"


def test_a_host_has_another_address_from_now_on(pair: tuple[Host, Host]):
    a, b = pair
    b.readdress("10.99.0.77")
    assert connect(a, b) == "connected"


def test_the_machine_itself_is_left_alone_and_nothing_remains():
    def links() -> str:
        return subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout

    def fails() -> None:
        with Lab() as lab:
            sleepers.append(lab.add("a").run(["sleep", "1000"]))
            assert links() == before
            assert "eth0" in lab.hosts[0].say(["ip", "-o", "link"]).stdout
            raise RuntimeError("the test fails")

    before = links()
    sleepers: list[subprocess.Popen[str]] = []
    with pytest.raises(RuntimeError, match="the test fails"):
        fails()
    assert links() == before
    with pytest.raises(ProcessLookupError):
        os.kill(sleepers[0].pid, 0)
