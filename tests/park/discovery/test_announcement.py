import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from park.config.quantities import NAME_PATTERN, Endpoint
from park.discovery.announcement import (
    LONGEST_LABEL,
    Announcement,
    host_name,
    instance_name,
    reachable,
    txt_record,
)
from park.discovery.sighting import Sighting, read

names = st.from_regex(NAME_PATTERN, fullmatch=True)
announcements = st.builds(
    Announcement,
    park=names,
    node=names,
    role=st.sampled_from(("single", "server", "client")),
    proto=st.integers(1, 65_535),
    port=st.integers(0, 65_535),
    fingerprint=st.from_regex(r"([0-9a-f]{64})?", fullmatch=True),
    pairing_port=st.integers(0, 65_535),
)


def test_the_keys_that_others_rely_on():
    closed = Announcement("carpark", "bay-a", "server", 1, 7070, "ab12")
    assert txt_record(closed) == {"park": "carpark", "node": "bay-a", "role": "server", "proto": "1", "fp": "ab12"}
    assert txt_record(Announcement("carpark", "bay-a", "client", 1, 0, pairing_port=7072)) == {
        "park": "carpark",
        "node": "bay-a",
        "role": "client",
        "proto": "1",
        "fp": "",
        "pairing": "7072",
    }


@given(announcements)
def test_what_is_announced_is_what_is_read(announcement: Announcement):
    record = {key.encode(): value.encode() for key, value in txt_record(announcement).items()}
    found = read("somebody", record, ("192.0.2.7",), announcement.port, 5.0)
    assert isinstance(found, Sighting)
    assert (found.park, found.node, found.role, found.proto, found.fingerprint, found.port, found.pairing_port) == (
        announcement.park,
        announcement.node,
        announcement.role,
        announcement.proto,
        announcement.fingerprint,
        announcement.port,
        announcement.pairing_port,
    )


def called(node: str, park: str = "carpark") -> Announcement:
    return Announcement(park, node, "client", 1, 0)


def test_an_ordinary_name_stays_as_it_is():
    assert instance_name(called("bay-a")) == "bay-a@carpark"
    assert instance_name(called("bay-a"), 2) == "bay-a@carpark (2)"


@given(announcements, announcements, st.integers(1, 9), st.integers(1, 9))
def test_names_are_one_label_and_nobody_elses(one: Announcement, other: Announcement, first: int, second: int):
    for label in (instance_name(one, first), host_name(one, "1a2b3c4d").removesuffix(".local.")):
        assert len(label.encode()) <= LONGEST_LABEL
        assert "." not in label
    if (one.park, one.node, first) != (other.park, other.node, second):
        assert instance_name(one, first) != instance_name(other, second)


@given(announcements)
def test_hosts_are_names_of_hosts(announcement: Announcement):
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*-1a2b3c4d\.local\.", host_name(announcement, "1a2b3c4d"))


@pytest.mark.parametrize(("one", "other"), [("a.b", "a-b"), ("a" * 40, "a" * 39 + "b"), ("a_b", "a-b")])
def test_names_that_look_alike_once_shortened_differ(one: str, other: str):
    assert instance_name(called(one, "p" * 40)) != instance_name(called(other, "p" * 40))


@pytest.mark.parametrize(
    ("listener", "reached"),
    [
        (None, ("192.0.2.7", "fd00::7")),
        (Endpoint("0.0.0.0", 7070), ("192.0.2.7",)),  # noqa: S104 compared, not bound
        (Endpoint("::", 7070), ("192.0.2.7", "fd00::7")),
        (Endpoint("127.0.0.1", 7070), ("127.0.0.1",)),
    ],
)
def test_only_addresses_somebody_listens_on_are_announced(listener: Endpoint | None, reached: tuple[str, ...]):
    assert reachable(("192.0.2.7", "fd00::7"), listener) == reached
