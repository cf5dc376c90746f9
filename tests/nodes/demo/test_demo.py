"""`chargepark demo` as a user runs it: real processes, a real backend's ledger, and every way it ends."""

import os
import signal
import socket
from pathlib import Path

import pytest
from support.demo_process import PATIENCE, children_of, free_base, running_demo, wait_until_gone

from nodes.demo.ports import OFFSETS
from nodes.virtual.ledger import Ledger
from tests.support.cli import chargepark

UP = "charging 0"  # its first line once everything runs


@pytest.mark.slow
def test_half_a_minute_shows_what_the_park_can(tmp_path: Path):
    with running_demo(tmp_path / "demo", "--for", "30") as demo:
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
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_good_order(tmp_path: Path, number: int):
    with running_demo(tmp_path / "demo", "--charge-points", "3") as demo:
        demo.read_until(UP)
        demo.process.send_signal(number)
        assert demo.ended() == 0, demo.printed
    pids = demo.summary()["pids"]

    assert set(pids) == {"bench", "backend", "node"}
    wait_until_gone(set(pids.values()))
    assert "stopping" in (demo.folder / "node.log").read_text(encoding="utf-8")
    assert "Traceback" not in demo.printed


@pytest.mark.slow
def test_kill_9_leaves_no_process_behind(tmp_path: Path):
    with running_demo(tmp_path / "demo", "--charge-points", "3") as demo:
        demo.read_until(UP)
        children = children_of(demo.process.pid)
        demo.process.kill()
        demo.ended()

    assert len(children) == 3
    wait_until_gone(children)


@pytest.mark.slow
def test_a_part_that_dies_is_named_with_its_last_words(tmp_path: Path):
    with running_demo(tmp_path / "demo", "--charge-points", "3") as demo:
        demo.read_until(UP)
        (node,) = (pid for pid in children_of(demo.process.pid) if b"\0run\0" in _command_line(pid))
        os.kill(node, signal.SIGKILL)
        assert demo.ended() == 1, demo.printed

    assert "PROBLEM: node was ended by signal 9; the last lines of" in demo.printed
    assert "event=running" in demo.printed
    wait_until_gone(set(demo.summary()["pids"].values()))


@pytest.mark.slow
def test_it_ends_when_nobody_reads_it_any_more(tmp_path: Path):
    with running_demo(tmp_path / "demo", "--charge-points", "3") as demo:
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
