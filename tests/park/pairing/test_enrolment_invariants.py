"""Whatever is told, in any order, with kills in between: what pairing promises."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from support.enrolments import Desk, key

from park.pairing.events import Admitted, JoinAnswer
from park.pairing.state import EnrolmentSettings

NODES, KEYS = ("bay-a", "bay-b"), "abcd"
SECRETS = [bytes([n]) * 16 for n in range(3)]
LISTED = "d"

nodes, keys, secrets = st.sampled_from(NODES), st.sampled_from(KEYS), st.sampled_from(SECRETS)
yes = st.booleans()
Act = tuple[str, tuple[object, ...]]
acts: st.SearchStrategy[list[Act]] = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.tuples(nodes, keys, st.one_of(st.none(), secrets))),
        st.tuples(st.just("token"), st.tuples(nodes, secrets, st.sampled_from((30.0, 600.0)), yes)),
        st.tuples(st.just("approve"), st.tuples(nodes, keys, yes)),
        st.tuples(st.just("reject"), st.tuples(nodes, keys)),
        st.tuples(st.just("revoke"), st.tuples(nodes)),
        st.tuples(st.just("open"), st.tuples(st.sampled_from((10.0, 600.0)))),
        st.tuples(st.just("close"), st.just(())),
        st.tuples(st.just("pass_time"), st.tuples(st.sampled_from((1.0, 25.0, 700.0)))),
        st.tuples(st.just("restart"), st.just(())),
    ),
    max_size=40,
)


class Witness:
    """Follows a desk, and says what it saw that must not be."""

    def __init__(self) -> None:
        self.desk = Desk(EnrolmentSettings("server", fingerprints=frozenset({key(LISTED)})))
        self.revoked: set[str] = set()

    def act(self, name: str, arguments: tuple[object, ...]) -> None:
        before = {board.fingerprint for board in self.desk.list().boards if board.admitted}
        was_open = self.desk.state.is_open(self.desk.mono)
        method: Callable[..., JoinAnswer | str | None] = getattr(self.desk, name)
        answer = method(*arguments)
        after = {board.fingerprint: board.node for board in self.desk.list().boards if board.admitted}
        self.revoked |= before - set(after)
        assert not self.revoked & set(after), "a revoked key is admitted again"
        assert len(set(after.values())) == len(after), "two keys are one node"
        new = set(after) - before
        assert not new or name in {"join", "approve"}
        if name == "join":
            self._joined(arguments, answer, new, was_open)

    def _joined(self, arguments: tuple[object, ...], answer: object, new: set[str], was_open: bool) -> None:
        _, letter, secret = arguments
        assert isinstance(letter, str)
        assert not new or new == {key(letter)}
        if isinstance(answer, Admitted):
            assert was_open, "a certificate while pairing is closed"
            assert answer.fingerprint == key(letter)
        if new and letter != LISTED:
            assert isinstance(secret, bytes), "in without token, list or person"


@settings(max_examples=400, deadline=None)
@given(acts)
def test_what_pairing_promises(plan: list[Act]):
    witness = Witness()
    for name, arguments in plan:
        witness.act(name, arguments)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(nodes, keys, yes, yes), max_size=30),
    st.sampled_from(("bay-a",)),
    yes,
)
def test_a_token_never_admits_two_keys(asks: list[tuple[str, str, bool, bool]], node: str, replacing: bool):
    """`asks`: who asks, whether the disk answers, and whether the process is killed after it."""
    desk = Desk()
    desk.token(node, SECRETS[0], replace=replacing)
    admitted: set[str] = set()
    for asked_node, letter, answers, killed in asks:
        desk.hold = not answers
        if answers:
            desk.write()
        desk.join(asked_node, letter, SECRETS[0])
        if killed:
            desk.restart()
        desk.pass_time(1.0)
        admitted |= {board.fingerprint for board in desk.state.boards.values()}
    assert len(admitted) <= 1
