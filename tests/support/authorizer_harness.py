"""The authorizer's step with everything around it: time that moves by `wait`, a disk, and slots for answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from park.authorization.authorizer import Authorizer, AuthorizerEffect, AuthorizerEvent, step
from park.authorization.messages import AnswerTags, RulesChanged, TagsListed
from park.authorization.settings import AuthorizerSettings, Mode, ReaderSettings, WhitelistEntry
from park.model.access import (
    Answer,
    AuthorizeWithBackend,
    BackendAuthorized,
    CardPresented,
    CommandAnswer,
    Feedback,
    OccupancyChanged,
    RemoteStart,
    ShowFeedback,
    Verdict,
)
from park.model.signals import Start, Tick, WakeAt
from park.model.storage import CommitFailed, Committed, Put, Row, RowsLoaded, Write
from park.model.time import Now

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ADA, BOB, EVE, OLD, STRANGER = "04A1B2C3", "0B0B0B", "0E0E0E", "01D01D", "575757"
WHITELIST = (
    WhitelistEntry(ADA.lower(), "Ada"),
    WhitelistEntry(BOB, "Bob", expires=NOON + timedelta(hours=1)),
    WhitelistEntry(EVE, "Eve", allowed=False),
    WhitelistEntry(OLD, expires=NOON - timedelta(seconds=1)),
)
READERS = (ReaderSettings("door", ("g/cp1",)), ReaderSettings("hall", ("*",)))


def point(number: int = 1, **changes: object) -> OccupancyChanged:
    """A free charge point without a vehicle."""
    free = OccupancyChanged(
        f"g/cp{number}",
        connector=number,
        plugged_since=None,
        waiting_for_card=True,
        session_tag=None,
        charging=False,
        available=True,
    )
    return replace(free, **changes)


def shown(feedback: Feedback, reader: str = "door") -> ShowFeedback:
    return ShowFeedback(reader, feedback)


@dataclass
class Slot:
    answers: list[CommandAnswer] = field(default_factory=list)
    listed: list[TagsListed] = field(default_factory=list)

    def tell(self, message: CommandAnswer | TagsListed) -> None:
        if isinstance(message, TagsListed):
            self.listed.append(message)
        else:
            self.answers.append(message)


class Driven:
    """An authorizer at a time; `told` keeps its effects, wakes, rows and rules left out.

    `disk` holds its rows and answers at once; `full`: it refuses. `rules`: all that other boards were told.
    """

    def __init__(self, mode: Mode = Mode.WHITELIST, *points: OccupancyChanged, **settings: object) -> None:
        defaults = AuthorizerSettings(mode, whitelist=WHITELIST, readers=READERS)
        self.settings = replace(defaults, **settings)
        self.disk: dict[tuple[str, str], str] = {}
        self.full = False
        self.slot = Slot()
        self.mono = 1_000.0
        self.begin()
        for each in points:
            self.tell(each)

    def begin(self) -> None:
        """A new incarnation, as after a power cut: only the disk is left."""
        self.state = Authorizer(self.settings)
        self.told: list[AuthorizerEffect] = []
        self.rules: list[RulesChanged] = []
        self.tell(Start())
        self.tell(RowsLoaded(tuple(Row(table, key, body) for (table, key), body in sorted(self.disk.items()))))

    def tell(self, event: AuthorizerEvent) -> list[AuthorizerEffect]:
        effects = self._performed(event)
        self.told += effects
        return [effect for effect in effects if not isinstance(effect, Answer | AnswerTags)]

    def swipe(self, tag: str, reader: str = "door") -> list[AuthorizerEffect]:
        return self.tell(CardPresented(reader, tag))

    def wait(self, seconds: float) -> list[AuthorizerEffect]:
        self.mono += seconds
        return self.tell(Tick())

    def question(self) -> AuthorizeWithBackend:
        return [each for each in self.told if isinstance(each, AuthorizeWithBackend)][-1]

    def backend(self, verdict: Verdict | None, **changes: object) -> list[AuthorizerEffect]:
        asked = self.question()
        return self.tell(replace(BackendAuthorized(asked.request_id, asked.id_tag, verdict), **changes))

    def remote(self, connector: int | None, tag: str = STRANGER, *, first: bool = False) -> list[AuthorizerEffect]:
        return self.tell(RemoteStart("order", connector, tag, first, self.slot))

    def _performed(self, event: AuthorizerEvent) -> list[AuthorizerEffect]:
        self.state, effects = step(self.state, event, Now(self.mono, NOON))
        told: list[AuthorizerEffect] = []
        writes = [effect for effect in effects if isinstance(effect, Write)]
        for effect in effects:
            match effect:
                case Write():
                    pass
                case RulesChanged():
                    self.rules.append(effect)
                case Answer(reply_to, answer):
                    reply_to.tell(answer)
                    told.append(effect)
                case AnswerTags(reply_to, listed):
                    reply_to.tell(listed)
                    told.append(effect)
                case WakeAt():
                    pass
                case _:
                    told.append(effect)
        for write in writes:
            told += self._performed(CommitFailed(write.token, "disk full") if self.full else self._written(write))
        return told

    def _written(self, write: Write) -> Committed:
        for row in write.writes:
            if isinstance(row, Put):
                self.disk[row.table, row.key] = row.body
            else:
                self.disk.pop((row.table, row.key), None)
        return Committed(write.token)
