"""`chargepark demo` as a user runs it: real processes, a real backend's ledger, and every way it ends."""

import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.demo_process import PATIENCE, children_of, free_base, running_demo, wait_until_gone
from support.rig import eventually

from nodes.demo.ports import OFFSETS
from nodes.virtual.ledger import Ledger
from tests.support.cli import chargepark

UP = "charging 0"  # its first line once everything runs


@pytest.mark.slow
@pytest.mark.parametrize("clients", [0, 2])
def test_half_a_minute_shows_what_the_park_can(tmp_path: Path, clients: int):
    with running_demo(tmp_path / "demo", "--for", "30", "--clients", str(clients)) as demo:
        assert demo.ended() == 0, demo.printed
    summary = demo.summary()

    assert summary["problems"] == []
    assert summary["most_charging_together"] >= 3
    assert summary["most_held_back_together"] >= 1
    assert summary["sessions"]["ended"] >= 1
    assert summary["fuse"]["tripped"] is False
    assert "the backend has each start and stop once" in demo.printed
    wait_until_gone(set(summary["pids"].values()))

    ledger = Ledger(demo.folder / "ledger.sqlite3")
    transactions = {each.transaction_id: each for each in ledger.transactions()}
    assert (ledger.violations(), ledger.strangers()) == ([], [])
    ledger.close()
    ended = 0
    for visit in summary["visits"]:
        for told in visit["transactions"]:
            kept = transactions.pop(told["id"])
            assert kept.starts == 1
            assert kept.order_kept
            if visit["meter_wh"] is not None:
                ended += 1
                assert (kept.stops, kept.different_stops) == (1, 1)
                assert kept.energy_wh == pytest.approx(visit["meter_wh"], abs=1.0)
    assert transactions == {}, "every transaction belongs to a car"
    assert ended >= 1


@pytest.mark.slow
def test_boards_join_by_themselves_and_make_one_park(tmp_path: Path, record_property: Callable[[str, object], None]):
    """The server's status has all charge points; cards at its reader start sessions at other boards."""
    began = time.monotonic()
    with running_demo(tmp_path / "demo", "--for", "8", "--clients", "2", "--charge-points", "2") as demo:
        target = f"127.0.0.1:{demo.base + OFFSETS['energy']}"
        eventually("all charge points are in the status", lambda: known_points(target) == POINTS, PATIENCE)
        record_property(
            "figure", f"demo of two boards: all in status after {time.monotonic() - began:.1f} s (aim 10 s)"
        )
        assert demo.ended() == 0, demo.printed

    said = (demo.folder / "bench.log").read_text(encoding="utf-8")
    assert re.search(r"held id_tag=\S+ to door", said), "the first card of the story is shown at the server's reader"
    ledger = Ledger(demo.folder / "ledger.sqlite3")
    connectors = {each.connector for each in ledger.transactions()}
    ledger.close()
    assert 1 in connectors, "and starts a session at a client board"
    assert connectors <= set(range(1, 5))
    pids = demo.summary()["pids"]
    assert set(pids) == {"bench", "backend", "server", "bay-1", "bay-2"}
    wait_until_gone(set(pids.values()))


POINTS = {"bay-1/cp1": 1, "bay-1/cp2": 2, "bay-2/cp3": 3, "bay-2/cp4": 4}


def known_points(target: str) -> dict[str, int]:
    """Connectors of those whose state the server knows, as `chargepark status` shows them."""
    done = chargepark("status", "--json", "--target", target)
    shown = json.loads(done.stdout)["charge_points"] if done.returncode == 0 else []
    return {point["name"]: point["connector"] for point in shown if point["state"] is not None}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_good_order(tmp_path: Path, number: int):
    with running_demo(tmp_path / "demo", "--clients", "1") as demo:
        demo.read_until(UP)
        demo.process.send_signal(number)
        assert demo.ended() == 0, demo.printed
    pids = demo.summary()["pids"]

    assert set(pids) == {"bench", "backend", "server", "bay-1"}
    wait_until_gone(set(pids.values()))
    for node in ("server", "bay-1"):
        assert "stopping" in (demo.folder / f"{node}.log").read_text(encoding="utf-8")
    assert "Traceback" not in demo.printed


@pytest.mark.slow
def test_kill_9_leaves_no_process_behind(tmp_path: Path):
    with running_demo(tmp_path / "demo", "--clients", "2") as demo:
        demo.read_until(UP)
        children = children_of(demo.process.pid)
        demo.process.kill()
        demo.ended()

    assert len(children) == 5
    wait_until_gone(children)


@pytest.mark.slow
def test_a_part_that_dies_is_named_with_its_last_words(tmp_path: Path):
    with running_demo(tmp_path / "demo", "--clients", "1") as demo:
        demo.read_until(UP)
        commands = {pid: _command_line(pid) for pid in children_of(demo.process.pid)}
        (board,) = (pid for pid, words in commands.items() if b"\0run\0" in words and b"bay-1.toml" in words)
        os.kill(board, signal.SIGKILL)
        assert demo.ended() == 1, demo.printed

    assert "PROBLEM: bay-1 was ended by signal 9; the last lines of" in demo.printed
    assert "event=running" in demo.printed
    wait_until_gone(set(demo.summary()["pids"].values()))


@pytest.mark.slow
def test_it_ends_when_nobody_reads_it_any_more(tmp_path: Path):
    with running_demo(tmp_path / "demo", "--clients", "0", "--charge-points", "3") as demo:
        demo.read_until(UP)
        assert demo.process.stdout is not None
        demo.process.stdout.close()
        assert demo.process.wait(PATIENCE) == 0

    wait_until_gone(set(demo.summary()["pids"].values()))


def _command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_port_in_use_is_named(tmp_path: Path):
    base = free_base()
    with socket.create_server(("127.0.0.1", base + OFFSETS["meters"])):
        done = chargepark("demo", "--port-base", str(base), "--dir", str(tmp_path / "demo"))

    assert done.returncode == 1
    assert f"127.0.0.1:{base + OFFSETS['meters']} cannot be used: address already in use" in done.stderr
    assert "--port-base" in done.stderr
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--clients", "10"), "--clients"),
        (("--charge-points", "0"), "--charge-points"),
        (("--clients", "5", "--charge-points", "26"), "130 charge points are too many; at most 125"),
        (("--for", "0"), "--for"),
        (("--port-base", "80"), "--port-base"),
        (("--dir", "."), "is not an empty directory"),
    ],
)
def test_wrong_use_is_refused_before_anything_starts(options: tuple[str, ...], words: str):
    done = chargepark("demo", *options)

    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
