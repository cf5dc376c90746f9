"""The containers behind the queue do what lists would, at a price that does not grow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from park.model.session import FactId, FactOffered
from park.ocpp.arrivals import Arrivals
from park.ocpp.backlog import Backlog
from park.ocpp.rows import Entry, Fate, Transaction
from park.ocpp.transactions import Transactions
from tests.support.facts import metered, started

sessions = st.integers(0, 3).map(lambda number: f"s{number}")


@given(st.lists(st.tuples(st.sampled_from(["add", "head", "bury"]), sessions), max_size=40))
def test_a_backlog_is_a_list_of_entries(deeds: list[tuple[str, str]]):
    backlog, model = Backlog(), list[Entry]()
    for number, (deed, session) in enumerate(deeds):
        match deed:
            case "add":
                entry = Entry(number, FactId("j", number), metered(session, number))
                backlog.add(entry)
                model.append(entry)
            case "head" if model:
                backlog.remove([model.pop(0).number])
            case "bury":
                backlog.remove([entry.number for entry in backlog.of_session(session)])
                model = [entry for entry in model if entry.fact.session != session]
            case _:
                backlog.remove([number])  # not there
        assert list(backlog) == model
        assert len(backlog) == len(model)
        assert backlog.head == (model[0] if model else None)
        assert list(backlog.of_session(session)) == [entry for entry in model if entry.fact.session == session]


@given(st.lists(st.one_of(sessions, st.sampled_from(["begin", "finish", "clear"])), max_size=40))
def test_arrivals_are_two_lists_of_offers(deeds: list[str]):
    arrivals, waiting, writing = Arrivals(), list[FactOffered](), list[FactOffered]()
    ordinals: dict[str, int] = {}
    for number, deed in enumerate(deeds):
        match deed:
            case "begin" if arrivals.due:
                writing, waiting = waiting[:3], waiting[3:]
                assert list(arrivals.begin(3)) == writing
            case "begin":
                pass
            case "finish":
                assert list(arrivals.finish()) == writing
                writing = []
            case "clear":
                arrivals.clear()
                waiting, writing = [], []
            case session:
                ordinals[session] = ordinals.get(session, -1) + 1
                offered = FactOffered(FactId("j", number), metered(session, ordinals[session]))
                arrivals.add(offered)
                waiting.append(offered)
        coming = [*writing, *waiting]
        assert arrivals.due == bool(waiting and not writing)
        assert all(offered.id in arrivals for offered in coming)
        assert FactId("j", -1) not in arrivals
        for session in ("s0", "s1", "s2", "s3"):
            newest = max((each.fact.ordinal for each in coming if each.fact.session == session), default=-1)
            assert arrivals.newest(session) == newest


def test_transactions_are_found_by_number_and_connector_while_they_run():
    first = Transaction(started("s1", "cp1", 1), 42)
    second = Transaction(started("s2", "cp2", 2), 42)  # a number given twice
    known = Transactions((first, second))
    assert known.running(42) is second
    assert known.on_connector(1) is first
    known.put(Transaction(second.start, 42, ended=True, fate=Fate.FINISHED))
    assert known.running(42) is first
    assert known.on_connector(2) is None
    assert known.numbered(42) == known.get("s2")
    assert [told.session for told in known.assigned()] == ["s1"]


def test_the_transaction_that_finished_first_is_forgotten_first():
    known = Transactions(Transaction(started(name), number) for number, name in enumerate(("s1", "s2", "s3")))
    for number, name in ((1, "s2"), (0, "s1"), (1, "s2")):
        known.put(Transaction(started(name), number, ended=True, fate=Fate.FINISHED))
    assert known.oldest_finished(3) is None
    oldest = known.oldest_finished(2)
    assert oldest is not None
    assert oldest.session == "s2"
    known.forget("s2")
    assert known.get("s2") is None
    assert known.numbered(1) is None
    assert known.numbered(2) is not None
