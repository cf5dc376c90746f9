"""kill -9 of the board before each step of each transaction message: no session is lost, doubled or altered."""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest
from support.deaths import BOARD, Death, Deaths, deaths, dying_park

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Generator[Deaths]:
    with dying_park(tmp_path_factory.mktemp("park")) as made:
        yield made


@pytest.mark.rule("B-074")
@pytest.mark.parametrize("death", deaths(BOARD, "before"), ids=str)
def test_a_death_costs_nothing(park: Deaths, death: Death, record_property: Callable[[str, object], None]) -> None:
    repeats, seconds = park.die(death)
    record_property("figure", f"R02 {death}: wire repeats {repeats} <= {death.repeats}, all told {seconds:.1f} s later")
    assert repeats <= death.repeats
    assert park.recorder.stale == []


def test_all_facts_of_the_board_are_at_the_backend(park: Deaths) -> None:
    assert park.lost() == []
