"""The lapse currents of a whole park are lowered on the server while one of its boards is cut off."""

from __future__ import annotations

from support.parks import broken

from nodes.simulation.faults import Fault, Kind
from nodes.simulation.park_run import ParkRun
from nodes.simulation.parks import Bounds
from park.config.node_config import NodeConfig
from park.load.told import TABLE, told_of
from park.model.storage import Delete

SEED = 9  # a park whose fuses are full, whose boards have lapse currents, whose server has no charge points
AWAY = "bay-1"
MINUTES = 7.0
CUT_OFF = Fault(100.0, Kind.PARTITION, 200.0, (AWAY,), 0.5)
CHANGED_AT, BACK_AT, HEALED_AT = 130.0, 135.0, 330.0


def lowered(config: NodeConfig) -> NodeConfig:
    less = {"fallback_amps": 0.0, "boot_amps": 0.0}
    return config.model_copy(update={"placement": tuple(each.model_copy(update=less) for each in config.placement)})


def changed(run: ParkRun, *, forgets: bool = False) -> None:
    """A technician stops the server, edits its file and starts it again."""
    server, checkers = run.server, run.checkers

    def stop() -> None:
        checkers.restarting()
        server.kill()
        server.config = lowered(server.config)
        if forgets:
            server.store.put_now(*(Delete(TABLE, row.key) for row in server.store.rows(TABLE)))

    def start() -> None:
        server.boot()
        checkers.restarted()

    run.world.after(CHANGED_AT, stop)
    run.world.after(BACK_AT, start)


def told(run: ParkRun) -> dict[str, int]:
    return {name: told.highest_ma for name, told in told_of(run.server.store.rows(TABLE)).items()}


def test_a_board_that_was_away_counts_with_what_it_was_told_until_it_is_back() -> None:
    run = ParkRun(SEED, MINUTES, Bounds(boards=(3, 3), points=(6, 6)), faults=(CUT_OFF,))
    before = {each.charge_point: each.fallback_amps for each in run.plan.server.placement}
    changed(run)
    seen: list[dict[str, int]] = []
    for at in (CHANGED_AT - 1.0, HEALED_AT - 40.0, HEALED_AT + 20.0):
        run.world.after(at, lambda: seen.append(told(run)))
    assert broken(run.go()) == set()
    assert seen[0] == {name: 1000 * max(amps, _boot(run, name)) for name, amps in before.items()}
    assert {name: amps for name, amps in seen[1].items() if amps} == {
        name: amps for name, amps in seen[0].items() if amps and name.startswith(AWAY)
    }
    assert sum(seen[1].values()) > 0
    assert sum(seen[2].values()) == 0


def test_a_server_that_forgets_what_it_told_gives_that_current_away() -> None:
    run = ParkRun(SEED, MINUTES, Bounds(boards=(3, 3), points=(6, 6)), faults=(CUT_OFF,))
    changed(run, forgets=True)
    assert {"S1", "S3"} & broken(run.go())


def _boot(run: ParkRun, name: str) -> float:
    return next(each.boot_amps for each in run.plan.server.placement if each.charge_point == name)
