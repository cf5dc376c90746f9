"""The configuration the demo writes is one the node takes, with a fuse that has to be shared."""

from pathlib import Path

import pytest

from nodes.checked_config import read_checked
from nodes.demo.configuration import LARGEST_PARK, configuration, connector, park, reader
from nodes.demo.ports import OFFSETS, Ports
from park.physics.hardware import TRAITS


@pytest.mark.parametrize("count", [3, 6, 7, 48, LARGEST_PARK])
def test_the_node_takes_it(tmp_path: Path, count: int):
    file = tmp_path / "node.toml"
    file.write_text(configuration(park("demo-1", count), Ports(20_000)), encoding="utf-8")
    checked = read_checked(file, lambda _: TRAITS)

    assert checked.warnings == ()
    assert [point.name for point in checked.config.charge_point] == [f"cp{n}" for n in range(1, count + 1)]


@pytest.mark.parametrize("count", [3, 6, 7, 48, LARGEST_PARK])
def test_the_fuse_is_far_too_small_for_all_and_enough_for_each_to_begin(count: int):
    built = park("demo-1", count)

    assert built.fuse_amps - built.house_amps < 32 * count * 0.6
    assert built.fuse_amps - built.house_amps - 1 >= 6 * count


def test_names_lead_to_each_other():
    assert connector("cp12") == 12
    assert reader("cp12") == "cp12-reader"


def test_the_ports_of_a_block_are_different_and_leave_room_for_the_next_board():
    assert len(set(OFFSETS.values())) == len(OFFSETS)
    assert max(OFFSETS.values()) < 100
