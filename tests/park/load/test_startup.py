from __future__ import annotations

import pytest
from msgspec.structs import replace

from park.load.circuit import Circuit, Placement
from park.load.startup import reaction_bounds, refusals, warnings
from park.model.electric import Wiring
from tests.park.load.boards import each

GRID = Circuit("grid", each(63_000), headroom_ma=1_000, meter="m", external_fallback_ma=each(20_000))
CP1 = Placement("b/cp1", "b", "grid", meter="m1")
CP2 = replace(CP1, charge_point="b/cp2", meter="m2")
HALL = Circuit("hall", each(32_000), parent="grid")


def test_the_example_of_one_board_may_start():
    assert refusals([GRID], [CP1, CP2]) == ()
    assert refusals([GRID, HALL], [CP1, replace(CP2, circuit="hall")]) == ()


@pytest.mark.rule("B-403")
@pytest.mark.parametrize(
    ("circuits", "placements", "says"),
    [
        ([], [], "no circuit"),
        ([GRID, replace(GRID, parent="hall"), HALL], [], "circuit grid: described 2 times, with parents None, hall"),
        ([GRID, replace(HALL, parent="cellar")], [], "circuit hall: its parent cellar does not exist"),
        ([replace(GRID, parent="hall"), HALL], [], "cycle"),
        ([GRID, replace(HALL, parent=None)], [], "more than one without a parent"),
        ([GRID], [replace(CP1, circuit="roof")], "circuit roof does not exist; known: grid"),
        ([GRID], [CP1, CP1], "b/cp1: placed 2 times"),
        ([GRID], [replace(CP1, meter="m")], "meter m: named by 2"),
        ([replace(GRID, limit_ma=(0, 0, 0))], [], "its limit must be positive"),
        ([replace(GRID, headroom_ma=-1)], [], "must not be negative"),
        ([replace(GRID, imbalance_ma=-1)], [], "the difference allowed between phases must not be negative"),
        ([replace(GRID, limit_watts=0)], [], "its limit in watts must be positive"),
        (
            [replace(GRID, limit_watts=19_700)],
            [replace(CP1, boot_ma=6_000)],
            "boot currents 18 A + external fallback 60 A on the sum of the phases are 19734 W at 253 V, above",
        ),
        ([replace(GRID, meter_period_seconds=9.0)], [], "polled faster"),
        ([GRID], [replace(CP1, minimum_ma=5_000)], "minimum 5 A must be at least 6 A"),
        ([GRID], [replace(CP1, fallback_ma=3_000)], "fallback current 3 A must be 0 or within 6 A to 32 A"),
        ([GRID], [replace(CP1, phases=4)], "phases must be 1, 2 or 3"),
        ([GRID], [replace(CP1, weight=0)], "weight"),
        ([GRID], [replace(CP1, minimum_ma=6_050)], "multiple of the resolution"),
        (
            [GRID],
            [replace(CP1, boot_ma=32_000), replace(CP2, boot_ma=16_000)],
            "boot currents 48 A + external fallback 20 A + headroom 1 A exceed the limit 63 A by 6 A",
        ),
        (
            [GRID],
            [replace(CP1, fallback_ma=32_000), replace(CP2, fallback_ma=16_000)],
            "lapse (fallback) currents 48 A + external fallback 20 A exceed the limit 63 A by 5 A",
        ),
        (
            [replace(GRID, external_fallback_ma=(64_000, 0, 0))],
            [],
            "grid L1: boot currents 0 A + external fallback 64 A",
        ),
        (
            [GRID, replace(HALL, limit_ma=each(10_000))],
            [replace(CP1, circuit="hall"), replace(CP2, circuit="hall")],
            "circuit hall L1: lapse",
        ),
    ],
)  # fmt: skip
def test_refused_at_start(circuits: list[Circuit], placements: list[Placement], says: str):
    found = refusals(circuits, placements)
    assert any(says in text for text in found), found


def test_currents_are_summed_per_phase():
    single = replace(CP1, phases=1, fallback_ma=32_000)
    assert refusals([GRID], [single, replace(CP2, phases=3, fallback_ma=6_000)]) == ()
    assert len(refusals([GRID], [single, replace(CP2, phases=3, fallback_ma=16_000)])) == 1


def test_warnings():
    assert warnings([GRID], [CP1]) == ()
    assert "nominal fuse size (63 A)" in warnings([replace(GRID, headroom_ma=0)], [CP1])[0]
    assert "no deadman" in warnings([GRID], [replace(CP1, has_deadman=False)])[0]
    assert "no meter of its own" in warnings([GRID], [replace(CP1, meter=None)])[0]


def test_reaction_bounds_are_printed_and_slower_settings_show():
    usual = reaction_bounds(interval_seconds=2, lease_seconds=10, meter_period_seconds=1, meter_stale_seconds=5)
    assert not [text for text in usual if "slower" in text]
    slow = reaction_bounds(interval_seconds=2, lease_seconds=30, meter_period_seconds=1, meter_stale_seconds=5)
    assert [text for text in slow if "slower" in text] == [slow[1], slow[3]]


def test_unknown_wiring_below_a_limit_of_imbalance_is_named():
    balanced = replace(GRID, imbalance_ma=20_000)
    unknown = replace(CP1, wiring=Wiring.UNKNOWN)
    assert any("b/cp1: its wiring is unknown" in text for text in warnings([balanced], [unknown, CP2]))
    assert not any("wiring" in text for text in (*warnings([GRID], [unknown]), *warnings([balanced], [CP1])))


@pytest.mark.rule("B-160")
def test_a_minimum_of_half_of_what_a_circuit_gives_is_warned_of():
    def turns(*placements: Placement, circuits: tuple[Circuit, ...] = (GRID, HALL)) -> list[str]:
        return [text for text in warnings(circuits, placements) if "wait for their turn" in text]

    first, second = (replace(each, circuit="hall") for each in (CP1, CP2))
    assert turns(replace(first, minimum_ma=15_900), second) == []
    (text,) = turns(replace(first, minimum_ma=16_000), second)
    assert text.startswith("charge point b/cp1: its minimum of 16 A is not below half of the 32 A that circuit hall")
    assert turns(replace(first, minimum_ma=16_000)) == []
    assert "circuit grid" in turns(replace(CP1, minimum_ma=31_000), CP2)[0]  # 63 A - 1 A headroom
    one, other = replace(first, minimum_ma=20_000, phases=1), replace(second, phases=1, wiring=Wiring.STR)
    assert turns(one, other) == []
