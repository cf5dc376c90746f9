"""Every actor, every message: a handler that raises costs one restart of that actor, soon, and of nobody else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from msgspec import Struct
from msgspec.structs import fields, replace
from support.probe import Probe

from actors import messages
from actors.address import Nowhere
from actors.enrolment import EnrolmentWires
from actors.supervision import Crashed, Restarted, SupervisionReport
from actors.supervisor import RestartPolicy
from actors.worker import Worker
from nodes.board import Identities, client_board, leading_board
from nodes.simulation.store import SimulatedStore
from nodes.simulation.world import SimulatedWorld
from nodes.wiring import Client, ClientEdges, Edges, Park, Roles, declare_enrolment, wire, wire_client
from park.charging.report import ChargePointReported
from park.config.parsing import parse
from park.model.access import CardPresented, ConnectorStatus
from park.model.evse import EvseReported, PilotOutput, SetContactor, Signal
from park.model.signals import Start
from park.ocpp.effects import BackendReported
from park.pairing.state import EnrolmentSettings

BOARD = """
[node]
name = "board"
role = "server"
data_dir = "unused"
[bench]
address = "127.0.0.1:9"
[park]
name = "stage"
[backend]
url = "ws://127.0.0.1:9/ocpp"
identity = "STAGE"
[[circuit]]
name = "grid"
limit_amps = [63, 63, 63]
meter = "grid-meter"
external_fallback_amps = [20, 20, 20]
[[meter]]
name = "grid-meter"
map = "eastron-sdm630"
address = "tcp://127.0.0.1:9"
[[reader]]
name = "door"
driver = "virtual"
serves = ["*"]
[[charge_point]]
name = "cp1"
connector = 1
circuit = "grid"
driver = "virtual"
fallback_amps = 6
[[placement]]
charge_point = "bay/cp1"
connector = 2
circuit = "grid"
"""  # one of each, so that an understudy is alone in its class
CLIENT = """
[node]
name = "board"
role = "client"
data_dir = "unused"
[server]
park = "stage"
address = "127.0.0.1:9"
[bench]
address = "127.0.0.1:9"
[[charge_point]]
name = "cp1"
driver = "virtual"
"""
POLICY = RestartPolicy()
FIRST_RESTART = 0.1  # virtual seconds
PLAYS: dict[str, tuple[object, str]] = {
    "charge_point": (messages.ChargePointMessage, "board/cp1/charge-point"),
    "meter": (messages.MeterMessage, "meter-grid-meter"),
    "rfid_reader": (messages.ReaderMessage, "reader-door"),
    "station": (messages.StationMessage, "station"),
    "coordinator": (messages.CoordinatorMessage, "coordinator"),
    "authorizer": (messages.AuthorizerMessage, "authorizer"),
    "journal": (messages.JournalMessage, "journal"),
    "central_system": (messages.CentralSystemMessage, "central-system"),
    "board_link": (messages.BoardLinkMessage, "board-bay"),
    "enrolment": (messages.EnrolmentMessage, "enrolment"),
    "server_link": (messages.ServerLinkMessage, "server-link"),
}


def members(union: object) -> Iterator[type]:
    """The message classes of a union, nested ones included."""
    if get_origin(union) in {Union, UnionType}:
        for each in get_args(union):
            yield from members(each)
    else:
        assert isinstance(union, type)
        yield union


CASES = [
    pytest.param(role, kind, id=f"{role}-{kind.__name__}")
    for role, (union, _) in PLAYS.items()
    for kind in dict.fromkeys(members(union))
]


def example(hint: Any) -> Any:  # noqa: ANN401 - made from annotations
    """Some value of a type: enough to make a message that is told and never handled."""
    origin = get_origin(hint)
    if origin in {Union, UnionType}:
        return None if type(None) in get_args(hint) else example(get_args(hint)[0])
    if origin in {tuple, list}:
        inner = get_args(hint)
        return () if len(inner) == 2 and inner[1] is Ellipsis else tuple(example(each) for each in inner)
    if origin is not None:
        return {}
    if hint in {int, float, str, bool}:
        return hint()
    if hint is datetime:
        return datetime(2026, 1, 5, tzinfo=UTC)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    if isinstance(hint, type) and issubclass(hint, Struct):
        return make(hint)
    return Nowhere()  # a reply address


def make(kind: type[Struct]) -> Any:  # noqa: ANN401 - any message
    hints = get_type_hints(kind)
    return kind(**{each.name: example(hints[each.name]) for each in fields(kind)})


class Planted(Exception):
    pass


def understudy(of: type[Worker[Any]], kind: type, raises: int) -> type[Worker[Any]]:
    """The actor's class, but the first `raises` messages of the kind are its end."""
    left = itertools.count(raises, -1)

    def receive(self: Worker[Any], message: object) -> None:
        if type(message) is kind and next(left) > 0:
            raise Planted(kind.__name__)
        of.receive(self, message)

    return type(f"Failing{of.__name__}", (of,), {"receive": receive})


class Stage:
    """A wired board in virtual time, without edges, one of its actors failing."""

    def __init__(self, role: str, kind: type, raises: int) -> None:
        self.world = SimulatedWorld(seed=5)
        self.reports: Probe[SupervisionReport] = Probe()
        numbers = itertools.count()
        identities = Identities("boot", "J", "S", 1, lambda: f"id-{next(numbers)}")
        self.driver: Probe[object] = Probe()
        self.view: Probe[object] = Probe()
        roles = replace(Roles(), **{role: understudy(getattr(Roles(), role), kind, raises)})
        self.park: Park | Client = (self._client if role == "server_link" else self._server)(identities, roles)
        self.name = PLAYS[role][1]
        self.address = next(each for each in self.park.supervisor.children() if each.name == self.name)

    def _server(self, identities: Identities, roles: Roles) -> Park:
        nobody = Nowhere()
        edges = Edges(SimulatedStore(self.world), self.driver, nobody, self.view, nobody, nobody, nobody)
        board = leading_board(parse(BOARD, "board.toml"), identities, "test")
        park = wire(self.world, board, edges, self.reports, roles=roles)
        wires = EnrolmentWires(SimulatedStore(self.world), nobody, nobody, nobody)
        declare_enrolment(self.world, park.supervisor, EnrolmentSettings("board"), wires, roles)
        return park

    def _client(self, identities: Identities, roles: Roles) -> Client:
        edges = ClientEdges(SimulatedStore(self.world), self.driver, Nowhere(), self.view, Nowhere())
        board = client_board(parse(CLIENT, "client.toml"), identities, "test")
        return wire_client(self.world, board, edges, self.reports, roles=roles)

    def crashes(self) -> list[Crashed]:
        return [each for each in self.reports.messages if isinstance(each, Crashed)]

    def restarts(self, name: str) -> int:
        return sum(isinstance(each, Restarted) and each.name == name for each in self.reports.messages)

    def others_restarted(self) -> list[str]:
        names = [each.name for each in self.reports.messages if isinstance(each, Restarted)]
        return [name for name in names if name != self.name]


@pytest.mark.parametrize(("role", "kind"), CASES)
def test_a_crash_costs_one_restart_within_100_ms_and_nobody_else(role: str, kind: type) -> None:
    stage = Stage(role, kind, raises=1)
    stage.park.supervisor.start()
    stage.world.run_for(0.0)
    if kind is not Start:
        stage.address.tell(make(kind))
        stage.world.run_for(0.0)
    (crash,) = stage.crashes()
    assert crash.name == stage.name
    assert "Planted" in crash.error
    assert crash.again_in is not None
    assert crash.again_in <= FIRST_RESTART
    stage.world.run_for(FIRST_RESTART)
    assert stage.restarts(crash.name) == 1
    assert stage.address.state == "running"
    stage.world.run_for(5.0)
    assert stage.others_restarted() == []


@pytest.mark.parametrize("role", PLAYS)
def test_later_restarts_follow_the_table(role: str) -> None:
    stage = Stage(role, Start, raises=POLICY.limit)
    stage.park.supervisor.start()
    stage.world.run_for(sum(POLICY.backoff) + 1.0)
    assert [each.again_in for each in stage.crashes()] == list(POLICY.backoff)
    assert stage.restarts(stage.name) == POLICY.limit
    assert stage.address.state == "running"
    assert stage.others_restarted() == []


@pytest.mark.parametrize("role", PLAYS)
def test_who_crashes_too_often_gives_up_alone(role: str) -> None:
    stage = Stage(role, Start, raises=POLICY.limit + 1)
    stage.park.supervisor.start()
    stage.world.run_for(sum(POLICY.backoff) + 1.0)
    assert stage.address.state == "gave-up"
    assert stage.others_restarted() == []
    others = {each.name: each.state for each in stage.park.supervisor.children() if each.name != stage.name}
    assert set(others.values()) == {"running"}


@pytest.mark.rule("B-250")
def test_a_charge_point_that_gives_up_is_left_in_safe_state_and_faulted() -> None:
    stage = Stage("charge_point", Start, raises=POLICY.limit + 1)
    stage.park.supervisor.start()
    stage.world.run_for(sum(POLICY.backoff) + 1.0)
    signal, opened = stage.driver.messages[-2:]
    assert isinstance(signal, Signal)
    assert (signal.output, signal.amps_ma, signal.lapse_ma) == (PilotOutput.FAULT, 0, 0)
    assert opened == SetContactor("board/cp1", closed=False)
    reported = [each for each in stage.view.messages if isinstance(each, ChargePointReported)][-1]
    assert reported.ocpp_status is ConnectorStatus.FAULTED
    assert "restart the node" in reported.faults[0].remedy


def test_electronics_that_missed_the_farewell_are_told_it_when_they_report() -> None:
    stage = Stage("charge_point", Start, raises=POLICY.limit + 1)
    point = stage.park.charge_points["board/cp1"]
    stage.park.supervisor.start()
    point.tell(_levels(PilotOutput.PWM))
    stage.world.run_for(sum(POLICY.backoff) + 1.0)
    stage.driver.clear()
    point.tell(_levels(PilotOutput.FAULT))
    assert stage.driver.messages == []  # it obeys
    point.tell(_levels(PilotOutput.PWM))
    signal, opened = stage.driver.messages
    assert isinstance(signal, Signal)
    assert (signal.charge_point, signal.output, signal.amps_ma) == ("board/cp1", PilotOutput.FAULT, 0)
    assert opened == SetContactor("board/cp1", closed=False)


def _levels(output: PilotOutput) -> EvseReported:
    return replace(make(EvseReported), charge_point="board/cp1", output=output)


def test_an_ocpp_side_that_gives_up_is_shown_as_offline() -> None:
    stage = Stage("central_system", Start, raises=POLICY.limit + 1)
    stage.park.supervisor.start()
    stage.world.run_for(sum(POLICY.backoff) + 1.0)
    reported = [each for each in stage.view.messages if isinstance(each, BackendReported)][-1]
    assert reported.state == "offline"
    assert "restart the node" in reported.why


def test_the_same_input_twice_is_quarantined_and_the_actor_lives_on() -> None:
    poison = CardPresented
    stage = Stage("authorizer", poison, raises=10)
    stage.park.supervisor.start()
    stage.world.run_for(0.1)
    for _ in range(4):
        stage.address.tell(make(poison))
        stage.world.run_for(3.0)
    assert len(stage.crashes()) == 2
    assert stage.address.figures().quarantined == 2
    assert stage.address.state == "running"
