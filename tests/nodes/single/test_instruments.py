"""Instruments of other people at a board where a car charges: what they read is what the node says."""

from __future__ import annotations

import re
import subprocess
import urllib.request
from collections.abc import Generator

import pytest
from support.rig import PATIENCE, Rig, eventually, rig

from nodes.metrics.families import families
from park.view import MeterRow

ADA = "04A1B2C3"
HOUSE = 12  # A on each phase
CURRENTS, POWER, IMPORT = 6, 52, 72  # Eastron SDM630: input registers of the first phase's current, W, kWh
SILENT = {"chargepark_charge_point_fault", "chargepark_node_lag_seconds"}  # nothing is wrong, and no other board

pytestmark = pytest.mark.xdist_group("instruments")


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Generator[Rig]:
    with rig(tmp_path_factory.mktemp("instruments")) as made:
        made.load("grid-meter", HOUSE)
        made.start_node()
        eventually("the node is online", made.online)
        made.plug("cp1", maximum_ma=16_000)
        made.swipe(ADA, "cp1-reader")
        eventually("all of it flows", lambda: made.evse("cp1").currents.l1_ma == 16_000)
        yield made
        assert made.end("node") == 0


def mbpoll(port: int, unit: int, first: int, count: int) -> list[float]:
    """Floats of input registers, high word first, as mbpoll prints them."""
    command = f"mbpoll -1 -0 -q -B -o 2 -m tcp -p {port} -a {unit} -t 3:float -r {first} -c {count} 127.0.0.1".split()
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return [float(value) for value in re.findall(r"^\[\d+\]:\s+(\S+)$", done.stdout, re.MULTILINE)]


def meter(park: Rig, name: str) -> MeterRow:
    view = park.view()
    assert view is not None, park.log("node")
    return next(row for row in view.meters if row.name == name)


@pytest.mark.peer("mbpoll")
@pytest.mark.parametrize(
    ("name", "unit", "amps"), [("grid-meter", 1, 16 + HOUSE), ("cp1-meter", 2, 16), ("cp2-meter", 3, 0)]
)
def test_a_meter_reads_the_same_to_mbpoll_and_to_the_node(park: Rig, name: str, unit: int, amps: int) -> None:
    wanted = (amps * 1_000,) * 3
    eventually("the node has read it", lambda: meter(park, name).currents_ma == wanted)
    port = park.config.modbus
    assert mbpoll(port, unit, CURRENTS, 3) == [amps] * 3
    assert mbpoll(port, unit, POWER, 1) == [pytest.approx(meter(park, name).power_w, abs=1)]
    before = meter(park, name).energy_wh
    (kilowatt_hours,) = mbpoll(port, unit, IMPORT, 1)
    assert before is not None
    assert before <= round(kilowatt_hours * 1_000)
    eventually(
        "the node has read it since", lambda: (meter(park, name).energy_wh or 0) >= round(kilowatt_hours * 1_000)
    )


def page(park: Rig) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{park.config.metrics}/metrics", timeout=PATIENCE) as answer:
        return answer.read()


@pytest.mark.peer("promtool")
def test_promtool_finds_nothing_to_say_about_the_metrics_of_a_running_node(park: Rig) -> None:
    said = subprocess.run(["promtool", "check", "metrics"], input=page(park), capture_output=True, check=False)
    assert (said.returncode, said.stdout + said.stderr) == (0, b"")


def test_every_family_is_there_while_a_car_charges_and_none_tells_an_id_tag(park: Rig) -> None:
    text = page(park).decode()
    told = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    assert {family.sample_name for family in families("1", "3")} - told == SILENT
    for area in ("charge_point", "circuit", "meter", "backend_queue", "actor"):
        assert any(name.startswith(f"chargepark_{area}_") for name in told), area
    assert ADA not in text


CP1 = 'charge_point="board/cp1",connector="1",node="board"'
FLOWING = (
    f'chargepark_circuit_measured_amperes{{circuit="grid",phase="L1"}} {16 + HOUSE}.0',
    f'chargepark_charge_point_measured_amperes{{{CP1},phase="L3"}} 16.0',
    f"chargepark_charge_point_session_active{{{CP1}}} 1.0",
    'chargepark_meter_quality{node="board",source="grid-meter",state="fresh"} 1.0',
    "chargepark_backend_connected 1.0",
)


@pytest.mark.parametrize("line", FLOWING)
def test_the_metrics_tell_what_flows(park: Rig, line: str) -> None:
    eventually(line, lambda: line in page(park).decode())
