from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support.boards import PARK, heard, record

from park.discovery.announcement import Announcement
from park.discovery.conflicts import ConflictSeen, conflicts, name_taken
from park.discovery.sighting import Sighting, Unreadable
from park.discovery.sightings import (
    MOST_KEPT,
    MOST_PINNED,
    Announced,
    Gone,
    Heard,
    Sightings,
    SightingsChanged,
    SightingsEffect,
    SightingsEvent,
    step,
)
from park.model.time import Now

NOW = Now(100.0, datetime(2026, 1, 5, tzinfo=UTC))


def after(*events: SightingsEvent, state: Sightings = Sightings(PARK)) -> tuple[Sightings, list[SightingsEffect]]:
    told: list[SightingsEffect] = []
    for event in events:
        state, effects = step(state, event, NOW)
        told += effects
    return state, told


def seen(state: Sightings) -> list[tuple[str, str]]:
    return [(each.node, each.role) for each in state.own]


def conflict_of(*events: SightingsEvent) -> ConflictSeen:
    (found,) = (each for each in after(*events)[1] if isinstance(each, ConflictSeen))
    return found


def test_what_is_heard_is_told_and_what_is_gone_is_not_there():
    state, told = after(heard("server", "server"), heard("bay-a"), Gone("server@carpark"))
    assert [[each.node for each in change.sightings] for change in told if isinstance(change, SightingsChanged)] == [
        ["server"],
        ["bay-a", "server"],
        ["bay-a"],
    ]
    assert seen(state) == [("bay-a", "client")]


def test_hearing_the_same_again_is_no_news_but_now_and_then():
    _, told = after(*(heard(at=float(second)) for second in range(1, 95)))
    assert [each.sightings[0].seen for each in told if isinstance(each, SightingsChanged)] == [1.0, 31.0, 61.0, 91.0]


def test_nothing_is_heard_in_the_future():
    assert [each.seen for each in after(heard(at=1e9))[0].own] == [NOW.mono]


def test_a_change_of_the_record_is_told():
    _, told = after(heard("s", "server"), heard("s", "server", fp="ab12", pairing="7072"))
    last = told[-1]
    assert isinstance(last, SightingsChanged)
    assert [(each.fingerprint, each.pairing_port) for each in last.sightings] == [("ab12", 7072)]


def test_parks_in_one_network_are_kept_apart():
    state, told = after(
        heard("server", "server"), heard("server", "server", "other"), heard("server", "server", "third")
    )
    last = told[-1]
    assert isinstance(last, SightingsChanged)
    assert [each.park for each in last.sightings] == [PARK]
    assert [each.park for each in last.others] == ["other", "third"]
    assert not state.told


def test_an_unreadable_record_is_refused_once_and_replaces_what_was_there():
    garbage = Heard("bay-a@carpark", record(role="boss"), ("192.0.2.7",), 7070, 2.0)
    state, told = after(heard(), garbage, garbage)
    assert told[-2:] == [
        SightingsChanged(()),
        Unreadable("bay-a@carpark", "role is 'boss', none of single, server, client"),
    ]
    assert len(told) == 3
    state, told = after(heard(), garbage, state=state)
    assert [type(each) for each in told] == [SightingsChanged, SightingsChanged, Unreadable]


# ---------------------------------------------------------------- conflicts


def test_two_boards_of_one_name():
    found = conflict_of(
        heard(fp="aaaa", address="192.0.2.7"), heard(instance="bay-a@carpark (2)", fp="bbbb", address="192.0.2.8")
    )
    assert (found.kind, found.park, found.instances) == ("node-twice", PARK, ("bay-a@carpark", "bay-a@carpark (2)"))
    assert found.alarm.code == "discovery-node-twice"
    assert found.text == (
        "park carpark: two boards call themselves bay-a: bay-a at 192.0.2.7:7070, bay-a at 192.0.2.8:7070; "
        "give each board of the park its own node.name, and restart it"
    )


def test_two_boards_of_one_name_that_were_never_paired():
    assert conflict_of(heard(), heard(instance="bay-a@carpark (2)", address="192.0.2.8")).kind == "node-twice"
    assert conflict_of(heard(), heard(instance="bay-a@carpark (2)", port=7171)).kind == "node-twice"


def test_another_certificate_at_the_same_place_is_another_board():
    assert conflict_of(heard(fp="aaaa"), heard(instance="bay-a@carpark (2)", fp="bbbb")).kind == "node-twice"


def test_one_board_under_two_names_is_no_conflict():
    assert not after(heard(fp="aaaa"), heard(instance="bay-a@carpark (2)", fp="aaaa"))[0].told


def test_two_servers_of_one_park():
    found = conflict_of(heard("one", "server"), heard("two", "server", address="192.0.2.8"), heard("bay-a"))
    assert (found.kind, found.instances) == ("server-twice", ("one@carpark", "two@carpark"))
    assert "only one may have node.role server" in found.text


def test_a_copied_certificate():
    found = conflict_of(heard("one", fp="ab12"), heard("two", fp="ab12", address="192.0.2.8"))
    assert (found.kind, found.instances) == ("certificate-twice", ("one@carpark", "two@carpark"))


def test_a_conflict_is_told_once_and_again_when_it_comes_back():
    one, two = heard("one", "server"), heard("two", "server", address="192.0.2.8")
    _, told = after(one, two, heard("bay-a"), Gone("two@carpark"), two)
    assert [type(each) for each in told].count(ConflictSeen) == 2


def test_conflicts_of_strangers_are_theirs_and_a_visitor_sees_all():
    events = (heard("one", "server", "other"), heard("two", "server", "other", address="192.0.2.8"))
    assert not after(*events)[0].told
    assert [each.park for each in after(*events, state=Sightings(""))[0].told] == ["other"]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_conflicts_do_not_depend_on_the_order(order: tuple[int, ...]):
    events = (heard("a", "server"), heard("b", "single"), heard("b", instance="b2", port=1), heard("c", fp="f"))
    state, _ = after(*(events[n] for n in order))
    assert [each.kind for each in conflicts(state.seen.values())] == ["node-twice", "server-twice"]


# ---------------------------------------------------------------- this node itself

ITSELF = Announced("bay-a@carpark", Announcement(PARK, "bay-a", "client", 1, 7070, "aaaa"), ("192.0.2.7",))


def test_this_node_is_seen_at_once_and_its_echo_is_no_news():
    _, told = after(ITSELF, heard(fp="aaaa"))
    assert len(told) == 1


def test_who_takes_this_nodes_name_later_is_seen():
    """The library notices no conflict after the first claim: the other's record replaces ours."""
    found = conflict_of(ITSELF, heard(fp="bbbb", address="192.0.2.66"))
    assert found.kind == "node-twice"
    assert "bay-a at 192.0.2.66:7070" in found.text
    assert not after(ITSELF, heard(fp="bbbb"), heard(fp="aaaa"))[0].told


def test_announcing_something_new_is_no_conflict_with_the_old():
    paired = Announced("bay-a@carpark", Announcement(PARK, "bay-a", "client", 1, 7070, "bbbb"), ("10.0.0.9",))
    assert not after(ITSELF, heard(fp="aaaa"), paired, heard(fp="bbbb", address="10.0.0.9"))[0].told


def test_a_name_that_is_taken():
    alarm = name_taken(ITSELF.announcement)
    assert alarm.code == "discovery-name-taken"
    assert alarm.text.startswith("park carpark: another board announces itself as bay-a;")


# ---------------------------------------------------------------- floods


def test_a_flood_fills_no_memory_and_does_not_shut_the_pinned_server_out():
    forged = [heard("server", "server", instance=f"forged-{n}", port=n + 1) for n in range(MOST_KEPT + 50)]
    strangers = [heard(f"n{n}", park="other") for n in range(MOST_KEPT + 50)]
    state, _ = after(*forged, *strangers, state=Sightings(PARK, pinned="ab12"))
    assert (len(state.own), len(state.others), len(state.refused)) == (MOST_KEPT, MOST_KEPT, 100)
    state, _ = after(*(heard("s", "server", instance=f"s{n}", fp="ab12") for n in range(50)), state=state)
    assert len(state.own) == MOST_KEPT + MOST_PINNED
    garbage = (Heard(f"g{n}", {}, (), 0, 1.0) for n in range(2 * MOST_KEPT))
    assert len(after(*garbage, state=state)[0].refused) == MOST_KEPT


nodes = st.sampled_from(("a", "b"))
events = st.one_of(
    st.builds(
        heard,
        nodes,
        st.sampled_from(("server", "client", "single", "boss")),
        st.sampled_from((PARK, "other")),
        instance=st.sampled_from(("i1", "i2", "i3")),
        fp=st.sampled_from(("", "aa", "bb")),
        at=st.floats(0, 200),
    ),
    st.sampled_from(("i1", "i2", "i3")).map(Gone),
    st.builds(
        Announced,
        st.just("i1"),
        st.builds(Announcement, st.just(PARK), nodes, st.just("client"), st.just(1), st.just(7070)),
        st.just(("192.0.2.7",)),
    ),
)


def timeless(sightings: tuple[Sighting, ...]) -> list[Sighting]:
    return [replace(each, seen=0.0) for each in sightings]


@given(st.lists(events, max_size=30))
def test_what_was_told_last_is_what_is_seen(happened: list[SightingsEvent]):
    state, told = after(*happened)
    changes = [each for each in told if isinstance(each, SightingsChanged)]
    shown = changes[-1] if changes else SightingsChanged(())
    assert [timeless(shown.sightings), timeless(shown.others)] == [timeless(state.own), timeless(state.others)]
    assert all(each.park == PARK for each in state.own)
    assert all(each.seen <= NOW.mono for each in state.seen.values())
