"""A park of two levels of real processes: a deck joins the hall, shares its connection, and goes on without it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from support.nest_rig import DECK, GROUP, HALL, NestRig, nest_rig
from support.rig import eventually
from typer.testing import CliRunner

from nodes.cli import application

LIMIT, FALLBACK = 40, 13
PATIENCE = 90.0  # a paused charge point waits half a minute

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def park(tmp_path: Path) -> Generator[NestRig]:
    with nest_rig(tmp_path, limit=LIMIT, fallback=FALLBACK) as made:
        yield made


def below(park: NestRig, amps: int) -> dict[str, int]:
    """What flows now, which is never more than the connection carries."""
    flows = park.amps()
    assert sum(flows.values()) <= amps, flows
    return flows


def deck_amps(park: NestRig) -> int:
    flows = below(park, LIMIT)
    return flows["left"] + flows["right"]


@pytest.mark.rule("B-084")
def test_a_deck_shares_the_connection_of_the_hall_and_falls_to_its_fallback_alone(park: NestRig):
    for name in (f"{HALL}/front", f"{DECK}/left", f"{DECK}/right"):
        park.plug(name)
    eventually("all three charge alike", lambda: set(below(park, LIMIT).values()) == {LIMIT // 3}, PATIENCE)

    view = park.board_view(DECK)
    assert view is not None
    assert {row.name for row in view.nodes} == {DECK, HALL}
    bound = {phase.bound_by for row in view.circuits for phase in row.phases}
    assert bound == {"budget"}
    above = park.board_view(HALL)
    assert above is not None
    group = next(row for row in above.circuits if row.name == GROUP)
    assert group.parent == "grid"
    assert [(phase.available_ma, phase.bound_by) for phase in group.phases] == [(26_600, "fuse")] * 3
    reasons = [reason for row in view.charge_points if row.share for reason in row.share.reason]
    assert GROUP in {reason.source for reason in reasons}

    park.kill(HALL)
    eventually("the deck is at its fallback", lambda: deck_amps(park) <= FALLBACK)
    park.start_board(HALL)
    eventually("the deck has its share again", lambda: deck_amps(park) == 2 * (LIMIT // 3), PATIENCE)

    park.kill(DECK)
    eventually("nobody leads the deck, and its grants end", lambda: deck_amps(park) <= FALLBACK)
    park.start_board(DECK)
    eventually("the deck has its share again", lambda: deck_amps(park) == 2 * (LIMIT // 3), PATIENCE)


def test_a_deck_finds_the_hall_by_discovery_and_shows_its_words_there(tmp_path: Path):
    with nest_rig(tmp_path, limit=LIMIT, fallback=FALLBACK, discovery=True) as park:
        arguments = ["pair", "show", str(park.files[DECK])]
        shown = CliRunner().invoke(application(arguments), arguments).output
        assert f"paired       with park {HALL}" in shown
        words = shown.splitlines()[1].split()[1]
        assert words in park.log(HALL), "the hall wrote whose certificate it gave"
