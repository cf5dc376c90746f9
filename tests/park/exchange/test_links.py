"""Both ends of a link, joined by a wire that is cut, slowed and stopped at will."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from msgspec.structs import replace

from park.authorization.messages import ApplyRules, LocalRules, ReadersAnnounced
from park.authorization.settings import Mode, OfflineRule
from park.exchange import board_link, server_link
from park.exchange.board_link import GONE_SECONDS, INPUT_SECONDS, UNREACHABLE_SECONDS, JournalKnown, ServerFacts
from park.exchange.messages import (
    COMMAND_SECONDS,
    OLDEST_PROTOCOL,
    PROTOCOL,
    BoardHello,
    BoardHere,
    EndLink,
    EndLinks,
    FrameArrived,
    Inward,
    LinkDown,
    LinkUp,
    OfferAgain,
    OfferedPoint,
    Outward,
    RecloserOrdered,
    RestartOrdered,
    SendFrame,
    StopOrdered,
    UnlockOrdered,
)
from park.exchange.placing import placed_body
from park.exchange.server_link import PLACED_TABLE, VOICE_TABLE, BoardSettings, LinkReported, LocalOnly
from park.exchange.session import SILENT_SECONDS
from park.model.access import (
    NO_LOCK,
    Answer,
    AuthorizationGranted,
    CardPresented,
    CommandAnswer,
    ConnectorStatus,
    ConnectorStatusChanged,
    Done,
    Feedback,
    OccupancyChanged,
    OrderRecloser,
    Refused,
    RemoteStop,
    RepeatSettings,
    ShowFeedback,
    Undeliverable,
    UnlockConnector,
    Verdict,
)
from park.model.alarm import Alarm
from park.model.autocharge import VehicleIdentified
from park.model.demand import BoardHeartbeat, CurrentSignalled, DemandChanged
from park.model.grant import ApplyGrant, Grant, Stamp
from park.model.limit import InputChanged
from park.model.listed import ApplyLocalList, ListedTag
from park.model.metering import MeterReported, Quality, ReadingTaken, Sample
from park.model.placement import NO_CONNECTOR, Placed, PlacementKept
from park.model.reservation import ConnectorReserved, Reservation
from park.model.session import FactId, FactOffered, FactTaken, SessionStarted
from park.model.signals import RepeatLevels, Start, Tick
from park.model.storage import CommitFailed, Committed, Put, Row, RowsLoaded, Write
from park.model.time import Now
from park.rolling.messages import (
    BoardFirmware,
    BoardStage,
    FirmwareOrdered,
    FirmwareStanding,
    FirmwareWanted,
    PieceWanted,
)
from park.view.rows import NodeReported
from tests.support.probe import Probe

T = TypeVar("T")
WALL = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEPT_FOR = Reservation(5, "bay/cp1", "04A1B2C3", None, WALL)
RULES = LocalRules(2, Mode.WHITELIST, OfflineRule.WHITELIST, (), (), "FREE", True, (), (KEPT_FOR,))
POINT = OfferedPoint("bay/cp1", 3, 6_000, 16_000, 100, has_deadman=True, metered=True)
PLACED = Placed("bay/cp1", 7, "grid", "RST", 3, 6_000, 32_000, 6_000, 0)
KEPT = PlacementKept("bay/cp1", 6_000, 0)
SETTINGS = BoardSettings("carpark", "bay", "1.0", "boot-1", "journal-1", (POINT,), {"m": "bay/cp1/meter"})
FACTS = ServerFacts("carpark", "server", "1.0", "S", "store-1")
SKEW = 5_000.0  # the board's clock is so far ahead of the server's
DELAY = 0.01


@dataclass
class Pair:
    """The two ends and the wire between them, in virtual time of the server; what left them otherwise, in order."""

    settings: BoardSettings = SETTINGS
    placed: dict[str, Placed] = field(default_factory=lambda: {"bay/cp1": PLACED})
    rows: tuple[Row, ...] = ()
    now: float = 100.0
    cut: bool = False
    delay: float = DELAY
    commits: bool = True

    def __post_init__(self) -> None:
        self.board = server_link.initial(self.settings)
        self.server = board_link.initial("bay", FACTS, self.placed)
        self.at_board: list[object] = []
        self.at_server: list[object] = []
        self.wire: list[tuple[float, bool, str, object]] = []
        self.carried: list[list[object]] = []  # messages of each frame of the board
        self.connections = 0
        self.tell_board(Start())
        self.tell_board(RowsLoaded(self.rows))
        self.tell_server(Start())

    def _clock(self, *, board: bool) -> Now:
        mono = self.now + SKEW if board else self.now
        return Now(mono, WALL + timedelta(seconds=self.now))

    def tell_board(self, event: server_link.ServerLinkEvent) -> None:
        self.board, effects = server_link.step(self.board, event, self._clock(board=True))
        for effect in effects:
            if isinstance(effect, Write) and self.commits:
                self.tell_board(Committed(effect.token))
            self._route(effect, self.at_board, upwards=True)

    def tell_server(self, event: board_link.BoardLinkEvent) -> None:
        self.server, effects = board_link.step(self.server, event, self._clock(board=False))
        for effect in effects:
            self._route(effect, self.at_server, upwards=False)

    def _route(self, effect: object, log: list[object], *, upwards: bool) -> None:
        if isinstance(effect, SendFrame):
            if upwards:
                self.carried.append([each.message for each in effect.frame.entries])
            if not self.cut:
                self.wire.append((self.now + self.delay, upwards, effect.connection, effect.frame))
        else:
            log.append(effect)

    def connect(self) -> str:
        self.connections += 1
        name = f"connection {self.connections}"
        self.tell_board(LinkUp(name, "server:7070"))
        self.tell_server(LinkUp(name, "bay:1234"))
        self.run(1.0)
        return name

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now = round(self.now + DELAY, 6)
            due = [each for each in self.wire if each[0] <= self.now]
            self.wire = [each for each in self.wire if each[0] > self.now]
            for _, upwards, connection, frame in due:
                arrived = FrameArrived(connection, frame)  # pyright: ignore[reportArgumentType]
                (self.tell_server if upwards else self.tell_board)(arrived)
            self.tell_board(Tick())
            self.tell_server(Tick())

    def drop(self, name: str, reason: str = "reset") -> None:
        self.tell_board(LinkDown(name, reason))
        self.tell_server(LinkDown(name, reason))

    def came(self, kind: type[T], *, board: bool) -> list[T]:
        """Messages of this type that came over the link."""
        log = self.at_board if board else self.at_server
        messages = [each.message for each in log if isinstance(each, Inward)]
        return [each for each in messages if isinstance(each, kind)]

    def effects(self, kind: type[T], *, board: bool) -> list[T]:
        return [each for each in (self.at_board if board else self.at_server) if isinstance(each, kind)]


def grant(epoch: int = 3, server: str = "S", sequence: int = 1, amps: int = 10_000) -> ApplyGrant:
    stamp = Stamp("bay", "boot-1", 100.0 + SKEW)
    return ApplyGrant(Grant("bay/cp1", amps, (1, 2, 3), epoch, server, sequence, 10.0, 6_000, stamp))


def occupancy(**changes: object) -> OccupancyChanged:
    known = OccupancyChanged("bay/cp1", 7, None, True, None, False, True)
    return replace(known, **changes)  # pyright: ignore[reportArgumentType]


def test_they_greet_and_the_board_is_placed_within_what_its_hardware_can_do() -> None:
    pair = Pair()
    pair.connect()
    assert pair.came(Placed, board=True) == [replace(PLACED, maximum_ma=16_000)]
    assert [row.key for write in pair.effects(Write, board=True) for row in write.writes] == ["bay/cp1"]
    assert pair.came(OfferAgain, board=True) == [OfferAgain()]
    assert pair.effects(RepeatLevels, board=True) == [RepeatLevels()]
    assert pair.effects(JournalKnown, board=False) == [JournalKnown("journal-1")]
    states = [each.state for each in pair.effects(LinkReported, board=True)]
    assert states == ["down", "greeting", "up"]
    assert [each.alone for each in pair.effects(LocalOnly, board=True)] == [True, False]


def test_what_a_board_decides_by_crosses_with_the_greeting_and_a_reservation_at_any_time() -> None:
    pair = Pair()
    rules = ApplyRules(RULES)
    listed = ApplyLocalList((ListedTag("04a1b2c3", Verdict.ACCEPTED, WALL, "TEAM"),))
    for message in (ApplyRules(replace(RULES, version=1)), listed, rules):  # the newest of each
        pair.tell_server(Outward("", message))
    pair.connect()
    pair.run(1)
    inward = [effect.message for effect in pair.effects(Inward, board=True) if effect.target == ""]
    assert [each for each in inward if isinstance(each, ApplyRules | ApplyLocalList)] == [listed, rules]
    reserved = ConnectorReserved("bay/cp1", WALL)
    pair.tell_server(Outward("bay/cp1", reserved))
    pair.run(1)
    assert Inward("bay/cp1", reserved) in pair.effects(Inward, board=True)


def test_levels_cross_with_their_times_on_the_servers_clock() -> None:
    pair = Pair()
    pair.connect()
    told = pair.now
    pair.tell_board(DemandChanged("bay/cp1", True, 3, 6_000, 16_000, True, since=told + SKEW - 30.0))
    pair.tell_board(CurrentSignalled("bay/cp1", 6_000, 6_000, 3, 1, False, mono=told + SKEW))
    pair.run(0.1)
    (demand,) = pair.came(DemandChanged, board=False)
    (signalled,) = pair.came(CurrentSignalled, board=False)
    assert told - 30.0 - 0.05 <= demand.since <= told - 30.0
    assert told - 0.05 <= signalled.mono <= told


def test_a_meter_is_reported_at_the_server_as_at_its_board_and_each_reading_crosses_once() -> None:
    """Most reports say what the reading says: the server makes them of it; failures and problems cross themselves."""
    pair = Pair()
    pair.connect()
    told: list[MeterReported] = []

    def poll(quality: Quality, energy_wh: int, failures: int, problem: str | None) -> None:
        mono = pair.now + SKEW
        sample = Sample((1, 2, 3), 4, energy_wh)
        reading = ReadingTaken("m", quality, sample, None, mono, WALL)
        told.append(MeterReported("m", quality, sample, mono, failures, problem))
        for message in (reading, told[-1]):
            pair.tell_board(message)
        pair.run(0.5)

    for number in range(3):
        poll(Quality.FRESH, number, 0, None)
    poll(Quality.STALE, 2, 1, "no answer")
    poll(Quality.FRESH, 3, 1, None)
    poll(Quality.FRESH, 4, 1, None)
    pair.connect()
    poll(Quality.FRESH, 5, 1, None)

    heard = pair.came(MeterReported, board=False)
    assert [(each.quality, each.sample, each.failures, each.problem) for each in heard] == [
        (each.quality, each.sample, each.failures, each.problem) for each in told
    ]
    assert all(
        each.mono == pytest.approx((by.mono or 0.0) - SKEW, abs=0.1) for each, by in zip(heard, told, strict=True)
    )
    assert {each.meter for each in heard} == {"bay/cp1/meter"}
    crossed = [type(each) for frame in pair.carried for each in frame]
    assert crossed.count(ReadingTaken) == len(told)
    assert crossed.count(MeterReported) == 4  # the first of each connection, the failure, and the first after it


@pytest.mark.rule("B-078")
def test_inputs_of_a_board_are_known_while_it_is_there_and_of_no_other_board() -> None:
    pair = Pair()
    pair.connect()
    for node, number in (("bay", 3), ("other", 4)):
        pair.tell_board(InputChanged(node, number, True))
    pair.run(0.5)
    assert pair.came(InputChanged, board=False) == [InputChanged("bay", 3, True)]

    pair.cut = True
    pair.run(SILENT_SECONDS + INPUT_SECONDS - 1.0)
    assert len(pair.came(InputChanged, board=False)) == 1, "a link that is soon there again changes nothing"
    pair.run(2.0)
    assert pair.came(InputChanged, board=False)[1:] == [InputChanged("bay", 3, None)]


def test_the_same_vehicle_told_again_keeps_its_time_of_plugging() -> None:
    pair = Pair()
    pair.connect()
    for waiting in (True, False):
        pair.tell_board(occupancy(plugged_since=pair.now + SKEW - 5.0 if waiting else pair.now + SKEW - 6.0))
        pair.run(1.0)
    first, second = pair.came(OccupancyChanged, board=False)
    assert first.plugged_since == second.plugged_since


def test_a_board_that_comes_back_asks_for_what_was_decided_meanwhile() -> None:
    pair = Pair()
    pair.connect()
    assert pair.came(RepeatSettings, board=False) == [RepeatSettings("bay/cp1")]
    assert pair.came(ReadersAnnounced, board=False) == [ReadersAnnounced("bay", ())]


def test_a_heartbeat_carries_the_voice_the_board_obeys_and_its_stamp_stays_its_own() -> None:
    pair = Pair(rows=(Row(VOICE_TABLE, "obeyed", '[4, "S"]'),))
    pair.connect()
    stamp = Stamp("bay", "boot-1", pair.now + SKEW)
    pair.tell_board(BoardHeartbeat(stamp, ("bay/cp1",)))
    pair.run(0.1)
    assert pair.came(BoardHeartbeat, board=False) == [BoardHeartbeat(stamp, ("bay/cp1",), 4, "S")]


def test_a_higher_voice_is_on_disk_before_its_first_grant_is_obeyed() -> None:
    pair = Pair(commits=False)
    pair.connect()
    pair.at_board.clear()
    pair.tell_server(Outward("bay/cp1", grant(sequence=1)))
    pair.run(0.1)
    pair.tell_server(Outward("bay/cp1", grant(sequence=2)))
    pair.run(0.1)
    assert pair.came(ApplyGrant, board=True) == []
    (write,) = pair.effects(Write, board=True)
    assert write.writes == (Put(VOICE_TABLE, "obeyed", '[3, "S"]'),)
    pair.tell_board(Committed(write.token))
    assert pair.came(ApplyGrant, board=True) == [grant(sequence=2)]
    pair.tell_server(Outward("bay/cp1", grant(sequence=3)))
    pair.run(0.1)
    assert pair.came(ApplyGrant, board=True) == [grant(sequence=2), grant(sequence=3)]


def test_a_disk_that_refuses_the_voice_keeps_its_grants_away() -> None:
    pair = Pair(commits=False)
    pair.connect()
    pair.at_board.clear()
    pair.tell_server(Outward("bay/cp1", grant()))
    pair.run(0.1)
    (write,) = pair.effects(Write, board=True)
    pair.tell_board(CommitFailed(write.token, "disk full"))
    assert pair.came(ApplyGrant, board=True) == []
    assert [alarm.code for alarm in pair.effects(Alarm, board=True)] == ["voice-not-kept"]


@pytest.mark.parametrize(("epoch", "server"), [(2, "S"), (3, "another")])
def test_a_lower_epoch_and_an_equal_one_of_another_server_are_not_obeyed(epoch: int, server: str) -> None:
    pair = Pair(rows=(Row(VOICE_TABLE, "obeyed", '[3, "S"]'),))
    pair.connect()
    pair.tell_server(Outward("bay/cp1", grant(epoch, server)))
    pair.run(0.1)
    assert pair.came(ApplyGrant, board=True) == []
    assert "stale-voice" in [alarm.code for alarm in pair.effects(Alarm, board=True)]


def test_a_restarted_board_knows_where_it_hangs_without_the_server() -> None:
    first = Pair()
    first.connect()
    (write,) = first.effects(Write, board=True)
    (put,) = write.writes
    assert isinstance(put, Put)
    pair = Pair(rows=(Row(PLACED_TABLE, put.key, put.body),))
    assert pair.came(Placed, board=True) == [replace(PLACED, maximum_ma=16_000)]
    pair.at_board.clear()
    pair.tell_board(RepeatSettings("bay/cp1"))
    assert pair.came(Placed, board=True) == [replace(PLACED, maximum_ma=16_000)]


def test_a_placement_that_cannot_be_read_is_no_placement() -> None:
    pair = Pair(rows=(Row(PLACED_TABLE, "bay/cp1", '{"connector": 7}'),))
    assert pair.came(Placed, board=True) == []
    assert [alarm.code for alarm in pair.effects(Alarm, board=True)] == ["placement-unreadable"]


def test_a_stopped_board_does_not_execute_what_waited_in_its_socket() -> None:
    pair = Pair()
    pair.connect()
    pair.tell_server(Outward("bay/cp1", AuthorizationGranted("bay/cp1", "04A1", "remote")))
    waiting, pair.wire = pair.wire, []
    pair.now += 60.0
    for _, _, connection, frame in waiting:
        pair.tell_board(FrameArrived(connection, frame))  # pyright: ignore[reportArgumentType]
    assert pair.came(AuthorizationGranted, board=True) == []
    assert pair.board.stale_commands == 1


def test_a_silent_link_is_ended_by_both_sides_within_ten_seconds() -> None:
    pair = Pair()
    pair.connect()
    pair.tell_board(occupancy())
    pair.run(0.1)
    pair.cut = True
    pair.run(SILENT_SECONDS + 1.0)
    assert len(pair.effects(EndLink, board=True)) == 1
    assert len(pair.effects(EndLink, board=False)) == 1
    *_, away = pair.came(OccupancyChanged, board=False)
    assert not away.available
    assert [each.alone for each in pair.effects(LocalOnly, board=True)] == [True, False, True]


def test_a_crashed_board_is_shown_offline_within_fifteen_seconds() -> None:
    pair = Pair()
    pair.connect()
    shown = [each.state for each in pair.effects(NodeReported, board=False)]
    assert shown[-1] == "alive"
    pair.cut = True
    pair.run(15.0)
    *_, last = pair.effects(NodeReported, board=False)
    assert last.state == "gone"
    assert GONE_SECONDS < 15.0


def test_connectors_of_an_unreachable_board_are_unavailable_after_a_while_and_not_before() -> None:
    pair = Pair()
    name = pair.connect()
    pair.cut = True
    pair.drop(name)
    pair.run(UNREACHABLE_SECONDS - 1.0)
    assert pair.came(ConnectorStatusChanged, board=False) == []
    pair.run(2.0)
    (told,) = pair.came(ConnectorStatusChanged, board=False)
    assert (told.connector, told.status) == (7, ConnectorStatus.UNAVAILABLE)
    pair.run(60.0)
    assert len(pair.came(ConnectorStatusChanged, board=False)) == 1


def test_a_load_without_a_connector_is_no_business_of_the_backend() -> None:
    """What a board leads as a group is placed, and nobody plugs in there."""
    pair = Pair(placed={"bay/group.L1": replace(PLACED, charge_point="bay/group.L1", connector=NO_CONNECTOR)})
    name = pair.connect()
    pair.tell_board(ConnectorStatusChanged(NO_CONNECTOR, ConnectorStatus.AVAILABLE, "NoError", "", WALL))
    pair.run(1.0)
    pair.cut = True
    pair.drop(name)
    pair.run(UNREACHABLE_SECONDS + 1.0)
    assert pair.came(ConnectorStatusChanged, board=False) == []


def test_an_order_is_answered_by_the_board() -> None:
    pair, answers = Pair(), Probe[CommandAnswer]()
    pair.connect()
    pair.tell_server(Outward("bay/cp1", RemoteStop("r1", "bay/cp1", "session", answers)))
    pair.run(0.1)
    assert pair.came(StopOrdered, board=True) == [StopOrdered("r1", "bay/cp1", "session")]
    pair.tell_board(Done("r1"))
    pair.tell_board(Done("never asked"))
    pair.run(0.1)
    assert pair.effects(Answer, board=False) == [Answer(answers, Done("r1"))]


def test_a_plug_of_a_board_is_unlocked_and_the_board_restarts_by_order() -> None:
    pair, answers = Pair(), Probe[CommandAnswer]()
    pair.connect()
    pair.tell_server(Outward("bay/cp1", UnlockConnector("u1", "bay/cp1", answers)))
    pair.tell_server(Outward("", RestartOrdered(hard=True)))
    pair.run(0.1)
    assert pair.came(UnlockOrdered, board=True) == [UnlockOrdered("u1", "bay/cp1")]
    assert pair.came(RestartOrdered, board=True) == [RestartOrdered(hard=True)]
    pair.tell_board(Refused("u1", NO_LOCK))
    pair.run(0.1)
    assert pair.effects(Answer, board=False) == [Answer(answers, Refused("u1", NO_LOCK))]


def test_the_central_system_hears_which_run_of_a_board_is_there_and_when_it_is_gone_or_asked() -> None:
    pair = Pair()
    pair.tell_server(Outward("bay/cp1", RepeatLevels()))
    pair.connect()
    pair.tell_server(Outward("bay/cp1", RepeatLevels()))
    pair.cut = True
    pair.run(SILENT_SECONDS + 2.0)
    told = [each.message for each in pair.effects(Inward, board=False) if isinstance(each.message, BoardHere)]
    away, here = BoardHere("bay", None), BoardHere("bay", SETTINGS.boot_id)
    assert told == [away, away, here, here, away]


@pytest.mark.rule("B-215")
def test_the_recloser_of_a_board_is_moved_by_order_and_says_where_it_is() -> None:
    pair, answers = Pair(), Probe[CommandAnswer]()
    pair.connect()
    pair.tell_server(Outward("bay/cp1", OrderRecloser("c1", "bay/cp1", True, answers)))
    pair.run(0.1)
    assert pair.came(RecloserOrdered, board=True) == [RecloserOrdered("c1", "bay/cp1", closed=True)]
    pair.tell_board(Done("c1", "close"))
    pair.run(0.1)
    assert pair.effects(Answer, board=False) == [Answer(answers, Done("c1", "close"))]


def test_an_order_is_undeliverable_without_a_link_when_the_link_is_lost_and_at_its_deadline() -> None:
    answers = Probe[CommandAnswer]()
    pair = Pair()

    def ordered(request_id: str) -> None:
        pair.tell_server(Outward("bay/cp1", RemoteStop(request_id, "bay/cp1", "session", answers)))

    ordered("too early")
    name = pair.connect()
    ordered("never answered")
    pair.run(COMMAND_SECONDS + 0.1)
    ordered("lost")
    pair.drop(name)
    told = [each.answer for each in pair.effects(Answer, board=False)]
    assert all(isinstance(each, Undeliverable) for each in told)
    assert [each.request_id for each in told] == ["too early", "never answered", "lost"]


def test_a_card_goes_to_the_server_by_its_full_name_and_feedback_comes_back_by_its_short_one() -> None:
    pair = Pair()
    pair.tell_board(CardPresented("door", "04A1"))
    assert pair.came(CardPresented, board=True) == [CardPresented("door", "04A1")]
    pair.connect()
    pair.at_board.clear()
    pair.tell_board(CardPresented("door", "04A1"))
    pair.run(0.1)
    assert pair.came(CardPresented, board=True) == []
    assert pair.came(CardPresented, board=False) == [CardPresented("bay/door", "04A1")]
    (waiting,) = pair.came(ShowFeedback, board=True)
    pair.tell_server(Outward("bay/door", replace(waiting, reader="bay/door")))
    pair.run(0.1)
    assert pair.came(ShowFeedback, board=True) == [waiting, waiting]


@pytest.mark.rule("B-063")
@pytest.mark.parametrize("mac", ["02:00:00:00:00:01", None])
def test_a_vehicle_without_a_card_is_told_to_the_server_and_to_the_board_while_it_is_alone(mac: str | None) -> None:
    pair = Pair()
    vehicle = VehicleIdentified("slac:cp1", "bay/cp1", mac)
    pair.tell_board(vehicle)
    assert pair.came(VehicleIdentified, board=True) == [vehicle]
    pair.connect()
    pair.at_board.clear()
    pair.tell_board(vehicle)
    pair.run(0.1)
    assert pair.came(VehicleIdentified, board=True) == []
    assert pair.came(VehicleIdentified, board=False) == [replace(vehicle, reader="bay/slac:cp1")]
    assert pair.came(ShowFeedback, board=True) == [ShowFeedback("slac:cp1", Feedback.WAIT)]


def test_facts_wait_on_the_board_until_somebody_is_there_and_are_of_its_own_points_only() -> None:
    pair = Pair()
    fact = SessionStarted("s", 0, "bay/cp1", 7, "04A1", "backend", WALL, 0)
    pair.tell_board(FactOffered(FactId("journal-1", 1), fact))
    pair.connect()
    assert pair.came(FactOffered, board=False) == []
    pair.tell_board(FactOffered(FactId("journal-1", 1), fact))
    pair.tell_board(FactOffered(FactId("journal-1", 2), replace(fact, charge_point="dock/cp1")))
    pair.run(0.1)
    assert pair.came(FactOffered, board=False) == [FactOffered(FactId("journal-1", 1), fact)]
    assert [alarm.code for alarm in pair.effects(Alarm, board=False)] == ["facts-foreign-dock/cp1"]
    pair.tell_server(Outward("", FactTaken(FactId("journal-1", 1))))
    pair.run(0.1)
    assert pair.came(FactTaken, board=True) == [FactTaken(FactId("journal-1", 1))]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"park": "another"}, "park another"),
        ({"node": "dock"}, "pair it again"),
        ({"charge_points": (replace(POINT, has_deadman=False),)}, "deadman"),
    ],
)
def test_a_board_that_does_not_fit_is_refused_with_the_reason_on_both_sides(
    changes: dict[str, object], word: str
) -> None:
    pair = Pair(settings=replace(SETTINGS, **changes))  # pyright: ignore[reportArgumentType]
    pair.connect()
    (at_server,) = pair.effects(Alarm, board=False)
    (at_board,) = pair.effects(Alarm, board=True)
    assert word in at_server.text
    assert at_board.text == at_server.text
    *_, last = pair.effects(LinkReported, board=True)
    assert (last.state, last.why) == ("refused", at_server.text)


@pytest.mark.parametrize(("protocol", "taken"), [(OLDEST_PROTOCOL, True), (PROTOCOL, True), (PROTOCOL + 1, False)])
def test_one_older_version_is_understood_and_a_newer_one_is_refused(protocol: int, taken: bool) -> None:
    pair = Pair()
    pair.tell_server(LinkUp("c", "bay:1"))
    hello = BoardHello(protocol, "carpark", "bay", "9.9", "boot-9", "journal-9", 0, "", (POINT,))
    old = server_link.initial(SETTINGS)
    old.connection.begin(LinkUp("c", "server"), pair._clock(board=True))  # pyright: ignore[reportPrivateUsage]
    old.connection.say("", hello, pair._clock(board=True))  # pyright: ignore[reportPrivateUsage]
    for effect in old.connection.settle(pair._clock(board=True)):  # pyright: ignore[reportPrivateUsage]
        if isinstance(effect, SendFrame):
            pair.tell_server(FrameArrived("c", effect.frame))
    assert pair.server.connection.greeted is taken
    assert bool(pair.effects(EndLink, board=False)) is not taken
    if not taken:
        (alarm,) = pair.effects(Alarm, board=False)
        assert "update the older one" in alarm.text


def test_frames_of_an_earlier_connection_change_nothing() -> None:
    pair = Pair()
    first = pair.connect()
    pair.delay = 5.0
    pair.tell_server(Outward("bay/cp1", grant()))
    pair.drop(first)
    pair.delay = DELAY
    pair.connect()
    pair.run(6.0)
    assert pair.came(ApplyGrant, board=True) == []


def test_a_board_that_connects_again_replaces_its_earlier_connection() -> None:
    pair = Pair()
    pair.connect()
    pair.tell_server(LinkUp("second", "bay:1235"))
    assert [each.connection for each in pair.effects(EndLink, board=False)] == ["connection 1"]


def test_a_link_that_began_anew_ends_the_connection_it_does_not_know() -> None:
    pair = Pair()
    pair.connect()
    pair.board = server_link.initial(SETTINGS)
    pair.tell_board(Start())
    pair.tell_board(RowsLoaded(()))
    pair.run(1.5)
    assert {each.connection for each in pair.effects(EndLink, board=True)} == {"connection 1"}


def test_a_link_that_begins_anew_ends_what_connections_there_are() -> None:
    """Also one that is half open: nothing ever comes on it that could be called stray."""
    _, effects = server_link.step(server_link.initial(SETTINGS), Start(), Now(5.0, WALL))
    assert [each for each in effects if isinstance(each, EndLinks)] == [EndLinks("this end of the link has begun anew")]


# ------------------------------------------------------------ what a board keeps


def test_the_server_hears_that_a_placement_is_kept_when_it_is_on_disk() -> None:
    pair = Pair(commits=False)
    pair.connect()
    (write,) = pair.effects(Write, board=True)
    pair.run(1.0)
    assert pair.came(PlacementKept, board=False) == []
    pair.tell_board(Committed(write.token))
    pair.run(1.0)
    assert pair.came(PlacementKept, board=False) == [KEPT]


def test_a_placement_the_disk_refuses_is_written_again_and_not_confirmed_before() -> None:
    pair = Pair(commits=False)
    name = pair.connect()
    (write,) = pair.effects(Write, board=True)
    pair.tell_board(CommitFailed(write.token, "disk full"))
    assert any("free the disk" in alarm.text for alarm in pair.effects(Alarm, board=True))
    pair.drop(name)
    pair.connect()  # told the same again: it is not on disk for all that
    assert pair.came(PlacementKept, board=False) == []
    pair.commits = True
    pair.run(6.0)
    assert pair.came(PlacementKept, board=False) == [KEPT]


def test_what_is_on_disk_is_confirmed_at_each_greeting_and_when_levels_are_asked_for() -> None:
    pair = Pair()
    pair.drop(pair.connect())
    pair.connect()
    assert pair.came(PlacementKept, board=False) == [KEPT, KEPT]
    assert len(pair.effects(Write, board=True)) == 1
    pair.tell_server(Outward("bay/cp1", RepeatLevels()))
    pair.run(1.0)
    assert pair.came(PlacementKept, board=False) == [KEPT, KEPT, KEPT]


def test_a_board_that_was_placed_before_falls_to_nothing_when_the_server_places_it_no_more() -> None:
    placed_before = Row(PLACED_TABLE, "bay/cp1", placed_body(PLACED))
    pair = Pair(placed={}, rows=(placed_before,))
    pair.connect()
    told = pair.came(Placed, board=True)[-1]
    assert (told.connector, told.fallback_ma, told.boot_ma) == (0, 0, 0)
    (put,) = [row for write in pair.effects(Write, board=True) for row in write.writes]
    assert isinstance(put, Put)
    assert '"fallback_ma":0' in put.body


def test_what_a_board_says_of_its_firmware_bears_the_name_of_its_link() -> None:
    pair = Pair()
    pair.connect()
    standing, wanted = FirmwareStanding("u", BoardStage.CHECKED, 0, True, "1.0", ""), FirmwareWanted("u", 64)
    pair.tell_board(standing)
    pair.tell_board(wanted)
    pair.tell_server(Outward("", FirmwareOrdered("u", 1)))
    pair.run(0.1)
    assert pair.came(BoardFirmware, board=False) == [BoardFirmware("bay", standing)]
    assert pair.came(PieceWanted, board=False) == [PieceWanted("bay", wanted)]
    assert pair.came(FirmwareOrdered, board=True) == [FirmwareOrdered("u", 1)]


def test_a_board_speaks_for_no_other_board() -> None:
    pair = Pair()
    pair.connect()
    pair.board.connection.say("", PlacementKept("other/cp1", 0, 0), Now(pair.now + SKEW, WALL))
    pair.board.connection.say("", CurrentSignalled("other/cp1", 0, 0, 0, 0, True, pair.now), Now(pair.now + SKEW, WALL))
    pair.run(1.0)
    assert pair.came(PlacementKept, board=False) == [KEPT]
    assert pair.came(CurrentSignalled, board=False) == []
