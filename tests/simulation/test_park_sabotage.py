"""Each promise of a whole park is broken on purpose, and found broken; without the sabotage nothing is."""

from __future__ import annotations

import math

from msgspec.structs import replace
from support.parks import broken

from actors.authorizer import Authorizer
from actors.central_system import CentralSystem
from actors.charge_point import ChargePoint
from actors.coordinator import Coordinator
from actors.journal import Journal
from actors.messages import (
    AuthorizerMessage,
    CentralSystemMessage,
    ChargePointMessage,
    CoordinatorMessage,
    DriverMessage,
    JournalMessage,
    ServerLinkMessage,
)
from actors.server_link import ServerLink
from nodes.simulation.faults import Fault, Kind
from nodes.simulation.park_outcome import ParkOutcome
from nodes.simulation.park_run import ParkRun
from nodes.simulation.parks import SERVER, Bounds
from nodes.simulation.succession import Takeover
from nodes.wiring import Roles
from park.load.committed import Commitment
from park.load.state import CoordinatorState
from park.model.demand import BoardHeartbeat, CurrentSignalled
from park.model.evse import Signal
from park.model.grant import ApplyGrant
from park.model.session import (
    FactDelivered,
    FactOffered,
    FactPersisted,
    RecordFact,
    SessionEnded,
    SessionStarted,
    key_of,
)
from park.model.storage import CommitFailed, Committed

BUSY = Bounds(boards=(3, 3), points=(6, 6))
SEED = 2  # a park whose fuses are full most of the time
TWO_SERVERS = 28  # one whose server has no charge points of its own
SILENT_BOARD = 8  # a park where somebody is given the current of a board that went silent
MINUTES = 6.0
DRAIN_SECONDS = 300.0  # what is not at the backend by then never comes
BAYS = ("bay-1", "bay-2")
CUT_OFF = tuple(Fault(90.0 + 75.0 * n, Kind.PARTITION, 45.0, (BAYS[n % 2],), 0.5) for n in range(4))
BAD_NETWORK = (Fault(60.0, Kind.WEATHER, 290.0, BAYS, 1.0),)
SERVER_KILLS = tuple(Fault(80.0 + 40.0 * n, Kind.SERVER_KILL, 1.0, (SERVER,), 1.0) for n in range(7))
BOARD_KILLS = tuple(Fault(70.0 + 11.0 * n, Kind.BOARD_KILL, 2.0, (BAYS[n % 2],), 1.0) for n in range(25))


def park(*faults: Fault, roles: Roles = Roles(), seed: int = SEED) -> ParkOutcome:
    plan = tuple(sorted(faults, key=lambda fault: fault.at))
    return ParkRun(seed, MINUTES, BUSY, roles, plan, drain_seconds=DRAIN_SECONDS).go()


def test_without_sabotage_nothing_is_broken():
    outcome = park(*CUT_OFF, *SERVER_KILLS, *BOARD_KILLS)
    assert broken(outcome) == set()
    assert outcome.full_seconds > 10.0, "the fuses were what limited the cars"
    assert broken(park(*BAD_NETWORK)) == set()
    assert broken(park(*CUT_OFF, seed=TWO_SERVERS)) == set()
    assert broken(park(*CUT_OFF, seed=SILENT_BOARD)) == set()


# ------------------------------------------------------------ boards


class Clinging(ChargePoint):
    """Takes every grant for ever."""

    def receive(self, message: ChargePointMessage) -> None:
        if isinstance(message, ApplyGrant):
            message = ApplyGrant(replace(message.grant, valid_for=1e6))
        super().receive(message)


def test_a_board_that_keeps_its_grants_while_it_is_cut_off_breaks_s2():
    """Neither the charge point nor the watchdog below it lets go."""
    run = ParkRun(SEED, MINUTES, BUSY, Roles(charge_point=Clinging), CUT_OFF)
    tell = run.hardware.tell

    def everlasting(message: DriverMessage, /) -> None:
        tell(replace(message, valid_for=1e6, until=1e9) if isinstance(message, Signal) else message)

    run.hardware.tell = everlasting
    assert "S2" in broken(run.go())


class Losing(ServerLink):
    """Tells the journal that ends of sessions are delivered, and throws them away."""

    def receive(self, message: ServerLinkMessage) -> None:
        if isinstance(message, FactOffered) and isinstance(message.fact, SessionEnded):
            self._wires.journal.tell(FactDelivered(message.id, None))
            return
        super().receive(message)


def test_facts_that_are_dropped_at_the_hand_over_break_d1():
    assert "D1" in broken(park(roles=Roles(server_link=Losing)))


class Eager(Journal):
    """Says that facts are on disk before they are."""

    def receive(self, message: JournalMessage) -> None:
        if isinstance(message, RecordFact):
            fact = message.fact
            self._wires.charge_points[fact.charge_point].tell(FactPersisted(fact.charge_point, key_of(fact)))
            if self._state.journal.startswith("journal-bay"):
                self.after(1.0, message)
                return
        super().receive(message)


DISKS = (*(Fault(70.0 + 60.0 * n, Kind.DISK, 45.0, (BAYS[n % 2],), 0.5) for n in range(4)),)


def test_a_full_disk_lets_no_session_begin_and_loses_none():
    run = ParkRun(SEED, MINUTES, BUSY, faults=(*DISKS, Fault(100.0, Kind.DISK, 60.0, (SERVER,), 0.5)))
    outcome = run.go()
    assert broken(outcome) == set()
    assert outcome.faults[Kind.DISK.value] == 5
    assert any("no session starts until then" in text for text in run.alarms.texts)
    assert all(node.store.refused for node in run.nodes.values())


class Careless(Journal):
    """Takes what the disk refused for written."""

    def receive(self, message: JournalMessage) -> None:
        super().receive(Committed(message.token) if isinstance(message, CommitFailed) else message)


def test_facts_of_a_full_disk_that_are_acknowledged_break_d1():
    assert {"D1", "D2"} & broken(park(*DISKS, *BOARD_KILLS, roles=Roles(journal=Careless)))


LOST = tuple(Fault(100.0 + 70.0 * n, Kind.DATABASE, 5.0, (BAYS[n % 2],), 0.5) for n in range(3))


def test_a_board_that_lost_its_database_leaves_nothing_open_behind_its_next_session():
    outcome = park(*LOST, seed=SILENT_BOARD)
    assert broken(outcome) == set()
    assert outcome.faults[Kind.DATABASE.value] == 3


class Patient(CentralSystem):
    """Waits for the end of a session whose journal is gone."""

    def receive(self, message: CentralSystemMessage) -> None:
        if isinstance(message, FactOffered) and isinstance(message.fact, SessionStarted):
            known = self._state.queue.transactions
            for each in tuple(known.all_running()):
                known.put(replace(each, journal=""))
        super().receive(message)


def test_a_session_that_is_left_open_by_a_lost_database_breaks_d1():
    assert "D1" in broken(park(*LOST, roles=Roles(central_system=Patient), seed=SILENT_BOARD))


def test_facts_that_are_acknowledged_before_they_are_on_disk_break_d2():
    assert {"D1", "D2"} & broken(park(*BOARD_KILLS, roles=Roles(journal=Eager)))


# ------------------------------------------------------------ the server


class Hasty(Coordinator):
    """Takes whoever is silent for harmless."""

    def receive(self, message: CoordinatorMessage) -> None:
        now = self.now().mono
        for point in self._state.points if isinstance(self._state, CoordinatorState) else ():
            if not point.board.speaks(now):
                point.commitment = Commitment(point.placement, 0.0, began=-1e9)
                point.commitment.signalled_ma = 0
        super().receive(message)


def test_raises_before_a_silent_board_has_let_go_break_s1():
    assert "S1" in broken(park(*CUT_OFF, roles=Roles(coordinator=Hasty), seed=SILENT_BOARD))


class Unwaiting(Coordinator):
    """Grants at once after a start, as if nobody held anything."""

    def receive(self, message: CoordinatorMessage) -> None:
        super().receive(message)
        state = self._state
        if isinstance(state, CoordinatorState) and state.holding_until is not None:
            state.holding_until = None
            for point in state.points:
                point.commitment = Commitment(point.placement, 0.0, began=-1e9)
                point.commitment.signalled_ma = 0


def test_a_server_that_does_not_wait_after_its_start_breaks_s1():
    assert "S1" in broken(park(*SERVER_KILLS, roles=Roles(coordinator=Unwaiting)))


class Lenient(Authorizer):
    """Overlooks that cards are blocked."""

    def receive(self, message: AuthorizerMessage) -> None:
        settings = self._state.settings
        if any(not entry.allowed for entry in settings.whitelist):
            listed = tuple(replace(entry, allowed=True) for entry in settings.whitelist)
            self._state = replace(self._state, settings=replace(settings, whitelist=listed))
        super().receive(message)


def test_a_blocked_card_that_starts_breaks_d4():
    assert "D4" in broken(park(roles=Roles(authorizer=Lenient)))


# ------------------------------------------------------------ one voice


class Deaf(Coordinator):
    """Does not hear that another server leads."""

    def receive(self, message: CoordinatorMessage) -> None:
        if isinstance(message, BoardHeartbeat):
            message = replace(message, epoch=0, server_id="")
        state = self._state
        newest = state.epoch if isinstance(state, CoordinatorState) else math.inf
        if isinstance(message, CurrentSignalled) and message.epoch > newest:
            message = replace(message, epoch=0, sequence=0)
        super().receive(message)


class Obedient(ServerLink):
    """Lets grants of every server pass."""

    def receive(self, message: ServerLinkMessage) -> None:
        super().receive(message)
        self._state.voice = (0, "")


class Forgetful(ChargePoint):
    """Forgets by whose word it charges."""

    def receive(self, message: ChargePointMessage) -> None:
        if isinstance(message, ApplyGrant):
            lease = self._state.lease
            self._state.lease = replace(lease, grant=None)
        super().receive(message)


TAKEOVER = Takeover(at=120.0, mistaken_for=30.0, astray=BAYS[:1])


def taken_over(roles: Roles) -> set[str]:
    """The first server comes back, and one board goes back to it; its database is lost to the park (D2)."""
    return broken(ParkRun(TWO_SERVERS, MINUTES, BUSY, roles, faults=(), takeover=TAKEOVER).go())


def test_one_server_at_a_time_is_obeyed():
    short = replace(TAKEOVER, mistaken_for=8.0)
    run = ParkRun(TWO_SERVERS, MINUTES, BUSY, faults=(), takeover=short)
    outcome = run.go()
    assert broken(outcome) == set()
    assert {held.server_id.partition(".")[0] for held in run.checkers.held()} == {"server-2"}


def test_a_server_that_does_not_hear_of_a_higher_epoch_is_refused_by_the_boards():
    assert taken_over(Roles(coordinator=Deaf)) == set()


def test_without_the_fence_the_old_server_is_obeyed_and_breaks_s12():
    """Of whose word is stale the checkers have their own mind: what a board signals by it breaks S2."""
    assert {"S2", "S12"} & taken_over(Roles(coordinator=Deaf, server_link=Obedient, charge_point=Forgetful))
