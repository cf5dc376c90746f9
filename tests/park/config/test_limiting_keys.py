"""Time tables, digital inputs and what follows an expired limit, from the file to the domain."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from nodes.checked_config import read_checked
from nodes.time_zones import time_zone
from park.authorization.settings import AuthorizingInput
from park.config import mapping
from park.config.node_config import NodeConfig
from park.config.parsing import parse
from park.errors import ConfigurationInvalid
from park.load.conditions import InputLimit, TimetableEntry
from park.physics.hardware import TRAITS

BASE = """
[node]
name = "board"
role = "single"
data_dir = "unused"
[bench]
address = "127.0.0.1:7079"
[park]
name = "p"
time_zone = "Europe/Berlin"
[[circuit]]
name = "grid"
limit_amps = [63, 50, 63]
{circuit}
[[charge_point]]
name = "cp1"
connector = 1
circuit = "grid"
driver = "virtual"
max_amps = 16
fallback_amps = 6
{more}
"""
EVENING = """
[[timetable]]
circuit = "grid"
days = ["mon", "fri"]
begins = "17:00"
ends = "20:30"
limit_amps = [20, 20, 20]
lag_seconds = 100
"""
CONTACT = """
[[input]]
charge_point = "cp1"
number = 2
active = "low"
limit_amps = [0, 0, 0]
[[input]]
circuit = "grid"
number = 1
offset_amps = [-20, -60, -0.5]
"""


def config(more: str = "", circuit: str = "") -> NodeConfig:
    return parse(BASE.format(more=more, circuit=circuit), "board.toml")


def refused(more: str, base: str = BASE, circuit: str = "") -> str:
    with pytest.raises(ConfigurationInvalid) as invalid:
        parse(base.format(more=more, circuit=circuit), "board.toml")
    return str(invalid.value)


@pytest.mark.rule("B-086")
def test_a_time_table_with_a_lag_below_its_bound():
    made = mapping.conditions(config(EVENING), UTC, lambda _: 0.999)
    assert made.timetable == (
        TimetableEntry(
            target="grid",
            source="17:00 to 20:30 on mon fri",
            limit_ma=(20_000, 20_000, 20_000),
            begins=1020,
            ends=1230,
            days=frozenset({0, 4}),
            lag_seconds=99,
        ),
    )


@pytest.mark.rule("B-078", "B-093")
def test_inputs_limit_to_a_value_or_by_an_offset_from_the_design():
    made = mapping.conditions(config(CONTACT), UTC, lambda _: 0.0)
    assert made.inputs == (
        InputLimit("board/cp1", (0, 0, 0), "board", 2, active_high=False),
        InputLimit("grid", (43_000, 0, 62_500), "board", 1),
    )


def test_an_input_may_be_on_another_board_that_has_a_place_here():
    text = '[[input]]\ncircuit = "grid"\nnumber = 3\nnode = "board"\nlimit_amps = [40, 40, 40]\n'
    (made,) = mapping.conditions(config(text), UTC, lambda _: 0.0).inputs
    assert (made.node, made.number) == ("board", 3)
    assert "input[#1].node: there is no board with a placement 'bay-1'" in refused(text.replace('"board"', '"bay-1"'))


def test_an_offset_at_a_charge_point_counts_from_its_maximum():
    text = '[[input]]\ncharge_point = "board/cp1"\nnumber = 1\noffset_amps = [-6, -6, -6]\n'
    (made,) = mapping.conditions(config(text), UTC, lambda _: 0.0).inputs
    assert made.limit_ma == (10_000, 10_000, 10_000)


def test_what_follows_an_expired_limit():
    made = config("expired_limit_amps = 8", "expired_limit_amps = [16, 16, 20.5]")
    assert mapping.circuits(made)[0].expired_limit_ma == (16_000, 16_000, 20_500)
    (placement,) = mapping.placements(made, lambda _: TRAITS)
    assert placement.expired_limit_ma == 8_000
    assert mapping.circuits(config())[0].expired_limit_ma is None


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (EVENING.replace('"17:00"', '"5 pm"'), "timetable[#1].begins: '5 pm' is no time of day; write HH:MM"),
        (EVENING.replace('"17:00"', '"24:30"'), "is no time of day"),
        (EVENING.replace('"17:00"', '"20:30"'), "timetable[#1].ends: is 20:30, when it begins"),
        (EVENING.replace('"mon"', '"monday"'), "did you mean 'mon'?"),
        (EVENING.replace("lag_seconds = 100", "lag_seconds = 4000"), "at most 3600 s"),
        (
            EVENING.replace('"grid"', '"gird"'),
            "timetable[#1].circuit: there is no circuit 'gird'; did you mean 'grid'?",
        ),
        (EVENING.replace('circuit = "grid"', ""), "timetable[#1].circuit: is missing, and there is no charge_point"),
        (EVENING.replace('"grid"', '"grid"\ncharge_point = "cp1"'), "stands beside charge_point"),
        (CONTACT.replace('"cp1"', '"cp9"'), "input[cp9].charge_point: there is no charge point 'cp9'"),
        (CONTACT.replace("number = 2", "number = 65"), "at most 64"),
        (CONTACT.replace("[-20, -60, -0.5]", "[20, 0, 0]"), "input[#2].offset_amps[L1]: is 20, must be at most 0 A"),
        (CONTACT.replace("[-20, -60, -0.5]", "[0, 0, 0]"), "input[#2].offset_amps: lowers nothing"),
        (CONTACT.replace("limit_amps = [0, 0, 0]", ""), "input[cp1].limit_amps: is missing; give limit_amps or offset"),
        (CONTACT + "limit_amps = [1, 1, 1]", "input[#2].limit_amps: stands beside offset_amps"),
    ],
)
def test_what_cannot_be_is_refused_with_key_reason_and_remedy(more: str, words: str):
    assert words in refused(more)


def test_a_time_table_needs_to_know_where_it_is():
    said = refused(EVENING, BASE.replace('time_zone = "Europe/Berlin"\n', ""))
    assert said.startswith("board.toml: park.time_zone: is missing, and there is a [[timetable]]; add it, for instance")


def test_a_client_has_no_time_tables_and_inputs():
    client = (
        '[node]\nname = "b"\nrole = "client"\ndata_dir = "d"\n[server]\npark = "p"\naddress = "127.0.0.1:1"\n{more}'
    )
    said = refused(CONTACT.replace('circuit = "grid"', 'charge_point = "cp1"') + EVENING, client)
    assert "timetable: has no meaning for role client; move it to the server's file" in said
    assert "input: has no meaning for role client" in said


def written(directory: Path, text: str) -> Path:
    path = directory / "board.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_time_zone_is_one_the_machine_knows(tmp_path: Path):
    assert str(time_zone(config(EVENING))) == "Europe/Berlin"
    assert time_zone(parse(BASE.replace('time_zone = "Europe/Berlin"\n', "").format(more="", circuit=""), "f")) is UTC
    for name in ("Europe/Berlim", "../../etc/passwd"):
        path = written(tmp_path, BASE.replace("Europe/Berlin", name).format(more="", circuit=""))
        with pytest.raises(ConfigurationInvalid, match=r"park\.time_zone: there is no time zone"):
            read_checked(path, lambda _: TRAITS)


def test_lapse_currents_must_fit_what_holds_after_an_expiry(tmp_path: Path):
    path = written(tmp_path, BASE.format(more="", circuit="expired_limit_amps = [5, 10, 10]"))
    with pytest.raises(ConfigurationInvalid) as invalid:
        read_checked(path, lambda _: TRAITS)
    (finding,) = invalid.value.findings
    assert "circuit grid L1: (expired_limit_amps) lapse (fallback) currents 6 A" in finding
    assert "exceed the limit 5 A by 1 A" in finding


SWITCH = """
[[authorization_input]]
number = 3
charge_point = "cp1"
stops = true
"""


@pytest.mark.rule("B-060", "B-061")
def test_an_input_that_authorizes():
    config = parse(BASE.format(circuit="", more=SWITCH), "board.toml")
    assert mapping.authorizer_settings(config).inputs == (AuthorizingInput("board", 3, "board/cp1", stops=True),)


def test_an_input_that_authorizes_names_a_charge_point_that_is_there():
    wrong = SWITCH.replace("cp1", "cp2")
    with pytest.raises(ConfigurationInvalid, match="there is no charge point 'cp2'"):
        parse(BASE.format(circuit="", more=wrong), "board.toml")
