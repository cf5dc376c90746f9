"""Many at once, and orders that race with people, on one board in virtual time: R27 and R32 (docs/hostile.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from random import Random

import pytest
from support.simulation import board, morning

from nodes.simulation.backend import SimulatedBackend
from nodes.simulation.outcome import Outcome
from nodes.simulation.run import Run
from nodes.simulation.scenario import HOURS, Backend, Scenario
from park.config.node_config import NodeConfig
from park.config.parsing import parse
from park.ocpp.link import Payload, SendCall
from park.ocpp.wire import TRANSACTION_ACTIONS, iso
from park.physics.vehicle import Behaviour, VehicleSpec

CAR = VehicleSpec(3, 16_000, 6_000, 20_000.0, Behaviour.NORMAL)
CABLE_MA = 32_000
CROWD = 200
POWER_AT = 30.0  # seconds: the backend has accepted the boot
RACERS = 12
APART = 20.0  # seconds from one race to the next
STEP_SECONDS = 0.4  # from one thing at a reader to the next
ZOMBIE_AT = 100.0  # seconds: later than any card is remembered (ConnectionTimeOut)
Record = Callable[[str, object], None]


def nobody(hours: float) -> Scenario:
    """A scenario in which only the test does something."""
    quiet = morning(hours, event=(), house=(), backend=Backend(answer_seconds=(0.05, 0.4)))
    return quiet.model_copy(update={"arrivals": quiet.arrivals.model_copy(update={"per_hour": (0.0,) * HOURS})})


def large(points: int, mode: str, readers: tuple[str, ...] = ()) -> NodeConfig:
    """A board with many charge points without meters. `readers`: each has readers that begin with these letters."""
    text = f"""
[node]
name = "board"
role = "single"
data_dir = "var/board"
[bench]
address = "127.0.0.1:7079"
[park]
name = "crowd"
[authorization]
mode = "{mode}"
[backend]
url = "ws://127.0.0.1:9000/ocpp"
identity = "CROWD"
[[circuit]]
name = "grid"
limit_amps = [2500, 2500, 2500]
meter = "grid-meter"
meter_sees_charging = true
external_fallback_amps = [60, 60, 60]
[[meter]]
name = "grid-meter"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:5020"
unit = 1
max_amps = 4000
"""
    for number in range(1, points + 1):
        text += f"""
[[charge_point]]
name = "cp{number}"
connector = {number}
circuit = "grid"
phases = 3
fallback_amps = 6
outlet = "cable"
driver = "virtual"
"""
        for reader in readers:
            text += f'[[reader]]\nname = "{reader}{number}"\ndriver = "virtual"\nserves = ["cp{number}"]\n'
    return parse(text, "a large board")


def plug(run: Run, point: str) -> None:
    run.site.plug(point, CAR, run.world.now().mono, CABLE_MA)
    run.hardware.changed()


def unplug(run: Run, point: str) -> None:
    if run.site.evses[point].vehicle is not None:
        run.site.unplug(point, run.world.now().mono)
        run.hardware.changed()


@pytest.mark.slow
def test_r27_200_cars_at_once_do_not_flood_the_backend(record_property: Record):
    """Power returns: every car is there, everybody may charge, and the backend has one call at a time to answer."""
    run, calls = Run(nobody(0.2), large(CROWD, "free"), seed=27), list[tuple[float, SendCall]]()
    run.backend._seen = lambda call: calls.append((run.world.now().mono, call))
    draw = Random(27)
    for number in range(1, CROWD + 1):
        run.world.after(POWER_AT + draw.random(), lambda point=f"cp{number}": plug(run, point))
    for number in range(1, CROWD + 1):
        run.world.after(500.0 + draw.random(), lambda point=f"cp{number}": unplug(run, point))
    outcome = run.go()
    assert outcome.violations == ()
    assert (outcome.sessions, outcome.left_in_queue, outcome.dead_letters) == (CROWD, 0, 0)
    starts = [at for at, call in calls if call.action == "StartTransaction"]
    times = [str(call.payload["timestamp"]) for _, call in calls if call.action == "StartTransaction"]
    told = [call for _, call in calls if call.action in TRANSACTION_ACTIONS]
    most = max(Counter(int(at) for at, _ in calls).values())
    assert len(starts) == CROWD
    assert times == sorted(times)
    assert outcome.wire_repeats == 0
    assert most <= 1 / 0.05  # one at a time, and each takes the backend at least so long
    took = max(starts) - min(starts)
    record_property(
        "figure",
        f"R27 {CROWD} cars within 1 s: their starts told in order within {took:.0f} s, "
        f"{len(told)} transaction messages, at most {most} calls a second, longest queue {outcome.longest_queue}",
    )


class Thoughtful(SimulatedBackend):
    """Takes up to as long to decide about a card as a driver takes to show another one."""

    def _deliver(self, unique_id: str, answer: Payload, link: int) -> None:
        late = self._random.uniform(0.0, 2 * STEP_SECONDS) if set(answer) == {"idTagInfo"} else 0.0
        self._world.after(late, lambda: super(Thoughtful, self)._deliver(unique_id, answer, link))


def step(run: Run, number: int, what: str) -> None:
    match what:
        case "plug":
            plug(run, f"cp{number}")
        case "unplug":
            unplug(run, f"cp{number}")
        case _:
            reader, tag = what.split()
            run.hardware.swipe(f"{reader}{number}", f"04A1B2{tag}{number:02X}")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_r31_cards_and_cars_in_every_order_make_one_session_or_none(seed: int, record_property: Record):
    """Two cards, one of them at both readers, the car's coming and going, within two seconds, in all 120 orders."""
    orders = list(permutations(("plug", "unplug", "a 01", "b 01", "a 02")))
    run = Run(nobody(0.12), large(len(orders), "backend", ("a", "b")), seed, backend=Thoughtful)
    draw = Random(seed)
    zombies: dict[int, float] = {}
    for number, order in enumerate(orders, 1):
        begun = POWER_AT + number
        zombies[number] = begun + ZOMBIE_AT
        steps = [(begun + STEP_SECONDS * (place + draw.uniform(-0.4, 0.4)), what) for place, what in enumerate(order)]
        steps += [
            (begun + ZOMBIE_AT - 10.0, "unplug"),
            (begun + ZOMBIE_AT, "plug"),
            (begun + ZOMBIE_AT + 60.0, "unplug"),
        ]
        for at, what in steps:
            run.world.after(at, lambda number=number, what=what: step(run, number, what))
    outcome = run.go()
    assert outcome.violations == ()
    assert outcome.crashes == ()
    transactions = run.backend.ledger.transactions()
    assert {*Counter(each.connector for each in transactions).values()} == {1}
    ends = {number: iso(run.scenario.start + timedelta(seconds=at)) for number, at in zombies.items()}
    assert [each for each in transactions if each.started_at >= ends[each.connector]] == []
    record_property("figure", f"R31 seed {seed}: {len(orders)} orders, {len(transactions)} sessions, 0 zombies")


def race(run: Run, number: int, draw: Random) -> None:
    """One charge point: the backend orders a start twice while the driver shows the card; then a stop as they leave."""
    point, tag = f"cp{number}", f"04A1B2C3{number:02X}"
    at = POWER_AT + APART * number
    after = run.world.after
    order = {"connectorId": number, "idTag": tag}
    after(at, lambda: plug(run, point))
    for _ in range(2):
        after(at + 3.0 + draw.uniform(0.0, 0.3), lambda: run.backend.order("RemoteStartTransaction", order))
    after(at + 3.0 + draw.uniform(0.0, 0.3), lambda: run.hardware.swipe("door", tag))
    after(at + 12.0 + draw.uniform(0.0, 0.3), lambda: unplug(run, point))
    for _ in range(2):
        after(at + 12.0 + draw.uniform(0.0, 0.3), lambda: stop(run, number))


def stop(run: Run, number: int) -> None:
    of = [each.transaction_id for each in run.backend.ledger.transactions() if each.connector == number]
    run.backend.order("RemoteStopTransaction", {"transactionId": of[-1] if of else 0})


@pytest.mark.parametrize("seed", range(1, 6))
def test_r32_orders_that_race_with_people_make_one_session(seed: int, record_property: Record):
    run, draw = Run(nobody(0.1), board(), seed), Random(seed)
    for number in range(1, RACERS + 1):
        race(run, number, draw)
    outcome: Outcome = run.go()
    assert outcome.violations == ()
    assert outcome.crashes == ()
    transactions = run.backend.ledger.transactions()
    assert sorted(each.connector for each in transactions) == list(range(1, RACERS + 1))
    assert {(each.starts, each.stops) for each in transactions} == {(1, 1)}
    orders = ", ".join(f"{count} × {what}" for what, count in sorted(run.backend.orders.items()))
    record_property("figure", f"R32 seed {seed}: {RACERS} races, {len(transactions)} sessions; {orders}")
