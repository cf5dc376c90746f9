"""How a client board begins: where its server put it last, or nowhere."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nodes.board import Identities, client_board
from park.config.parsing import parse
from park.exchange.placing import PLACED_TABLE, placed_body
from park.model.placement import Placed
from park.model.storage import Row

CONFIG = parse(
    """
[node]
name = "bay"
role = "client"
data_dir = "unused"
[server]
park = "carpark"
address = "127.0.0.1:9"
[bench]
address = "127.0.0.1:9"
[[charge_point]]
name = "cp1"
driver = "virtual"
fallback_amps = 16
boot_amps = 16
max_amps = 16
""",
    "bay.toml",
)
PLACED = Placed("bay/cp1", 7, "grid", "STR", 3, 6_000, 32_000, 10_000, 6_000)
IDS = Identities("boot", "journal", "store", 0, lambda: "id")


@pytest.mark.rule("B-081")
def test_a_board_that_was_never_placed_signals_nothing_whatever_its_file_says() -> None:
    (point,) = client_board(CONFIG, IDS, "1").hardware.charge_points
    assert (point.connector, point.fallback_ma, point.boot_ma) == (0, 0, 0)


def test_a_board_begins_where_it_was_placed_last_within_its_hardware() -> None:
    (point,) = client_board(
        CONFIG, IDS, "1", (Row(PLACED_TABLE, "bay/cp1", placed_body(PLACED)),)
    ).hardware.charge_points
    assert (point.connector, point.circuit, point.wiring.value) == (7, "grid", "STR")
    assert (point.fallback_ma, point.boot_ma, point.maximum_ma) == (10_000, 6_000, 16_000)


def test_a_placement_that_leaves_no_current_is_none() -> None:
    row = Row(PLACED_TABLE, "bay/cp1", placed_body(replace(PLACED, minimum_ma=20_000)))
    (point,) = client_board(CONFIG, IDS, "1", (row,)).hardware.charge_points
    assert (point.connector, point.boot_ma) == (0, 0)
