"""kill -9 at every named point and at random moments: sessions stay exact, no current outlives its lease."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from support.recorder import Recorder
from support.rig import Rig, eventually, rig

from nodes.crash import POINTS

ADA, BOB = "04A1B2C3", "04D4E5F6"
LEASE = 10
RANDOM_KILLS = 10

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def park(tmp_path: Path) -> Generator[Rig]:
    with rig(tmp_path, lease=LEASE) as made:
        yield made


def charge(park: Rig, point: str = "cp1", tag: str = ADA) -> None:
    """Plug and card; returns when the card was shown, after the node (if it still lives) knew of the vehicle.

    Of what is shown sooner the vehicle may hear too late: nobody takes a card out within a few milliseconds.
    """
    park.plug(point)
    eventually("the node sees the vehicle", lambda: park.died() or park.pilot(point) not in {None, "A"})
    park.swipe(tag)


def settled(park: Rig, sessions: int) -> bool:
    """Every session has reached the backend whole, and nothing is on its way."""
    view = park.view()
    if view is None or view.backend is None or view.backend.queue_depth != 0:
        return False
    transactions = park.ledger().transactions()
    return len(transactions) >= sessions and all(each.stops for each in transactions)


def check(park: Rig, sessions: int) -> tuple[int, int]:
    """The ledger is exact; returns (wire repeats, attempts that got no answer: at most one a death)."""
    ledger = park.ledger()
    transactions = ledger.transactions()
    assert len(transactions) == sessions, transactions
    for each in transactions:
        assert each.starts >= 1, each
        assert each.stops >= 1, each
        assert each.different_stops == 1, each
        assert each.order_kept, each
    assert ledger.strangers() == []
    assert ledger.violations() == []
    return sum(each.wire_repeats for each in transactions), park.starts - 1


DEATHS = [*((point, 1) for point in POINTS), *((point, 2) for point in POINTS if "persist" not in point)]


@pytest.mark.parametrize(("point", "passing"), DEATHS)
def test_a_death_at_a_named_point_costs_nothing(
    park: Rig, point: str, passing: int, record_property: Callable[[str, object], None]
) -> None:
    recorder = Recorder(park.config.bench, LEASE)
    park.start_node(crash=f"{point}:{passing}")
    eventually("online or dead", lambda: park.died() or park.online())
    if not park.died():
        charge(park)
        eventually("dead or charging", lambda: park.died() or park.charging("cp1"))
    if not park.died():
        eventually("some energy", lambda: park.died() or park.evse("cp1").energy_wh > 5)
        park.unplug("cp1")
        eventually("the node dies", park.died)
    assert park.processes["node"].returncode == -9
    park.start_node()
    eventually("online again", park.online)
    if park.evse("cp1").HasField("vehicle"):
        if not park.charging("cp1"):
            park.swipe(ADA) if not sessions_open(park) else None
        eventually("charging after the death", lambda: park.charging("cp1"))
        park.unplug("cp1")
    elif not park.ledger().transactions() and not sessions_open(park):
        charge(park)
        eventually("charging", lambda: park.charging("cp1"))
        park.unplug("cp1")
    eventually("all delivered", lambda: settled(park, 1))
    repeats, unanswered = check(park, 1)
    recorder.close()
    record_property(
        "figure", f"R02 killed at {point}:{passing}: wire repeats {repeats} <= unanswered attempts {unanswered}"
    )
    assert repeats <= unanswered
    assert recorder.stale == []
    assert recorder.samples > 10


def sessions_open(park: Rig) -> bool:
    view = park.view()
    return view is not None and any(each.session is not None for each in view.charge_points)


def test_a_card_refused_at_the_moment_of_a_death_charges_no_longer(park: Rig) -> None:
    """D4: accepted offline, refused with its transaction; the node dies when the refusal has just reached the disk."""
    park.start_node(crash="after-delete")
    eventually("online", park.online)
    park.tell_backend('{"offline": 5}')
    eventually("offline", lambda: not park.online())
    park.tell_backend(f'{{"block": ["{ADA}"]}}')
    charge(park)
    eventually("charging by the whitelist", lambda: park.charging("cp1"))
    eventually("the node dies", park.died)
    assert park.charging("cp1")
    park.start_node()
    eventually("no current any more", lambda: not park.charging("cp1"))
    eventually("all delivered", lambda: settled(park, 1))
    check(park, 1)
    (transaction,) = park.ledger().transactions()
    assert transaction.stop_reason == "DeAuthorized"


def test_ten_deaths_at_random_moments_cost_nothing(park: Rig, record_property: Callable[[str, object], None]) -> None:
    seed = int(os.environ.get("CHARGEPARK_SEED", "0")) or random.randrange(1, 10**6)
    record_property("figure", f"ten random kills: seed {seed}; repeat with CHARGEPARK_SEED={seed}")
    draw = random.Random(seed)
    recorder = Recorder(park.config.bench, LEASE)
    waiting = threading.Event()  # never set: only its timeout, the drawn moment, matters
    sessions = 0
    for _ in range(RANDOM_KILLS):
        park.start_node()
        eventually("online", park.online)
        if park.evse("cp1").HasField("vehicle") and draw.random() < 0.6:
            park.unplug("cp1")
        elif not park.evse("cp1").HasField("vehicle"):
            charge(park, "cp1", ADA)
        waiting.wait(draw.uniform(0.0, 4.0))
        park.kill("node")
    park.start_node()
    eventually("online", park.online)
    if park.evse("cp1").HasField("vehicle"):
        park.unplug("cp1")
    eventually("nobody charges", lambda: not sessions_open(park))
    sessions = len(park.ledger().transactions())
    eventually("all delivered", lambda: settled(park, sessions))
    sessions = len(park.ledger().transactions())
    repeats, unanswered = check(park, sessions)
    recorder.close()
    counts = f"{sessions} sessions, wire repeats {repeats} <= unanswered attempts {unanswered}"
    record_property("figure", f"R01 ten random kills, seed {seed}: {counts}")
    assert sessions >= 1
    assert repeats <= unanswered
    assert recorder.stale == []


def test_a_dead_node_leaves_cars_charging_until_the_deadman_acts(park: Rig) -> None:
    recorder = Recorder(park.config.bench, LEASE)
    park.start_node()
    eventually("online", park.online)
    charge(park)
    eventually("full current", lambda: park.evse("cp1").currents.l1_ma > 6_000)
    park.kill("node")
    assert park.charging("cp1")
    eventually("the deadman acts", lambda: park.evse("cp1").levels.deadman_tripped)
    levels = park.evse("cp1").levels
    assert levels.signalled_ma == 6_000
    eventually("the car follows", lambda: park.evse("cp1").currents.l1_ma <= 6_000)
    recorder.close()
    assert recorder.flowed_without_word <= LEASE + 1.0
    assert recorder.stale == []
