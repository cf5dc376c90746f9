"""Two servers of one park: whatever boards, cables and kills do, never both have grants in force above lapse (S12)."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from park.load import coordinator
from park.load.circuit import Circuit, Placement
from park.load.rivalry import OtherServer, ServersSeen, Standing, StandingReported, Voice
from park.load.state import CoordinatorSettings
from park.model.demand import BoardHeartbeat, CurrentSignalled, DemandChanged
from park.model.grant import ApplyGrant, Grant, Stamp
from park.model.signals import Start, Tick
from park.model.time import Now

NODES = ("n1", "n2", "n3")
STEP = 0.5
LOOK = 3  # steps until what a server announces is known to the other, at most
WALL = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Board:
    """Obeys one voice, which it keeps; falls to 0 A when its grant runs out."""

    node: str
    voice: tuple[int, str] = (0, "")
    server: str | None = None
    grant: Grant | None = None
    fence: tuple[int, int] = (0, 0)

    def take(self, grant: Grant) -> None:
        voice = (grant.epoch, grant.server_id)
        if voice != self.voice:
            if grant.epoch < self.voice[0] or (grant.epoch == self.voice[0] and self.voice[1]):
                return
            self.voice = voice
        if (grant.epoch, grant.sequence) > self.fence:
            self.fence, self.grant = (grant.epoch, grant.sequence), grant

    def in_force(self, now: float) -> Grant | None:
        grant = self.grant
        return grant if grant is not None and now <= grant.stamp.mono + grant.valid_for else None


@dataclass
class Server:
    """`epoch` and `lives` are on its disk. `shown`: what it announced, the newest last."""

    name: str
    epoch: int
    sees: bool
    lives: set[str] = field(default_factory=set)
    state: coordinator.CoordinatorState | None = None
    standing: StandingReported | None = None
    shown: list[StandingReported] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)


class World:
    def __init__(self, *, sees: bool, seed: int = 0, clone: bool = False) -> None:
        self.draw = random.Random(seed)
        self.now = 100.0
        self.sees = sees
        self.lost = 0.0  # share of grants that do not arrive
        self.boards = {node: Board(node) for node in NODES}
        self.servers = {"a": Server("a", 4, sees), "b": Server("b", 0, sees)}
        self.born = 0
        self.start("a")
        if clone:
            self.servers["b"] = Server("b", self.servers["a"].epoch, sees, set(self.servers["a"].lives))

    def start(self, name: str) -> None:
        server = self.servers[name]
        self.born += 1
        server.epoch += 1
        life = f"{name}-{self.born}"
        server.lives.add(life)
        placements = tuple(Placement(f"{node}/cp", node, "grid", maximum_ma=16_000) for node in NODES)
        made = CoordinatorSettings(
            (Circuit("grid", (48_000, 48_000, 48_000)),),
            placements,
            life,
            server.epoch,
            lives=frozenset(server.lives),
            sees_servers=server.sees,
            suspects=server.standing is not None and server.standing.suspects,
            node="the server has no charge point",
        )
        server.state = coordinator.initial(made, self.clock())
        server.shown = []
        self.tell(name, Start())

    def kill(self, name: str) -> None:
        self.servers[name].state = None
        for board in self.boards.values():
            board.server = None if board.server == name else board.server

    def connect(self, node: str, name: str | None) -> None:
        """A port that is closed, or a server that is not there, is not reached."""
        up = name is not None and self.servers[name].state is not None and self.open(name)
        self.boards[node].server = name if up else None
        if up:
            self.speak(self.boards[node], greeting=True)

    def open(self, name: str) -> bool:
        standing = self.servers[name].standing
        return standing is None or standing.standing is not Standing.DOWN

    def clock(self) -> Now:
        return Now(self.now, WALL + timedelta(seconds=self.now))

    def tell(self, name: str, event: coordinator.CoordinatorEvent) -> None:
        server = self.servers[name]
        if server.state is None:
            return
        server.state, effects = coordinator.step(server.state, event, self.clock())
        for effect in effects:
            match effect:
                case ApplyGrant(grant):
                    board = self.boards[grant.charge_point.partition("/")[0]]
                    if board.server == name and self.draw.random() >= self.lost:
                        board.take(grant)
                        self.signalled(board)
                case coordinator.Recompute():
                    self.tell(name, effect)
                case StandingReported():
                    server.standing = effect
                    server.epoch = max(server.epoch, effect.voice.epoch)
                    server.epochs.append(effect.voice.epoch)
                case _:
                    pass
        if not self.open(name):
            for board in self.boards.values():
                board.server = None if board.server == name else board.server

    def speak(self, board: Board, *, greeting: bool = False) -> None:
        if board.server is None:
            return
        name = board.server
        if greeting:
            self.signalled(board)
        stamp = Stamp(board.node, "boot", self.now)
        self.tell(name, BoardHeartbeat(stamp, (f"{board.node}/cp",), *board.voice))
        self.tell(name, DemandChanged(f"{board.node}/cp", True, 3, 6_000, 16_000, True, 1.0))

    def signalled(self, board: Board) -> None:
        held = board.in_force(self.now)
        report = CurrentSignalled(
            f"{board.node}/cp", 0 if held is None else held.amps_ma, 0, *board.fence, False, self.now
        )
        if board.server is not None:
            self.tell(board.server, report)

    def run(self, seconds: float, disturb: float = 0.0) -> None:
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            if self.draw.random() < disturb:
                self.disturb()
            self.step()
            self.check()

    def step(self) -> None:
        for name, server in self.servers.items():
            if server.state is not None:
                assert server.standing is not None
                server.shown = [*server.shown, server.standing][-8:]
                if self.sees:
                    self.tell(name, ServersSeen(self.seen_by(name)))
                self.tell(name, Tick())
        for board in self.boards.values():
            self.speak(board)
            self.signalled(board)

    def seen_by(self, name: str) -> tuple[OtherServer, ...]:
        other = self.servers["b" if name == "a" else "a"]
        late = self.draw.randint(1, LOOK)
        if other.state is None or len(other.shown) < late:
            return ()
        shown = other.shown[-late]
        return (OtherServer(other.name, "192.0.2.1:7070", shown.voice, shown.standing is Standing.LEADS),)

    def disturb(self) -> None:
        what = self.draw.choice(("connect", "connect", "connect", "kill", "start"))
        name = self.draw.choice(("a", "b"))
        if what == "connect":
            self.connect(self.draw.choice(NODES), self.draw.choice(("a", "b", None)))
        elif what == "kill":
            self.kill(name)
        elif what == "start" and self.servers[name].state is None:
            self.start(name)

    def commanding(self) -> set[str]:
        held = (board.in_force(self.now) for board in self.boards.values())
        return {grant.server_id[0] for grant in held if grant is not None and grant.amps_ma > grant.lapse_ma}

    def check(self) -> None:
        assert len(self.commanding()) <= 1, f"two command at {self.now}"

    def all_to(self, name: str) -> None:
        for node in NODES:
            self.connect(node, name)


def led(*, sees: bool = True, clone: bool = False) -> World:
    """Server a leads all boards."""
    world = World(sees=sees, clone=clone)
    world.run(6)
    world.all_to("a")
    world.run(20)
    assert world.commanding() == {"a"}
    return world


@pytest.mark.rule("B-082")
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), clone=st.booleans(), disturb=st.sampled_from([0.02, 0.1, 0.4]))
def test_two_servers_that_see_each_other_never_both_command(seed: int, clone: bool, disturb: float) -> None:
    world = World(sees=True, seed=seed, clone=clone)
    world.run(5)
    world.all_to("a")
    world.run(20)
    world.start("b")
    world.run(300, disturb)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), disturb=st.sampled_from([0.02, 0.1, 0.4]))
def test_two_servers_that_only_hear_boards_never_both_command(seed: int, disturb: float) -> None:
    world = World(sees=False, seed=seed)
    world.all_to("a")
    world.run(20)
    world.start("b")
    world.lost = 0.5
    world.run(300, disturb)


def test_without_sight_no_board_is_counted_on_that_has_not_obeyed_yet() -> None:
    world = led(sees=False)
    world.start("b")
    world.lost = 1.0
    world.all_to("b")
    world.run(20)
    world.connect("n1", "a")  # it never heard the new voice
    world.lost = 0.0
    world.run(60)
    assert world.commanding() == {"a"}
    world.connect("n1", "b")
    world.run(20)
    assert world.commanding() == {"b"}


@pytest.mark.parametrize("clone", [False, True])
def test_the_lower_voice_stands_down_and_the_other_commands_all_boards(clone: bool) -> None:
    world = led(clone=clone)
    world.start("b")
    world.run(4)
    lower, higher = ("a", "b") if clone else ("b", "a")
    down = world.servers[lower].standing
    assert down is not None
    assert down.standing is Standing.DOWN
    assert "switch one of the two off" in down.why
    world.all_to(higher)
    world.run(20)
    assert world.commanding() == {higher}


def test_a_server_that_stood_down_commands_again_when_the_other_was_gone_for_long() -> None:
    world = led()
    world.start("b")
    world.run(6)
    world.kill("a")
    world.run(35)
    assert not world.open("b")
    world.run(10)
    world.all_to("b")
    world.run(5)
    assert world.commanding() == {"b"}
    assert world.servers["b"].epoch > 5  # above what the boards obeyed


def test_epochs_do_not_climb_while_two_servers_run() -> None:
    world = led()
    world.start("b")
    for _ in range(100):
        world.connect(world.draw.choice(NODES), world.draw.choice(("a", "b")))
        world.run(2)
    assert set(world.servers["a"].epochs) == {5}
    assert set(world.servers["b"].epochs) == {1}


def test_without_sight_a_new_server_waits_for_every_board_and_then_has_them() -> None:
    world = led(sees=False)
    world.start("b")
    for node in NODES[:2]:
        world.connect(node, "b")
    world.run(120)
    assert world.commanding() <= {"a"}
    standing = world.servers["b"].standing
    assert standing is not None
    assert standing.standing is Standing.WAITS
    assert "every board of its configuration" in standing.why
    world.connect(NODES[2], "b")
    world.run(20)
    assert world.commanding() == {"b"}
    world.connect(NODES[0], "a")  # back at the old one: it is heard that another commands
    world.run(60)
    assert world.commanding() == {"b"}
    assert world.boards[NODES[0]].voice == (6, "b-2")


def test_an_older_server_that_says_nothing_of_its_voice_is_left_alone() -> None:
    world = led()
    world.sees = False  # what it sees is told by hand
    for _ in range(40):
        world.tell("a", ServersSeen((OtherServer("old", "192.0.2.9:7070", None, leads=True),)))
        world.run(0.5)
    assert world.commanding() == set()
    assert not world.open("a")


def test_its_own_earlier_lives_are_no_other_server() -> None:
    world = led()
    world.kill("a")
    world.start("a")
    world.all_to("a")
    world.run(14)
    assert world.commanding() == {"a"}


def test_a_voice_is_ordered_by_epoch_then_by_server() -> None:
    assert Voice(2, "a") > Voice(1, "b")
    assert Voice(2, "b") > Voice(2, "a")
