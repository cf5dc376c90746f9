"""Cards taught at a reader or by an administrator: on disk first, beside what the file says, for a while only."""

from __future__ import annotations

import pytest
from support.authorizer_harness import ADA, BOB, EVE, NOON, OLD, STRANGER, Driven, point, shown

from park.authorization.messages import AddTag, ListTags, RemoveTag, Teach, TeachMode
from park.authorization.settings import Mode, WhitelistEntry
from park.model.access import AuthorizationGranted, Done, Feedback, Refused
from park.model.alarm import Alarm

ACCEPTED, REFUSED, WAIT = shown(Feedback.ACCEPTED), shown(Feedback.REFUSED), shown(Feedback.WAIT)


def driven() -> Driven:
    return Driven(Mode.WHITELIST, point(1, plugged_since=990.0))


def teach(mode: TeachMode, reader: str | None = "door", seconds: float = 60.0) -> Teach:
    return Teach(reader, mode, seconds)


def may_charge(driven: Driven, tag: str) -> bool:
    """Whether this card starts a session; the charge point is free again afterwards."""
    driven.tell(Teach(None, TeachMode.IN, 0.0))
    effects = driven.swipe(tag)
    driven.mono += 60.0
    driven.tell(point(1, plugged_since=driven.mono))
    return any(isinstance(each, AuthorizationGranted) for each in effects)


def test_a_taught_card_charges_from_then_on_and_after_a_restart() -> None:
    node = driven()
    node.tell(teach(TeachMode.IN))
    assert node.swipe(STRANGER) == [WAIT, ACCEPTED]
    assert may_charge(node, STRANGER.lower())
    node.begin()
    node.tell(point(1, plugged_since=node.mono))
    assert may_charge(node, STRANGER)


def test_a_card_taught_out_is_a_strangers_again_also_after_a_restart() -> None:
    node = driven()
    node.tell(teach(TeachMode.IN))
    node.swipe(STRANGER)
    node.tell(teach(TeachMode.OUT))
    assert node.swipe(STRANGER.lower()) == [WAIT, ACCEPTED]
    assert not may_charge(node, STRANGER)
    node.begin()
    node.tell(point(1, plugged_since=node.mono))
    assert not may_charge(node, STRANGER)


def test_while_teaching_a_card_starts_nothing() -> None:
    node = driven()
    node.tell(teach(TeachMode.IN))
    assert node.swipe(ADA) == [ACCEPTED]


@pytest.mark.parametrize(
    ("mode", "tag", "last"),
    [
        (TeachMode.IN, EVE, REFUSED),  # the file blocks it
        (TeachMode.IN, OLD, REFUSED),  # expired in the file: only the file can renew it
        (TeachMode.IN, BOB, ACCEPTED),
        (TeachMode.OUT, ADA, REFUSED),  # stands in the file
        (TeachMode.OUT, STRANGER, REFUSED),  # nobody knows it
    ],
)
def test_what_the_file_says_of_a_card_stands(mode: TeachMode, tag: str, last: object) -> None:
    node = driven()
    before = dict(node.disk)
    node.tell(teach(mode))
    assert node.swipe(tag) == [last]
    assert node.disk == before
    assert may_charge(node, tag) == (tag in {ADA, BOB})


def test_a_card_that_the_file_blocks_later_is_blocked_although_it_was_taught() -> None:
    node = driven()
    node.tell(teach(TeachMode.IN))
    node.swipe(STRANGER)
    blocked = WhitelistEntry(STRANGER, allowed=False)
    node.settings = Driven(Mode.WHITELIST, whitelist=(blocked,)).settings
    node.begin()
    assert node.rules[-1].rules.whitelist == (blocked,)
    node.tell(point(1, plugged_since=node.mono))
    assert not may_charge(node, STRANGER)


def test_teaching_is_for_one_reader_or_for_all() -> None:
    node = driven()
    node.tell(teach(TeachMode.IN, reader="hall"))
    assert node.swipe(STRANGER, "door") == [REFUSED]
    assert node.swipe(STRANGER, "hall") == [shown(Feedback.WAIT, "hall"), shown(Feedback.ACCEPTED, "hall")]
    node.tell(teach(TeachMode.OUT, reader=None))
    assert node.swipe(STRANGER, "door") == [WAIT, ACCEPTED]


def test_teaching_ends_by_itself_or_when_told() -> None:
    node = driven()
    node.tell(teach(TeachMode.IN, seconds=30.0))
    node.mono += 29.9
    assert node.swipe(STRANGER) == [WAIT, ACCEPTED]
    node.mono += 0.1
    assert node.swipe("0F0F") == [REFUSED]
    node.tell(teach(TeachMode.IN))
    node.tell(teach(TeachMode.IN, seconds=0.0))
    assert node.swipe("0F0F") == [REFUSED]


def test_nobody_leaves_a_reader_open_over_night() -> None:
    node = driven()
    node.tell(teach(TeachMode.IN, seconds=float("inf")))
    node.wait(3_600.0)
    assert node.state.teaching is None
    assert node.swipe(STRANGER) == [REFUSED]


def test_on_a_full_disk_nothing_is_taught_and_the_reader_says_so() -> None:
    node = driven()
    node.tell(teach(TeachMode.IN))
    node.full = True
    assert node.swipe(STRANGER) == [WAIT, REFUSED]
    assert not may_charge(node, STRANGER)
    node.tell(AddTag("1", WhitelistEntry(STRANGER), node.slot))
    (answer,) = node.slot.answers
    assert isinstance(answer, Refused)
    assert "disk full" in answer.reason


def test_the_administrator_adds_lists_and_removes() -> None:
    node = driven()
    entry = WhitelistEntry(STRANGER, "a visitor", expires=NOON.replace(year=2030))
    node.tell(AddTag("1", entry, node.slot))
    node.tell(ListTags("2", node.slot))
    (listed,) = node.slot.listed
    assert (listed.request_id, listed.taught, len(listed.configured)) == ("2", (entry,), 4)
    node.begin()
    assert list(node.state.taught.values()) == [entry]
    node.tell(RemoveTag("3", STRANGER.lower(), node.slot))
    assert node.slot.answers == [Done("1"), Done("3")]
    assert node.state.taught == {}


@pytest.mark.rule("B-400", "B-401")
def test_an_added_entry_can_expire_and_block() -> None:
    node = driven()
    node.tell(AddTag("1", WhitelistEntry("0A", expires=NOON.replace(year=2025)), node.slot))
    node.tell(AddTag("2", WhitelistEntry("0B", allowed=False), node.slot))
    node.tell(AddTag("3", WhitelistEntry("0C"), node.slot))
    node.tell(point(1, plugged_since=node.mono))
    assert [may_charge(node, tag) for tag in ("0A", "0B", "0C")] == [False, False, True]


@pytest.mark.parametrize("tag", ["", "F" * 21, "two words", "zwölf", "a\nb"])
def test_what_is_no_id_tag_is_not_added(tag: str) -> None:
    node = driven()
    node.tell(AddTag("1", WhitelistEntry(tag), node.slot))
    assert isinstance(node.slot.answers[0], Refused)


@pytest.mark.rule("B-398")
def test_the_whitelist_is_limited_to_500_entries() -> None:
    node = driven()
    for n in range(497):
        node.tell(AddTag(str(n), WhitelistEntry(f"{n:04X}"), node.slot))
    assert node.slot.answers.count(Done("495")) == 1
    refused = node.slot.answers[-1]
    assert isinstance(refused, Refused)
    assert "500" in refused.reason
    node.tell(AddTag("again", WhitelistEntry("0000", "the same tag, another name"), node.slot))
    assert node.slot.answers[-1] == Done("again")
    node.tell(teach(TeachMode.IN))
    assert node.swipe("0F0F0F") == [REFUSED]


def test_a_damaged_row_is_left_out_and_said() -> None:
    node = driven()
    node.disk["taught_tags", "0a"] = "{"
    node.disk["taught_tags", "0b"] = '{"tag": "0B"}'
    node.begin()
    (alarm,) = [each for each in node.told if isinstance(each, Alarm)]
    assert "0a" in alarm.text
    node.tell(point(1, plugged_since=node.mono))
    assert may_charge(node, "0B")
