"""What a board needs to decide about cards while its server is away: made by one authorizer, obeyed by another."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support.authorizer_harness import ADA, BOB, EVE, NOON, OLD, STRANGER, WHITELIST, Driven, point, shown

from park.authorization.messages import (
    AddTag,
    ApplyRules,
    LocalRules,
    ReadersAnnounced,
    RemoveTag,
    RulesChanged,
    Teach,
    TeachMode,
)
from park.authorization.settings import Autocharge, AutochargeMode, Mode, OfflineRule, ReaderSettings, WhitelistEntry
from park.model.access import AuthorizationGranted, BackendAuthorized, BackendOnline, Feedback, Refused, Verdict
from park.model.alarm import Alarm
from park.model.autocharge import VehicleIdentified
from park.model.storage import CommitFailed, Committed, Row, RowsLoaded

OWN_READERS = (ReaderSettings("pillar", ("*",)),)


def server(**settings: object) -> Driven:
    return Driven(Mode.BACKEND, point(1), node="g", **settings)


def board() -> Driven:
    """A client board: no whitelist of its own, no server heard."""
    driven = Driven(Mode.WHITELIST, point(1), whitelist=(), readers=OWN_READERS, node="bay-a")
    driven.tell(BackendOnline(online=False))
    return driven


def newest(driven: Driven) -> LocalRules:
    return driven.rules[-1].rules


def refuse(driven: Driven, tag: str, verdict: Verdict = Verdict.INVALID) -> None:
    driven.tell(BackendAuthorized("", tag, verdict))


def test_the_rules_are_told_after_the_start_with_all_a_board_needs() -> None:
    node = server(offline=OfflineRule.ACCEPT, stop_with_card=False)
    assert newest(node) == LocalRules(
        version=newest(node).version,
        mode=Mode.BACKEND,
        offline=OfflineRule.ACCEPT,
        whitelist=tuple(replace(entry, name="") for entry in WHITELIST),
        refused=(),
        free_tag="FREE",
        stop_with_card=False,
        readers=(ReaderSettings("g/door", ("g/cp1",)), ReaderSettings("g/hall", ("*",))),
        autocharge=Autocharge(),
    )


def test_every_change_is_told_once_and_its_version_is_higher() -> None:
    node = server()
    node.tell(AddTag("1", WhitelistEntry("0C"), node.slot))
    refuse(node, BOB)
    refuse(node, BOB)
    refuse(node, BOB, Verdict.ACCEPTED)
    node.tell(ReadersAnnounced("bay-a", OWN_READERS))
    node.tell(ReadersAnnounced("bay-a", OWN_READERS))
    node.tell(RemoveTag("2", "0C", node.slot))
    node.swipe(ADA)
    node.wait(100.0)
    versions = [told.rules.version for told in node.rules]
    assert len(versions) == 6
    assert all(one < other for one, other in itertools.pairwise(versions))
    told = [(WhitelistEntry("0C") in each.rules.whitelist, each.rules.refused) for each in node.rules]
    assert told == [
        (False, ()),
        (True, ()),
        (True, (BOB.lower(),)),
        (True, ()),
        (True, ()),
        (False, ()),
    ]
    assert ReaderSettings("bay-a/pillar", ("*",)) in newest(node).readers


def test_the_version_does_not_go_back_over_restarts_even_when_changes_were_many() -> None:
    node = server()
    versions: list[int] = []
    for _ in range(3):
        for n in range(50):
            refuse(node, f"{n:02X}")
        versions += [told.rules.version for told in node.rules]
        node.begin()
    assert all(one < other for one, other in itertools.pairwise(versions))


def test_no_rules_are_told_before_the_number_of_this_start_is_on_disk() -> None:
    node = server()
    before = newest(node).version
    node.full = True
    node.begin()
    refuse(node, BOB)
    assert node.rules == []
    node.full = False
    node.wait(1.0)
    assert [told.rules.refused for told in node.rules] == [(BOB.lower(),)]
    assert newest(node).version > before


def test_a_board_decides_by_the_rules_of_its_server() -> None:
    """Accepted offline by the server's rule, but not what is blocked, expired or refused there (D4)."""
    leader = server(offline=OfflineRule.ACCEPT)
    refuse(leader, "0BAD")
    alone = board()
    alone.tell(ApplyRules(newest(leader)))
    for tag, by in [(EVE, None), (OLD, None), ("0bad", None), (ADA, "whitelist"), (STRANGER, "offline")]:
        alone.mono += 60.0
        alone.tell(point(1, plugged_since=alone.mono))
        effects = alone.swipe(tag, "pillar")
        if by is None:
            assert effects == [shown(Feedback.REFUSED, "pillar")], tag
        else:
            assert effects == [AuthorizationGranted("g/cp1", tag, by), shown(Feedback.ACCEPTED, "pillar")]


@pytest.mark.rule("B-063")
def test_a_board_that_is_alone_charges_vehicles_by_the_autocharge_of_its_server() -> None:
    """Over a restart too; a server of an older version says nothing of it, so no vehicle is let in."""
    by_mac = Autocharge(AutochargeMode.MAC, "M")
    leader = server(autocharge=by_mac, whitelist=(WhitelistEntry("M020000000001"),))
    vehicle = VehicleIdentified("slac:cp1", "g/cp1", "02:00:00:00:00:01")
    alone = board()
    alone.tell(ApplyRules(newest(leader)))
    alone.begin()
    alone.tell(BackendOnline(online=False))
    alone.tell(point(1, plugged_since=900.0))
    assert AuthorizationGranted("g/cp1", "M020000000001", "whitelist") in alone.tell(vehicle)
    alone.tell(ApplyRules(replace(newest(leader), version=newest(leader).version + 1, autocharge=None)))
    alone.tell(point(1, plugged_since=990.0))
    assert alone.tell(vehicle) == [shown(Feedback.IGNORED, "slac:cp1")]


def test_before_it_has_rules_a_board_lets_nobody_charge() -> None:
    alone = board()
    alone.tell(point(1, plugged_since=alone.mono))
    assert alone.swipe(ADA, "pillar") == [shown(Feedback.REFUSED, "pillar")]


def test_newer_rules_replace_the_older_whole() -> None:
    leader, alone = server(), board()
    refuse(leader, ADA)
    alone.tell(ApplyRules(newest(leader)))
    refuse(leader, ADA, Verdict.ACCEPTED)
    alone.tell(ApplyRules(newest(leader)))
    alone.tell(point(1, plugged_since=alone.mono))
    assert alone.swipe(ADA, "pillar")[0] == AuthorizationGranted("g/cp1", ADA, "whitelist")


def test_a_board_that_begins_anew_without_its_server_has_the_rules_it_was_sent_last() -> None:
    leader, alone = server(), board()
    leader.tell(AddTag("1", WhitelistEntry(STRANGER, "a visitor", NOON.replace(year=2030)), leader.slot))
    for tag in ("0BAD", ADA):
        refuse(leader, tag)
        alone.tell(ApplyRules(newest(leader)))
    refuse(leader, ADA, Verdict.ACCEPTED)
    alone.tell(ApplyRules(newest(leader)))
    alone.begin()
    alone.tell(BackendOnline(online=False))
    assert alone.state.applied == newest(leader)
    assert alone.state.refused == ("0bad",)
    assert alone.state.settings.readers == OWN_READERS
    alone.tell(point(1, plugged_since=alone.mono))
    assert alone.swipe(STRANGER, "pillar")[0] == AuthorizationGranted("g/cp1", STRANGER, "whitelist")


def test_rules_that_came_before_the_disk_answered_are_the_newer() -> None:
    leader, alone = server(), board()
    alone.tell(ApplyRules(newest(leader)))
    old = tuple(Row(table, key, body) for (table, key), body in alone.disk.items())
    refuse(leader, ADA)
    again = board()
    again.tell(ApplyRules(newest(leader)))
    again.tell(RowsLoaded(old))
    assert again.state.applied == newest(leader)
    assert again.state.refused == (ADA.lower(),)


def test_what_a_board_learned_when_it_was_a_park_by_itself_counts_no_more() -> None:
    alone = board()
    alone.disk["refused_tags", ADA.lower()] = "{}"
    alone.disk["taught_tags", STRANGER] = f'{{"tag": "{STRANGER}"}}'
    alone.tell(ApplyRules(newest(server())))
    alone.begin()
    assert (alone.state.refused, alone.state.taught) == ((), {})


def test_damaged_rules_are_said_and_the_board_lets_nobody_charge() -> None:
    alone = board()
    alone.tell(ApplyRules(newest(server())))
    alone.disk["local_rules", "applied"] = '{"version": "x"}'
    alone.begin()
    (alarm,) = [each for each in alone.told if isinstance(each, Alarm)]
    assert "board bay-a" in alarm.text
    alone.tell(point(1, plugged_since=alone.mono))
    assert alone.swipe(ADA, "pillar") == [shown(Feedback.REFUSED, "pillar")]


def test_a_board_under_its_servers_rules_teaches_nothing_and_tells_no_rules() -> None:
    alone = board()
    alone.tell(ApplyRules(newest(server())))
    told = len(alone.rules)
    alone.tell(ApplyRules(replace(newest(server()), version=2, refused=("0bad",))))
    alone.tell(AddTag("1", WhitelistEntry("0C"), alone.slot))
    (answer,) = alone.slot.answers
    assert isinstance(answer, Refused)
    assert "server" in answer.reason
    alone.tell(Teach(None, TeachMode.IN, 60.0))
    assert alone.swipe("0C", "pillar") == [shown(Feedback.REFUSED, "pillar")]
    assert len(alone.rules) == told


@pytest.mark.rule("B-053")
def test_in_free_mode_a_board_lets_vehicles_in_only_while_it_is_alone() -> None:
    alone = board()
    alone.tell(BackendOnline(online=True))
    alone.tell(ApplyRules(replace(newest(server()), mode=Mode.FREE, free_tag="GRATIS")))
    assert alone.tell(point(1, plugged_since=1_000.0)) == []
    free = AuthorizationGranted("g/cp1", "GRATIS", "free")
    assert alone.tell(BackendOnline(online=False)) == [free]
    alone.tell(point(1))
    assert alone.tell(point(1, plugged_since=1_010.0)) == [free]


@pytest.mark.rule("B-054")
def test_a_vehicle_that_waits_when_the_rules_become_free_charges() -> None:
    alone = board()
    alone.tell(point(1, plugged_since=1_000.0))
    free = replace(newest(server()), mode=Mode.FREE)
    assert alone.tell(ApplyRules(free)) == [AuthorizationGranted("g/cp1", "FREE", "free")]


TAGS = st.text("0123456789ABCDEF", min_size=1, max_size=20)
ENTRIES = st.builds(WhitelistEntry, TAGS, st.text(max_size=5), st.none() | st.just(NOON), st.booleans())
SERVES = st.lists(st.sampled_from(["*", "g/cp1", "bay-a/cp1"]), min_size=1).map(tuple)


@given(
    st.builds(
        LocalRules,
        version=st.integers(0, 2**62),
        mode=st.sampled_from(Mode),
        offline=st.sampled_from(OfflineRule),
        whitelist=st.lists(ENTRIES, max_size=5).map(tuple),
        refused=st.lists(TAGS.map(str.casefold), max_size=5).map(tuple),
        free_tag=TAGS,
        stop_with_card=st.booleans(),
        readers=st.lists(st.builds(ReaderSettings, TAGS, SERVES, remember_seconds=st.floats(0, 3600))).map(tuple),
    )
)
def test_rules_are_on_disk_as_they_came(rules: LocalRules) -> None:
    alone = board()
    alone.tell(ApplyRules(rules))
    alone.begin()
    assert alone.state.applied == rules


def test_what_a_commit_says_that_nobody_asked_for_changes_nothing() -> None:
    node = server()
    before = node.state
    node.tell(Committed(7))
    node.tell(CommitFailed(7, "disk full"))
    node.tell(Committed(0))
    assert node.state == before
    assert isinstance(node.rules[-1], RulesChanged)


@pytest.mark.rule("B-133")
def test_a_board_alone_knows_the_id_tag_of_each_connector() -> None:
    node = Driven(Mode.FREE, point(1), node="g", tagless={1: "BAY-1", 2: ""})
    alone = board()
    alone.tell(ApplyRules(newest(node)))
    assert alone.state.settings.tag_without_card(1) == "BAY-1"
    assert alone.state.settings.tag_without_card(2) == "FREE", "an empty one is none"
    assert alone.state.settings.tag_without_card(3) == "FREE"
