"""Groups, from the files of both sides to the domain."""

from __future__ import annotations

import pytest

from park.config.groups import led_group, refused_as_group
from park.config.mapping import circuits, placed_boards, placements
from park.config.node_config import NodeConfig
from park.config.parsing import parse
from park.errors import ConfigurationInvalid
from park.load.group import loads
from park.model.electric import Wiring
from park.model.placement import NO_CONNECTOR
from park.physics.hardware import TRAITS

HALL = """
[node]
name = "hall"
role = "server"
data_dir = "unused"
[park]
name = "hall"
[[circuit]]
name = "grid"
limit_amps = [63, 63, 63]
"""
GROUP = """
[[group]]
name = "deck/feed"
circuit = "grid"
max_amps = [40, 40, 5]
fallback_amps = [13, 12.5, 0]
priority = 1
weight = 2
"""
DECK = """
[node]
name = "deck"
role = "single"
data_dir = "unused"
[bench]
address = "127.0.0.1:7079"
[park]
name = "deck"
[[circuit]]
name = "feed"
limit_amps = [40, 40, 40]
[[charge_point]]
name = "left"
connector = 1
circuit = "feed"
driver = "virtual"
fallback_amps = 6
outlet = "cable"
"""
ABOVE = """
[above]
park = "hall"
address = "127.0.0.1:7070"
fallback_amps = [13, 13, 13]
"""


def hall(more: str = GROUP) -> NodeConfig:
    return parse(HALL + more, "hall.toml")


def deck(more: str = ABOVE) -> NodeConfig:
    return parse(DECK + more, "deck.toml")


def refused(text: str) -> str:
    with pytest.raises(ConfigurationInvalid) as invalid:
        parse(text, "board.toml")
    return str(invalid.value)


@pytest.mark.rule("B-084")
def test_the_park_above_counts_a_load_on_each_phase_that_can_carry_a_vehicle():
    first, second = placements(hall(), lambda _: TRAITS)
    assert (first.charge_point, first.wiring, first.phases) == ("deck/feed.L1", Wiring.RST, 1)
    assert (first.maximum_ma, first.fallback_ma, first.boot_ma) == (40_000, 13_000, 13_000)
    assert (first.priority, first.weight, first.circuit) == (1, 2, "grid")
    assert (second.charge_point, second.wiring, second.fallback_ma) == ("deck/feed.L2", Wiring.STR, 12_500)


def test_its_loads_are_placed_on_the_board_that_leads_it_and_have_no_connector():
    placed = placed_boards(hall())["deck"]
    assert list(placed) == ["deck/feed.L1", "deck/feed.L2"]
    assert {each.connector for each in placed.values()} == {NO_CONNECTOR}


def test_both_sides_call_the_loads_alike():
    config = deck()
    assert config.above is not None
    group = led_group(config.node.name, config.above, circuits(config)[0])
    assert [each.charge_point for each in loads(group)] == ["deck/feed.L1", "deck/feed.L2", "deck/feed.L3"]
    assert not group.metered, "its topmost circuit has no meter"


@pytest.mark.rule("B-084")
def test_a_fallback_that_its_charge_points_may_exceed_is_refused():
    config = deck(ABOVE.replace("[13, 13, 13]", "[13, 5, 13]"))
    (reason,) = refused_as_group(config.above, circuits(config), placements(config, lambda _: TRAITS))
    assert "circuit feed L2" in reason
    assert "above the 5 A" in reason
    assert refused_as_group(None, circuits(config), placements(config, lambda _: TRAITS)) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HALL + GROUP.replace("deck/feed", "deck"), "group[deck].name: 'deck' names no group; write NODE/CIRCUIT"),
        (
            HALL + GROUP.replace('"grid"', '"gird"'),
            "group[deck/feed].circuit: there is no circuit 'gird'",
        ),
        (HALL + GROUP + GROUP, "group[#2].name: 'deck/feed' is the name of 2 tables; keep one"),
        (HALL + GROUP + GROUP.replace("feed", "other"), "group[deck/feed].name: board deck leads 2 groups"),
        (HALL + GROUP.replace("deck/", "hall/"), "group[hall/feed].name: board hall belongs to this park itself"),
        (
            HALL + GROUP + '[[placement]]\ncharge_point = "deck/cp1"\nconnector = 1\ncircuit = "grid"\n',
            "group[deck/feed].name: board deck belongs to this park itself",
        ),
        (
            HALL + GROUP.replace("[13,", "[41,"),
            "group[deck/feed].fallback_amps: 41 A on L1 is above max_amps there, 40 A; lower it, or raise max_amps",
        ),
        (HALL + GROUP.replace(" 0]", " 4]"), "group[deck/feed].fallback_amps: 4 A on L3, where the group gets nothing"),
        (DECK + GROUP, "group: has no meaning for role single"),
        (DECK + ABOVE.replace('"hall"', '"deck"'), "above.park: 'deck' is this park itself; name the park above"),
        (
            DECK + ABOVE.replace("127.0.0.1:7070", ""),
            "above.address: is empty, and discovery is off; give HOST:PORT or set discovery.enabled",
        ),
    ],
)
def test_what_does_not_fit_is_said_with_its_place_and_remedy(text: str, said: str):
    assert said in refused(text)
