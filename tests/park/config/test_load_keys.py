"""The rule by which currents are shared, as the file chooses it for the park."""

from __future__ import annotations

import pytest

from park.config.cautions import cautions
from park.config.mapping import coordinator_settings
from park.config.parsing import parse
from park.errors import ConfigurationInvalid
from park.load.algorithms import Algorithm
from park.load.common_current import CommonCurrent
from park.load.parts import Parts
from park.load.state import CoordinatorSettings, CoordinatorState
from park.model.evse import EvseTraits
from tests.park.config.test_cautions import FILE, meter

METERS = meter("socket-meter", 3) + meter("grid-meter", 2)
TRAITS = EvseTraits(has_deadman=True, resolution_ma=100, switchable_phases=False, has_lock=False)
GREENFLUX = 'algorithm = "greenflux-local"\n'


def settings(load: str = "") -> CoordinatorSettings:
    config = parse(f"{FILE}{METERS}[load]\n{load}", "garage.toml")
    return coordinator_settings(config, lambda _: TRAITS, "s")


@pytest.mark.rule("B-154")
def test_the_file_chooses_how_currents_are_shared():
    assert settings().algorithm is Algorithm.FAIR
    assert isinstance(CoordinatorState(settings(), 0.0).parts, Parts)
    chosen = CoordinatorState(settings(GREENFLUX), 0.0)
    assert isinstance(chosen.parts, CommonCurrent)
    assert chosen.parts is not chosen.parts_unused


@pytest.mark.rule("B-159")
def test_a_vehicle_without_demand_keeps_its_share_for_a_quarter_of_an_hour_there_unless_the_file_says_otherwise():
    assert settings().unused_seconds == 60
    assert settings(GREENFLUX).unused_seconds == 900
    assert settings(GREENFLUX + "unused_seconds = 60\n").unused_seconds == 60


def test_another_algorithm_is_refused_with_those_there_are():
    with pytest.raises(ConfigurationInvalid, match=r"algorithm: is 'greenflux', must be one of .*'greenflux-local'"):
        settings('algorithm = "greenflux"\n')


def test_classes_and_weights_that_count_nothing_are_told():
    with_weight = FILE.replace('driver = "virtual"', 'driver = "virtual"\nweight = 2') + METERS
    (text,) = cautions(parse(f"{with_weight}[load]\n{GREENFLUX}", "garage.toml"))
    assert text.startswith("charge point cp1: priority and weight count nothing with load.algorithm greenflux-local")
    assert not list(cautions(parse(with_weight, "garage.toml")))
    assert not list(cautions(parse(f"{FILE}{METERS}[load]\n{GREENFLUX}", "garage.toml")))
