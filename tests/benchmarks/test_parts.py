"""Every part measures in a tiny size and its rows are plausible; how large the figures are is nobody's promise."""

import math
import os
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import ocpp.messages as library
import pytest
from support.rig import eventually

from benchmarks import (
    actors,
    exactness,
    exchange,
    grants,
    memory,
    outage,
    page,
    planning,
    robin,
    setpoint,
    sharing,
    store,
    validation,
)
from benchmarks.awake import Stolen, ahead_of_others, processors_awake
from benchmarks.parts import PARTS
from benchmarks.spread import Spread
from benchmarks.table import Table, machine

ROOT = Path(__file__).parents[2]


def in_order(spread: Spread) -> bool:
    return 0 < spread.p50 <= spread.p99 <= spread.most


def test_actors_are_measured_beside_a_plain_queue():
    rows = actors.run(20, 50)
    assert [row.world for row in rows] == ["plain queue", "threads", "pool", "simulation"]
    assert all(row.round_trips_per_second > 0 for row in rows)
    assert rows[1].messages_per_second == 2 * rows[1].round_trips_per_second


def test_every_event_is_followed_by_setpoints_in_every_world():
    rows = setpoint.run((12,), 4)
    assert rows[0].event == "round trip"
    assert [row.world for row in rows[1:]] == ["threads"] * 3 + ["pool"] * 3
    assert all(row.lost == 0 and row.seconds.count >= 4 for row in rows[1:])
    assert all(in_order(row.seconds) for row in rows)
    for first, last in pairwise(rows):
        if first.event.endswith("first setpoint"):
            assert first.seconds.p50 <= last.seconds.p50


def test_what_others_have_written_is_asked_for_by_the_command_that_installs_it(tmp_path: Path):
    with pytest.raises(SystemExit, match=r"others/python is not there: say `make bench-others`, which"):
        robin.run(12, 1, 1, tmp_path / "others/python")


def test_the_exchange_is_measured_beside_plain_grpc():
    rows = exchange.run(5, 20, 100)
    assert [row.way for row in rows] == [
        "plain gRPC, a call a message", "one stream, each message answered",
        "one stream, a frame a message, none answered", "exchange, actor to actor",
    ]  # fmt: skip
    assert all(row.messages_per_second > 0 for row in rows)
    assert [row.seconds.count for row in rows] == [5, 5, 0, 0]


def test_a_car_on_one_board_is_followed_by_a_setpoint_on_another():
    reference, asleep, arrival, demand = grants.run(((8, 4),), 2)
    assert (reference.points, reference.seconds.count) == (0, 20) == (asleep.points, asleep.seconds.count)
    assert (arrival.lost, arrival.seconds.count, demand.seconds.count) == (0, 1, 1)  # the first is a warm-up
    assert demand.seconds.p50 < arrival.seconds.p50


def test_processors_are_kept_awake_within_the_block_and_give_way_to_all_else():
    with processors_awake() as loops:
        assert len(loops) == len(os.sched_getaffinity(0))
        for loop in loops:
            eventually("it gives way", lambda loop=loop: os.sched_getscheduler(loop) == os.SCHED_IDLE)
    for loop in loops:
        with pytest.raises(ProcessLookupError):
            os.kill(loop, 0)


def test_what_is_measured_goes_before_others_within_the_block():
    policies = (os.SCHED_RR, os.SCHED_OTHER)
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    with ahead_of_others() as ahead:
        assert os.sched_getscheduler(0) == os.sched_getscheduler(thread.native_id or 0) == policies[not ahead]
        assert os.sched_getscheduler(threading.get_native_id()) == policies[not ahead]
    assert os.sched_getscheduler(0) == os.sched_getscheduler(thread.native_id or 0) == os.SCHED_OTHER
    assert ahead == (os.geteuid() == 0)
    ended.set()
    thread.join()


def test_what_keeps_it_company_goes_behind_them():
    goes = "import os; from benchmarks.awake import behind_others; behind_others()"
    told = f"{goes}; print(os.nice(0), os.sched_getscheduler(0))"
    with ahead_of_others():
        answer = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True).stdout
    assert answer.split() == ["19", str(os.SCHED_OTHER)]


def test_what_the_host_takes_is_a_part_of_all_time():
    assert 0.0 <= Stolen().percent() <= 100.0


def test_memory_is_measured_in_a_process_of_its_own():
    rows = memory.run((0, 1), ("pool",))
    assert [row.points for row in rows] == [0, 1]
    assert all(10 * memory.MIB < row.resident < 1000 * memory.MIB for row in rows)
    assert memory.resident() > 10 * memory.MIB


def test_memory_per_point_is_a_slope():
    rows = [memory.Row("pool", points, 1_000 + 50 * points) for points in (0, 12, 48, 250)]
    assert memory.per_point(rows) == pytest.approx(50)


def test_the_store_is_measured_beside_a_plain_file(tmp_path: Path):
    rows = store.run(10, tmp_path)
    assert [row.what for row in rows] == [
        "plain file, append and fdatasync", "store", "store, 10 at once", "store, 100 at once"
    ]  # fmt: skip
    assert all(row.rows_per_second > 0 and in_order(row.seconds) for row in rows)
    assert not list(tmp_path.iterdir())


def test_calls_are_measured_beside_the_stock_library():
    rows = validation.run(2, 3, 1)
    assert [row.action for row in rows] == ["StartTransaction"] * 3 + ["MeterValues"] * 3
    assert [row.way for row in rows[:3]] == ["ocpp library", "ocpp library, no thread pool", "backend edge"]
    assert all(row.rate.calls_per_second > 0 < row.rate.processor for row in rows)
    assert not library.ASYNC_VALIDATION


def test_the_queue_is_measured_from_the_first_fact_to_the_last_answer():
    costs = outage.run((24, 48))
    assert [cost.facts for cost in costs] == [24, 48]
    assert all(part > 0 for cost in costs for part in cost.parts())


def test_both_writers_of_the_page_write_the_same():
    library, own = page.run(2, 2)
    assert library.length == own.length > 1_000
    assert library.seconds > 0 < own.seconds


def test_the_spread_is_by_nearest_rank():
    spread = Spread.of([*range(100, 0, -1)])
    assert spread == Spread(50, 99, 100, 100)
    assert Spread.of([1, 2, 3]).p50 == 2
    assert Spread.of([3.0]) == Spread(3.0, 3.0, 3.0, 1)
    assert math.isnan(Spread.of([]).p99)


def test_tables_are_markdown():
    table = Table("Colours", ("name", "weight"), (("red", "1"), ("aquamarine", "10")), "In tons.")
    assert str(table).splitlines() == [
        "### Colours",
        "",
        "| name       | weight |",
        "| ---------- | -----: |",
        "| red        |      1 |",
        "| aquamarine |     10 |",
        "",
        "In tons.",
    ]


def test_the_machine_is_told_with_its_load():
    assert "cores, " in machine()
    assert "load average" in machine()


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_command_prints_the_parts_it_is_asked_for():
    ran = command("--quick", "store", "page")
    assert ran.returncode == 0, ran.stderr
    assert not ran.stderr
    assert "### Durable store" in ran.stdout
    assert "### Metrics page" in ran.stdout
    assert "### Actors" not in ran.stdout


def test_the_command_says_which_parts_there_are():
    ran = command("speed")
    assert ran.returncode == 2
    assert f"no such part: speed; there are {', '.join(PARTS)}" in ran.stderr


def test_shares_are_timed_beside_a_program_that_delivers_no_less():
    for row in sharing.run(24, 2, sharing.FEW):
        assert row.seconds > 0 < row.program
        assert 0 < row.best <= 1.0001


def test_the_coordinator_is_measured_on_a_park_that_charges():
    rows = planning.run((24,), 2)
    assert [row.what for row in rows] == ["rows of two", "4 tight levels"]
    assert all(min(row.anew, row.again, row.arrival, row.tick, row.views) > 0 for row in rows)
    garage = planning.Garage(24, 4)
    garage.comes("n0/cp0", 3, 16_000)
    garage.settle()
    garage.run(12)
    assert garage.state.points_by_name["n0/cp0"].held_ma(garage.mono) == 16_000


def test_exactness_says_how_far_off_shares_are():
    assert "0.0000" in exactness.report(quick=True).rows[0]


def test_how_much_longer_ten_times_as_many_take_is_said_where_both_were_measured():
    def rows(*seconds: float) -> list[sharing.Row]:
        return [sharing.Row(each, 2 * each, 1.0, 1.0, 1.0) for each in seconds]

    measured = {"100": rows(1.0), "1 000, balance": rows(1.0, 2.0, 9.0), "10 000, balance": rows(20.0, 30.0, 40.0)}
    assert sharing.growth(measured) == " 10 000, balance: 15.0 times as long as 1 000, balance, anew 15.0."
    assert sharing.growth({"10 000": rows(1.0)}) == ""
