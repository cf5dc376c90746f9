"""avahi, the mDNS of every Linux machine, lists our boards with their keys, and ours list what it publishes."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.netns import Host, Lab, lab_or_skip
from support.watched_board import PATIENCE, Watched

pytestmark = [pytest.mark.peer("avahi-browse"), pytest.mark.peer("netns")]
TYPE = "_chargepark._tcp"
BUS = """<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/> <allow own="*"/> <allow send_destination="*"/> <allow receive_sender="*"/>
  </policy>
</busconfig>
"""
AVAHI = """[server]
host-name=laptop
use-ipv6=no
[wide-area]
enable-wide-area=no
[publish]
publish-workstation=no
"""


@pytest.fixture
def lab() -> Iterator[Lab]:
    with lab_or_skip() as made:
        yield made


@pytest.fixture
def laptop(lab: Lab, tmp_path: Path) -> Host:
    """A host with a bus and an avahi of its own: its `/run` is nobody else's."""
    host = lab.add("laptop")
    (tmp_path / "bus.conf").write_text(BUS)
    (tmp_path / "avahi.conf").write_text(AVAHI)
    assert host.say(["mount", "-t", "tmpfs", "tmpfs", "/run"]).returncode == 0
    assert host.say(["mkdir", "-p", "/run/dbus", "/run/avahi-daemon"]).returncode == 0
    bus = ["dbus-daemon", f"--config-file={tmp_path / 'bus.conf'}", "--nofork", "--nopidfile", "--print-address=1"]
    _wait_for("unix:path", host.run(bus, stdout=subprocess.PIPE, text=True))
    avahi = ["avahi-daemon", "--no-chroot", "--no-rlimits", "--no-drop-root", "-f", tmp_path / "avahi.conf"]
    _wait_for("startup complete", host.run(avahi, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    return host


def _wait_for(words: str, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            return
    raise AssertionError(f"it ended: {''.join(said)}")


def browsed(host: Host, name: str) -> list[str]:
    """The fields of the instance as avahi-browse resolves it, asked until it is there."""
    until, printed = time.monotonic() + PATIENCE, ""
    while time.monotonic() < until:
        printed = host.say(["avahi-browse", "--resolve", "--parsable", "--terminate", TYPE]).stdout
        for line in printed.splitlines():
            fields = line.split(";")
            if fields[0] == "=" and fields[3].replace("\\064", "@") == name:
                return fields
    raise AssertionError(f"avahi-browse saw no {name}: {printed}")


def test_avahi_browse_lists_a_board_with_its_keys(lab: Lab, laptop: Host):
    board = lab.add("board")
    server = Watched(board, "server", "server", 7070)
    fields = browsed(laptop, "server@carpark")
    assert fields[4:6] == [TYPE, "local"]
    assert fields[7:9] == [board.ip, "7070"]
    assert sorted(fields[9].split()) == ['"fp="', '"node=server"', '"park=carpark"', '"proto=1"', '"role=server"']
    server.stop()


def test_what_avahi_publishes_is_seen_until_it_says_goodbye(lab: Lab, laptop: Host):
    bay = Watched(lab.add("board"), "bay-a")
    keys = ["park=carpark", "node=bay-b", "role=client", "proto=1", "fp=ab12", "colour=red"]
    published = laptop.run(["avahi-publish-service", "bay-b@carpark", TYPE, 7070, *keys], stderr=subprocess.PIPE)
    assert bay.sees(lambda seen: "bay-b" in seen)["bay-b"] == [laptop.ip]
    published.terminate()
    bay.sees(lambda seen: set(seen) == {"bay-a"})


def test_a_name_that_avahi_holds_is_not_taken_from_it(lab: Lab, laptop: Host):
    keys = ["park=carpark", "node=bay-a", "role=client", "proto=1", "fp=ab12"]
    laptop.run(["avahi-publish-service", "bay-a@carpark", TYPE, 7070, *keys], stderr=subprocess.PIPE)
    browsed(laptop, "bay-a@carpark")
    bay = Watched(lab.add("board"), "bay-a")
    assert bay.is_told("discovery-name-taken")
    assert bay.is_told("discovery-node-twice")


def test_a_forged_server_is_an_alarm(lab: Lab, laptop: Host):
    server = Watched(lab.add("board"), "server", "server", 7070)
    server.sees(lambda seen: "server" in seen)
    keys = ["park=carpark", "node=forged", "role=server", "proto=1", "fp="]
    laptop.run(["avahi-publish-service", "anything goes. here", TYPE, 6666, *keys], stderr=subprocess.PIPE)
    server.sees(lambda seen: set(seen) == {"server", "forged"})
    assert server.is_told("discovery-server-twice")
