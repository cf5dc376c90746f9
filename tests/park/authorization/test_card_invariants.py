"""Whatever drivers, cards, backend and clock do, in any order: the promises of the authorizer to people and park."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace
from support.authorizer_harness import ADA, BOB, EVE, NOON, STRANGER, Driven, point

from park.authorization.authorizer import AuthorizerEffect, AuthorizerEvent
from park.authorization.messages import ReadersAnnounced, Teach, TeachMode
from park.authorization.settings import Mode, OfflineRule, ReaderSettings, Several
from park.authorization.teaching import is_lesson
from park.model.access import (
    AuthorizationGranted,
    BackendAuthorized,
    BackendOnline,
    CardPresented,
    Feedback,
    OccupancyChanged,
    ShowFeedback,
    StopSession,
    Undeliverable,
    Verdict,
)
from park.model.time import Now

POINTS = (1, 2, 3)
READERS = (
    ReaderSettings("door", ("g/cp1",)),
    ReaderSettings("hall", ("*",), remember_seconds=45.0),
    ReaderSettings("gate", ("g/cp2", "g/cp3"), stop_with_card=False, several=Several.LAST),
)
PILLAR = ReadersAnnounced("bay", (ReaderSettings("pillar", ("g/cp1", "g/cp3"), remember_seconds=20.0),))
NAMES = ("door", "hall", "gate", "bay/pillar", "bay/unknown")
CARDS = (ADA, BOB, EVE, STRANGER)
NO = (Verdict.BLOCKED, Verdict.EXPIRED, Verdict.INVALID)
Pending = Counter[tuple[str, str]]


class Drivers(RuleBasedStateMachine):
    """People at three charge points and four readers; charge points obey grants and stops when they get to it."""

    mode = Mode.BACKEND

    def __init__(self) -> None:
        super().__init__()
        self.node = Driven(
            self.mode, *(point(n) for n in POINTS), readers=READERS, offline=OfflineRule.ACCEPT, node="g"
        )
        self.node.tell(PILLAR)
        self.levels = {f"g/cp{n}": point(n) for n in POINTS}
        self.refused: set[str] = set()
        self.granted = Counter[str]()
        self.wished = Counter[str]()

    # ------------------------------------------------------------ what happens

    @rule(number=st.sampled_from(POINTS))
    def plug(self, number: int) -> None:
        level = self.levels[f"g/cp{number}"]
        if level.plugged_since is None:
            self._report(replace(level, plugged_since=self.node.mono))

    @rule(number=st.sampled_from(POINTS))
    def unplug(self, number: int) -> None:
        self._report(point(number))

    @rule(number=st.sampled_from(POINTS), available=st.booleans())
    def fault(self, number: int, available: bool) -> None:
        self._report(replace(self.levels[f"g/cp{number}"], available=available))

    @rule(reader=st.sampled_from(NAMES), tag=st.sampled_from(CARDS))
    def card(self, reader: str, tag: str) -> None:
        self.wished[tag] += 1
        self._tell(CardPresented(reader, tag), presented=(reader, tag))

    @rule(number=st.integers(0, 2), verdict=st.sampled_from([*Verdict, None]))
    def answer(self, number: int, verdict: Verdict | None) -> None:
        if number < len(self.node.state.questions):
            question = self.node.state.questions[number]
            tag = question.claim.id_tag
            if verdict in NO:
                self.refused.add(tag)
            elif verdict is Verdict.ACCEPTED:
                self.refused.discard(tag)
            self._tell(BackendAuthorized(question.request_id, tag, verdict))

    @rule(number=st.integers(0, 2))
    def undeliverable(self, number: int) -> None:
        if number < len(self.node.state.questions):
            self._tell(Undeliverable(self.node.state.questions[number].request_id, "no link"))

    @rule(online=st.booleans())
    def link(self, online: bool) -> None:
        self._tell(BackendOnline(online=online))

    @rule(number=st.sampled_from([None, *POINTS]), tag=st.sampled_from(CARDS), first=st.booleans())
    def remote(self, number: int | None, tag: str, first: bool) -> None:
        if not first:
            self.refused.discard(tag)
        self.wished[tag] += 1
        before = self._pending()
        self._check(before, self.node.remote(number, tag, first=first))

    @rule(seconds=st.sampled_from([0.5, 2.0, 12.0, 30.0, 70.0]))
    def time(self, seconds: float) -> None:
        before = self._pending()
        self._check(before, self.node.wait(seconds))
        assert all(each.deadline > self.node.mono for each in self.node.state.questions)
        assert all(each.deadline > self.node.mono for each in self.node.state.remembered)

    @rule(reader=st.sampled_from([None, "hall"]), mode=st.sampled_from(TeachMode), seconds=st.sampled_from([0.0, 20.0]))
    def teach(self, reader: str | None, mode: TeachMode, seconds: float) -> None:
        self._tell(Teach(reader, mode, seconds))

    # ------------------------------------------------------------ what always holds

    def _tell(self, event: AuthorizerEvent, presented: tuple[str, str] | None = None) -> None:
        before = self._pending()
        lesson = presented is not None and is_lesson(self.node.state, presented[0], Now(self.node.mono, NOON))
        owed = Counter([presented]) if presented is not None else Counter[tuple[str, str]]()
        # shown again while it waits it is still one presentation; held up to be taught it is another
        self._check(before + owed if lesson else before | owed, self.node.tell(event), presented)

    def _check(
        self,
        before: Pending,
        effects: list[AuthorizerEffect],
        presented: tuple[str, str] | None = None,
    ) -> None:
        self._check_feedback(before, effects, presented)
        grants = [each for each in effects if isinstance(each, AuthorizationGranted)]
        if presented is not None:
            assert len(grants) + sum(isinstance(each, StopSession) for each in effects) <= 1
        for grant in grants:
            self._check_grant(grant)
        self.granted.update(grant.id_tag for grant in grants)
        assert self.granted <= self.wished, "more sessions than presentations and orders"
        for stop in effects:
            if isinstance(stop, StopSession):
                level = self.levels[stop.charge_point]
                assert level.session_tag == stop.id_tag
                self._report(replace(level, session_tag=None, charging=False))

    def _check_grant(self, grant: AuthorizationGranted) -> None:
        level = self.levels[grant.charge_point]
        assert level.session_tag is None, "granted twice"
        assert level.available
        assert level.waiting_for_card
        assert grant.id_tag != EVE
        if self.mode is Mode.BACKEND:
            assert grant.id_tag not in self.refused
        self.levels[grant.charge_point] = replace(level, session_tag=grant.id_tag, waiting_for_card=False)

    def _check_feedback(
        self, before: Pending, effects: list[AuthorizerEffect], presented: tuple[str, str] | None
    ) -> None:
        """Who waits for an answer and does so no longer got exactly one, at the reader the card was shown at."""
        shows = [each for each in effects if isinstance(each, ShowFeedback)]
        final = Counter(each.reader for each in shows if each.feedback is not Feedback.WAIT)
        after = self._pending()
        owed = Counter(reader for reader, _ in before.elements())
        owed.subtract(reader for reader, _ in after.elements())
        assert +final == +owed
        assert min(owed.values(), default=0) >= 0
        if presented is not None:
            assert any(each.reader == presented[0] for each in shows)

    def _pending(self) -> Pending:
        state = self.node.state
        claims = [(each.claim.readers, each.claim.id_tag) for each in state.questions]
        claims += [(each.readers, each.id_tag) for each in state.remembered]
        return Counter((reader, tag) for shown_at, tag in claims for reader in shown_at)

    def _report(self, level: OccupancyChanged) -> None:
        self.levels[level.charge_point] = level
        self._tell(level)

    @invariant()
    def one_question_a_point_and_one_place_a_card(self) -> None:
        points = [each.claim.charge_point for each in self.node.state.questions]
        assert len(points) == len(set(points))
        assert max(self._pending().values(), default=1) == 1
        cards = [each.id_tag for each in self.node.state.remembered]
        assert len(cards) == len(set(cards))

    @invariant()
    def no_remembered_card_beside_a_vehicle_it_could_be_for(self) -> None:
        taken = {each.claim.charge_point for each in self.node.state.questions}
        waiting = [
            name
            for name, level in self.node.state.occupancies.items()
            if level.plugged_since is not None
            and level.waiting_for_card
            and level.available
            and level.session_tag is None
            and name not in taken
        ]
        if waiting:
            assert not any("hall" in each.readers for each in self.node.state.remembered)


class DriversWithAWhitelist(Drivers):
    mode = Mode.WHITELIST


Drivers.TestCase.settings = DriversWithAWhitelist.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None
)
TestBackend = Drivers.TestCase
TestWhitelist = DriversWithAWhitelist.TestCase
