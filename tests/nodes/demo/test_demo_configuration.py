"""The configurations the demo writes are ones the nodes and the bench take, with fuses that have to be shared."""

from pathlib import Path

import pytest

from nodes.checked_config import read_checked
from nodes.demo.configuration import configurations
from nodes.demo.layout import LARGEST_PARK, MOST_CLIENTS, connector, park, reader
from nodes.demo.ports import BASE_STEP, OFFSETS, Ports
from nodes.virtual.plan import bench_plan_from_toml
from park.physics.hardware import TRAITS

ALONE = [(0, 3), (0, 6), (0, 7), (0, 48), (0, LARGEST_PARK)]
WITH_BOARDS = [(1, 1), (2, 3), (3, 7), (MOST_CLIENTS, 13), (1, LARGEST_PARK)]


def written(folder: Path, clients: int, count: int) -> dict[str, Path]:
    texts = configurations(park("demo-1", clients, count), Ports(20_000, clients))
    files = {node: folder / f"{node}.toml" for node in texts}
    for node, text in texts.items():
        files[node].write_text(text, encoding="utf-8")
    return files


@pytest.mark.parametrize(("clients", "count"), [*ALONE, *WITH_BOARDS])
def test_the_nodes_take_them(tmp_path: Path, clients: int, count: int):
    files = written(tmp_path, clients, count)
    checked = {node: read_checked(file, lambda _: TRAITS) for node, file in files.items()}

    assert len(files) == clients + 1
    assert [each.warnings for each in checked.values()] == [()] * len(files)
    points = [point.name for each in checked.values() for point in each.config.charge_point]
    assert points == [f"cp{number}" for number in range(1, max(clients, 1) * count + 1)]


@pytest.mark.parametrize(("clients", "count"), WITH_BOARDS)
def test_the_server_places_what_the_boards_have(tmp_path: Path, clients: int, count: int):
    built = park("demo-1", clients, count)
    server, *boards = (
        read_checked(file, lambda _: TRAITS).config for file in written(tmp_path, clients, count).values()
    )

    placed = [(each.charge_point, each.connector) for each in server.placement]
    assert placed == list(zip(built.full_names, range(1, clients * count + 1), strict=True))
    assert [board.node.name for board in boards] == [board.name for board in built.clients]
    assert not server.charge_point
    assert server.pairing is not None
    assert server.pairing.open is False


@pytest.mark.parametrize(("clients", "count"), [*ALONE, *WITH_BOARDS])
def test_a_verb_of_the_bench_needs_no_board(tmp_path: Path, clients: int, count: int):
    plan = bench_plan_from_toml(written(tmp_path, clients, count).values())

    assert tuple(evse.name for evse in plan.site.evses) == park("demo-1", clients, count).charge_points
    assert plan.site.circuits[0].name == "grid", "the demo shows how hot its fuse was"


@pytest.mark.parametrize(("clients", "count"), [*ALONE, *WITH_BOARDS])
def test_the_fuse_is_far_too_small_for_all_and_enough_for_each_to_begin(clients: int, count: int):
    built = park("demo-1", clients, count)
    points = len(built.charge_points)

    assert built.fuse_amps - built.house_amps < 32 * max(points, 3) * 0.6
    assert built.fuse_amps - built.house_amps - 1 >= 6 * points
    for board in built.boards:
        assert board.fuse_amps - 1 >= 6 * len(board.charge_points)
        assert board.fuse_amps < 32 * max(len(board.charge_points), 3)


def test_names_lead_to_each_other():
    assert connector("cp12") == 12
    assert reader("cp12") == "cp12-reader"


def test_the_ports_of_a_block_are_different_and_leave_room_for_the_next():
    ports = list(Ports(0, MOST_CLIENTS).all())
    numbers = [Ports(0, MOST_CLIENTS).of_board(part, board) for part, board in ports]

    assert len(set(numbers)) == len(numbers)
    assert max(OFFSETS.values()) < 100
    assert max(numbers) < BASE_STEP
    assert Ports(7000, 2).address("metrics", 2) == "127.0.0.1:7294"
