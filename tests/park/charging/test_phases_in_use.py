"""Which of its phases a vehicle uses: learned slowly, given up at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from park.charging.phases_in_use import LEARN_SECONDS, UNKNOWN, UNUSED_MA, PhasesInUse, count, covered, read
from park.charging.settings import ChargePointSettings
from park.model.demand import DemandChanged
from park.model.electric import PerPhase, Wiring, on_phases
from park.model.evse import PilotOutput, PilotState
from tests.support.charge_point_harness import ChargePointHarness, settings


def learned(use: PhasesInUse, config: ChargePointSettings, seconds: float, currents: PerPhase, at: float = 0.0) -> int:
    """What is counted after so many seconds of these readings, one a second."""
    for second in range(round(seconds) + 1):
        use = read(use, currents, config, at + second)
    return count(use, config)


@pytest.mark.parametrize("wiring", Wiring)
@pytest.mark.parametrize("used", [1, 2, 3])
def test_after_a_minute_a_vehicle_counts_on_the_phases_it_loads(wiring: Wiring, used: int) -> None:
    config = settings(wiring=wiring)
    phases = wiring.grid_phases(used) if wiring is not Wiring.UNKNOWN else tuple(range(1, used + 1))
    currents = on_phases(16_000, phases)
    assert learned(UNKNOWN, config, LEARN_SECONDS - 1, currents) == 3
    assert learned(UNKNOWN, config, LEARN_SECONDS, currents) == used


def test_a_vehicle_on_the_second_phase_alone_may_be_on_all_before_it() -> None:
    assert learned(UNKNOWN, settings(wiring=Wiring.RST), 300, (0, 10_000, 0)) == 2
    assert learned(UNKNOWN, settings(wiring=Wiring.STR), 300, (0, 10_000, 0)) == 1


@pytest.mark.parametrize(
    "currents", [(5_999, 0, 0), (16_000, 0, UNUSED_MA), (16_000, 0, -UNUSED_MA)], ids=["too little", "third", "export"]
)
def test_less_is_only_learned_from_at_least_the_minimum_and_under_an_ampere_elsewhere(currents: PerPhase) -> None:
    assert learned(UNKNOWN, settings(), 300, currents) == 3


def test_a_minute_is_one_without_a_break() -> None:
    config, use = settings(), UNKNOWN
    for second in range(300):
        use = read(use, (16_000, 0, 0) if second % 50 else (3_000, 0, 0), config, float(second))
    assert count(use, config) == 3
    for second in range(300, 600):
        use = read(use, (16_000, 0, 0) if second % 50 else (16_000, 9_000, 0), config, float(second))
    assert count(use, config) == 3


def test_a_phase_that_appears_counts_at_once_however_little_the_others_carry() -> None:
    config = settings()
    use = PhasesInUse(learned=1, seen=1, since=0.0)
    assert count(read(use, (2_000, UNUSED_MA, 0), config, 100.0), config) == 3


def test_what_was_learned_stays_while_it_draws_little() -> None:
    config = settings()
    use = PhasesInUse(learned=1, seen=1, since=0.0)
    assert learned(use, config, 300, (0, 0, 0), at=100.0) == 1


@given(
    wiring=st.sampled_from([each for each in Wiring if each is not Wiring.UNKNOWN]),
    steps=st.lists(
        st.tuples(st.tuples(*[st.integers(-2_000, 32_000)] * 3), st.integers(1, 70)), min_size=1, max_size=40
    ),
)
def test_what_is_loaded_is_always_counted(wiring: Wiring, steps: list[tuple[PerPhase, int]]) -> None:
    config, use, now = settings(wiring=wiring), UNKNOWN, 0.0
    for currents, seconds in steps:
        now += seconds
        use = read(use, currents, config, now)
        loaded = {phase for phase, current in enumerate(currents, start=1) if abs(current) >= UNUSED_MA}
        assert loaded <= set(wiring.grid_phases(count(use, config)))


def single_phase_car(**changes: object) -> ChargePointHarness:
    park = ChargePointHarness(settings(**changes))
    park.car_phases = 1
    park.begin(16_000)
    return park


def test_the_coordinator_hears_of_a_single_phase_vehicle_and_again_when_it_pauses() -> None:
    park = single_phase_car(wiring=Wiring.STR)
    assert park.last(DemandChanged).phases_used == 3
    park.advance(LEARN_SECONDS + 5)
    assert park.last(DemandChanged).phases_used == 1
    park.pilot(PilotState.B)
    park.advance(1)
    assert park.last(DemandChanged).phases_used == 3


def test_without_its_meter_all_phases_count_again() -> None:
    park = single_phase_car()
    park.advance(LEARN_SECONDS + 5)
    park.lose_meter()
    assert park.last(DemandChanged).phases_used == 3


def test_a_grant_that_does_not_cover_its_phases_is_not_offered() -> None:
    park = single_phase_car()
    park.advance(LEARN_SECONDS + 5)
    park.keep_granting(20_000, (1,))
    park.advance(6)
    assert park.electronics.amps_ma == 20_000
    park.car_phases = 3
    park.advance(2)
    assert park.last(DemandChanged).phases_used == 3
    assert park.electronics.amps_ma == 6_000  # the lapse current of the grant
    park.keep_granting(12_000, (1, 2, 3))
    park.advance(6)
    assert (park.electronics.output, park.electronics.amps_ma) == (PilotOutput.PWM, 12_000)


def test_one_that_does_not_cover_them_is_no_reason_to_offer_more_than_it_says() -> None:
    park = single_phase_car()
    park.advance(LEARN_SECONDS + 5)
    park.keep_granting(20_000, (1,))
    park.advance(6)
    park.car_phases = 3
    park.advance(2)
    assert park.electronics.amps_ma == 6_000
    park.keep_granting(0, (1,))
    park.advance(2)
    assert park.electronics.amps_ma == 0  # whatever its lapse current


def test_covered_is_by_grid_phases_and_an_old_server_covers_all() -> None:
    park = single_phase_car(wiring=Wiring.STR)
    grant = park.state.lease.grant
    assert grant is not None
    config, use = park.state.settings, PhasesInUse(learned=1)
    assert covered(use, replace(grant, phases=(2,)), config)
    assert not covered(use, replace(grant, phases=(1,)), config)
    assert not covered(UNKNOWN, replace(grant, phases=(2,)), config)
    assert covered(UNKNOWN, replace(grant, phases=()), config)
