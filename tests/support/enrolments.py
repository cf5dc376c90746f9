"""An enrolment with a disk, for tests: told events, it remembers what was answered and what is on disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from park.model.access import Done, Refused
from park.model.signals import Start, Tick
from park.model.storage import CommitFailed, Committed, Load, Put, Row, RowsLoaded, Write
from park.model.time import Now
from park.pairing.enrolment import step
from park.pairing.events import (
    ApproveRequest,
    ClosePairing,
    JoinAnswer,
    JoinRequested,
    ListPairing,
    MakeToken,
    OpenPairing,
    PairingListed,
    RejectRequest,
    RevokeBoard,
)
from park.pairing.state import (
    Enrolment,
    EnrolmentEffect,
    EnrolmentEvent,
    EnrolmentSettings,
    JoinAnswered,
    ListAnswered,
    Order,
    OrderAnswered,
)
from park.pairing.token import digest

BEGAN = datetime(2027, 1, 1, tzinfo=UTC)
SETTINGS = EnrolmentSettings("server")
NOBODY: Any = None


def key(letter: str) -> str:
    return letter * 64


@dataclass
class Desk:
    """`hold`: commits are not answered until `write` is called. `full`: the disk refuses."""

    settings: EnrolmentSettings = SETTINGS
    mono: float = 100.0
    wall: datetime = BEGAN
    rows: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    hold: bool = False
    full: bool = False
    effects: list[EnrolmentEffect] = field(default_factory=list[EnrolmentEffect])
    waiting: list[Write] = field(default_factory=list[Write])

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """As after kill -9: what is not on disk is gone."""
        self.waiting.clear()
        self.state = Enrolment(self.settings)
        self.tell(Start())

    def now(self) -> Now:
        return Now(self.mono, self.wall)

    def pass_time(self, seconds: float) -> None:
        self.mono += seconds
        self.wall += timedelta(seconds=seconds)
        self.tell(Tick())

    def tell(self, event: EnrolmentEvent) -> None:
        self.state, effects = step(self.state, event, self.now())
        self.effects += effects
        for effect in effects:
            if isinstance(effect, Load):
                rows = (Row(table, row, body) for (table, row), body in sorted(self.rows.items()))
                self.tell(RowsLoaded(tuple(each for each in rows if each.table in effect.tables)))
            if isinstance(effect, Write):
                self.waiting.append(effect)
                if not self.hold:
                    self.write()

    def write(self) -> None:
        """The disk does its work."""
        while self.waiting:
            wanted = self.waiting.pop(0)
            if self.full:
                self.tell(CommitFailed(wanted.token, "disk full"))
                continue
            for row in wanted.writes:
                if isinstance(row, Put):
                    self.rows[row.table, row.key] = row.body
                else:
                    self.rows.pop((row.table, row.key), None)
            self.tell(Committed(wanted.token))

    # ---------------------------------------------------------------- what boards and people say

    def join(self, node: str, letter: str, secret: bytes | None = None, peer: str = "192.0.2.1") -> JoinAnswer | None:
        """The answer, or None while the disk is waited for."""
        request = JoinRequested(node, key(letter), secret, peer, NOBODY)
        self.tell(request)
        answers = [each.answer for each in self.of(JoinAnswered) if each.request is request]
        return answers[0] if answers else None

    def _order(self, order: Order) -> str | None:
        """The reason of a refusal, "" when it is done, None while the disk is waited for."""
        self.tell(order)
        answers = [each.answer for each in self.effects if isinstance(each, OrderAnswered) and each.order is order]
        match answers:
            case [Refused(_, reason)]:
                return reason
            case [Done()]:
                return ""
            case _:
                return None

    def open(self, seconds: float = 600.0) -> str | None:
        return self._order(OpenPairing("1", seconds, NOBODY))

    def close(self) -> str | None:
        return self._order(ClosePairing("1", NOBODY))

    def token(self, node: str, secret: bytes, seconds: float = 600.0, replace: bool = False) -> str | None:
        return self._order(MakeToken("1", node, digest(secret), seconds, replace, NOBODY))

    def approve(self, node: str, letter: str, replace: bool = False) -> str | None:
        return self._order(ApproveRequest("1", node, key(letter), replace, NOBODY))

    def reject(self, node: str, letter: str) -> str | None:
        return self._order(RejectRequest("1", node, key(letter), NOBODY))

    def revoke(self, node: str) -> str | None:
        return self._order(RevokeBoard("1", node, NOBODY))

    def list(self) -> PairingListed:
        self.tell(ListPairing(NOBODY))
        return [each.answer for each in self.effects if isinstance(each, ListAnswered)][-1]

    def of(self, kind: type[Any]) -> list[Any]:
        return [each for each in self.effects if isinstance(each, kind)]
