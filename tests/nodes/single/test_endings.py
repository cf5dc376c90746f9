"""Told to end, a node ends within seconds with exit code 0, whatever it is at; the next start goes on from there."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from support.rig import PATIENCE, Rig, bare_rig, eventually, rig

ADA = "04A1B2C3"
SECONDS = 15.0  # on a busy machine; the slowest ending, a backend that hangs, takes two


@pytest.fixture
def alone(tmp_path: Path) -> Generator[Rig]:
    """A node without bench and backend that has just begun."""
    with bare_rig(tmp_path) as park:
        park.start_node()
        eventually("it has begun", lambda: "event=running" in park.log("node"))
        yield park


def ended_well(park: Rig) -> None:
    assert park.processes["node"].wait(SECONDS) == 0
    assert "Traceback" not in park.log("node")
    assert park.log("node").count("event=stopping") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_node_that_has_just_begun_and_finds_nobody_ends_well(alone: Rig, number: signal.Signals) -> None:
    alone.processes["node"].send_signal(number)
    ended_well(alone)


def test_further_signals_do_no_harm(alone: Rig) -> None:
    node = alone.processes["node"]

    def signalled() -> bool:
        node.send_signal(signal.SIGTERM)
        node.send_signal(signal.SIGINT)
        return node.poll() is not None

    eventually("it ends in spite of them", signalled)
    ended_well(alone)


def test_a_session_goes_on_after_an_ending_in_its_middle(tmp_path: Path) -> None:
    with rig(tmp_path) as park:
        park.start_node()
        eventually("the node is online", park.online)
        park.tell_backend('{"drop": 1, "actions": ["StartTransaction"]}')  # it will wait for an answer in vain
        park.plug("cp2", maximum_ma=16_000)
        eventually("the car is seen", lambda: park.pilot("cp2") == "B")
        park.swipe(ADA, "cp2-reader")
        eventually("current flows", lambda: park.charging("cp2"))
        assert park.waiting() >= 1
        park.processes["node"].terminate()
        ended_well(park)
        assert park.charging("cp2")  # with what the pilot said last, until the deadman acts
        park.start_node()
        eventually("the node is online again", park.online)
        eventually("more than the lapse current flows", lambda: park.evse("cp2").currents.l1_ma > 6_000)
        park.unplug("cp2")
        eventually("the stop is delivered", lambda: any(each.stops for each in park.ledger().transactions()))
        (transaction,) = park.ledger().transactions()
        assert (transaction.different_stops, transaction.stop_reason) == (1, "EVDisconnected")
        assert abs((transaction.energy_wh or 0) - park.evse("cp2").energy_wh) <= 1
        assert park.end("node") == 0


def test_ctrl_c_before_a_command_began_leaves_no_trace() -> None:
    program = """
from nodes import cli
def interrupted(_words):
    raise KeyboardInterrupt
cli.application = interrupted
cli.main(["run", "board.toml"])
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
