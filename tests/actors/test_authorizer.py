"""The authorizer as an actor, in every world: feedback travels to the board of the reader, rules to all boards."""

from __future__ import annotations

from typing import Any

from support.probe import Probe
from support.worlds import Stage

from actors.authorizer import Authorizer, AuthorizerWires
from actors.rfid_reader import RfidReader
from actors.supervisor import Child, Supervisor
from park.authorization.messages import (
    ApplyRules,
    ListTags,
    ReadersAnnounced,
    TagsListed,
    Teach,
    TeachMode,
)
from park.authorization.settings import AuthorizerSettings, Mode, ReaderSettings, WhitelistEntry
from park.model.access import (
    AuthorizationGranted,
    AuthorizeWithBackend,
    BackendAuthorized,
    CardPresented,
    Feedback,
    OccupancyChanged,
    ShowFeedback,
    TagRead,
    Verdict,
)
from park.model.alarm import Alarm
from park.model.signals import RepeatLevels
from park.model.storage import Commit, Committed, LoadRows, RowsLoaded

ADA = "04A1B2C3"
WAITING = OccupancyChanged("bay-b/cp1", 1, 0.0, waiting_for_card=True, session_tag=None, charging=False, available=True)


class Disk:
    """A store that has nothing and takes everything."""

    def tell(self, message: Commit | LoadRows, /) -> None:
        message.reply_to.tell(RowsLoaded(()) if isinstance(message, LoadRows) else Committed(message.token))


class Garage:
    """An authorizer with a reader of its own and one on another board."""

    def __init__(self, stage: Stage, settings: AuthorizerSettings) -> None:
        self.points: dict[str, Probe[Any]] = {"bay-b/cp1": Probe()}
        self.board: Probe[Any] = Probe()
        self.driver: Probe[Any] = Probe()
        self.central: Probe[Any] = Probe()
        self.rules: Probe[Any] = Probe()
        self.alarms: Probe[Alarm] = Probe()
        world = stage.world
        self.supervisor = Supervisor(world, "garage")
        readers: dict[str, Any] = {"bay-a/pillar": self.board}
        wires = AuthorizerWires(
            self.points, readers, self.central, Disk(), {"bay-a": self.board}, self.rules, self.alarms
        )
        self.authorizer: Child[Any] = self.supervisor.child(
            "authorizer", lambda me: Authorizer(world, me, settings, wires)
        )
        self.door: Child[Any] = self.supervisor.child(
            "door", lambda _: RfidReader(world, "door", self.authorizer, self.driver)
        )
        readers["door"] = self.door
        self.supervisor.start()


SETTINGS = AuthorizerSettings(
    Mode.BACKEND,
    readers=(ReaderSettings("door", ("*",)),),
    answer_seconds=1_000.0,  # virtual time runs between two looks
    charge_points=("bay-b/cp1",),
    node="server",
)


def test_a_card_of_another_board_is_asked_about_and_answered_there(stage_: Stage) -> None:
    garage = Garage(stage_, SETTINGS)
    stage_.expect(garage.board, RepeatLevels())
    garage.authorizer.tell(ReadersAnnounced("bay-a", (ReaderSettings("pillar", ("*", "cp7")),)))
    assert "bay-a/cp7" in stage_.expect(garage.alarms, lambda each: each.code == "reader-serves-bay-a/pillar").text
    garage.authorizer.tell(WAITING)
    garage.authorizer.tell(CardPresented("bay-a/pillar", ADA))
    asked = stage_.expect(garage.central, lambda each: isinstance(each, AuthorizeWithBackend))
    stage_.expect(garage.board, ShowFeedback("bay-a/pillar", Feedback.WAIT))
    garage.authorizer.tell(BackendAuthorized(asked.request_id, ADA, Verdict.ACCEPTED))
    stage_.expect(garage.points["bay-b/cp1"], AuthorizationGranted("bay-b/cp1", ADA, "backend"))
    stage_.expect(garage.board, ShowFeedback("bay-a/pillar", Feedback.ACCEPTED))
    assert garage.driver.messages == []


def test_an_answer_for_a_board_that_left_is_nobodys(stage_: Stage) -> None:
    garage = Garage(stage_, SETTINGS)
    garage.authorizer.tell(CardPresented("bay-z/gate", ADA))
    garage.door.tell(TagRead("door", ADA))
    stage_.expect(garage.driver, ShowFeedback("door", Feedback.IGNORED))
    assert garage.authorizer.state == "running"


def test_a_taught_card_is_known_and_its_rules_reach_the_boards(stage_: Stage) -> None:
    garage = Garage(stage_, SETTINGS)
    stage_.expect(garage.rules, lambda each: each.rules.whitelist == ())
    garage.authorizer.tell(Teach(None, TeachMode.IN, 60.0))
    garage.door.tell(TagRead("door", "04:a1:b2:c3"))
    stage_.expect(garage.driver, ShowFeedback("door", Feedback.ACCEPTED))
    told = stage_.expect(garage.rules, lambda each: each.rules.whitelist == (WhitelistEntry(ADA),))
    answers: Probe[TagsListed] = Probe()
    garage.authorizer.tell(ListTags("1", answers))
    stage_.expect(answers, TagsListed("1", (), (WhitelistEntry(ADA),)))
    client = Garage(stage_, AuthorizerSettings(Mode.WHITELIST, readers=SETTINGS.readers))
    client.authorizer.tell(ApplyRules(told.rules))
    client.authorizer.tell(WAITING)
    client.door.tell(TagRead("door", ADA))
    asked = stage_.expect(client.central, lambda each: isinstance(each, AuthorizeWithBackend))
    client.authorizer.tell(BackendAuthorized(asked.request_id, ADA, None))
    stage_.expect(client.points["bay-b/cp1"], AuthorizationGranted("bay-b/cp1", ADA, "whitelist"))
