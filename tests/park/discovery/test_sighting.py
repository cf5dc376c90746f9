"""Whatever stands in a record, it is an announcement or refused: anybody in the network can send it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.boards import record

from park.config.quantities import Endpoint
from park.discovery.sighting import LARGEST_RECORD, MOST_ADDRESSES, Record, Sighting, Unreadable, read

HERE = ("192.0.2.7",)
EVERYWHERE = "0.0.0.0"  # noqa: S104 never bound
KEYS = (b"park", b"node", b"role", b"proto", b"fp", b"pairing")


def refusal(txt: Record, addresses: tuple[str, ...] = HERE, port: int = 7070) -> str:
    found = read("somebody", txt, addresses, port, 1.0)
    assert isinstance(found, Unreadable)
    assert found.instance == "somebody"
    return found.reason


def test_a_good_record():
    txt = {**record("bay-a", "server", fp="ab12", pairing="7072"), b"colour": b"red", b"flag": None}
    assert read("bay-a@carpark", txt, HERE, 7070, 3.5) == Sighting(
        "bay-a@carpark", "bay-a", "carpark", "server", 1, "ab12", HERE, 7070, 7072, 3.5
    )


@pytest.mark.parametrize(
    ("txt", "reason"),
    [
        pytest.param({}, "its TXT record has no node", id="empty"),
        pytest.param(record(park=""), "park is '', no name", id="no park"),
        pytest.param(record(node="a/b"), "node is 'a/b', no name", id="no name"),
        pytest.param(record() | {b"node": b"\xff\x00"}, r"node is '\xff\x00', no ASCII", id="bytes"),
        pytest.param(record(node="a\nERROR forged"), r"node is 'a\nERROR forged', no name", id="a line of a log"),
        pytest.param(record(node="n" * 41), f"node is '{'n' * 39}…, no name", id="long name"),
        pytest.param(record(role="boss"), "role is 'boss', none of single, server, client", id="role"),
        pytest.param(record(role=""), "role is '', none of single, server, client", id="no role"),
        pytest.param(record(proto=None), "its TXT record has no proto", id="no proto"),
        pytest.param(record(proto="1.0"), "proto is '1.0', no number from 1 to 65535", id="proto"),
        pytest.param(record(proto="0"), "proto is '0', no number from 1 to 65535", id="proto 0"),
        pytest.param(record(proto="9" * 30), "proto is '999999999999999999999999999999', no number", id="huge proto"),
        pytest.param(record(proto="-1"), "proto is '-1', no number from 1 to 65535", id="negative"),
        pytest.param(record(fp="a b"), "fp is 'a b', no fingerprint", id="fp"),
        pytest.param(record(fp="a" * 129), "fp is 'aaaa", id="long fp"),
        pytest.param(record(pairing="65536"), "pairing is '65536', no number from 1 to 65535", id="pairing"),
        pytest.param(record(pairing=""), "pairing is '', no number from 1 to 65535", id="no pairing"),
        pytest.param(record(junk="j" * LARGEST_RECORD), "its TXT record has 13", id="too long"),
    ],
)
def test_a_record_that_is_no_announcement_says_why(txt: Record, reason: str):
    assert refusal(txt).startswith(reason)


@pytest.mark.parametrize(
    "addresses",
    [
        (),
        (EVERYWHERE,),
        ("::",),
        ("224.0.0.251", "ff02::fb"),
        ("fe80::1",),
        ("255.255.255.255",),
        ("host.example", "300.1.1.1", ""),
    ],
)
def test_addresses_nobody_can_be_dialled_at_are_refused(addresses: tuple[str, ...]):
    assert refusal(record(), addresses) == "it has no address that can be dialled"


def test_addresses_are_in_order_and_few():
    many = tuple(f"192.0.2.{n}" for n in range(1, 100))
    found = read("somebody", record(), ("fd00::1", "fe80::1%eth0", EVERYWHERE, *many, *many), 7070, 1.0)
    assert isinstance(found, Sighting)
    assert len(found.addresses) == MOST_ADDRESSES
    assert found.addresses[0] == "192.0.2.1"
    assert found.endpoints[0] == Endpoint("192.0.2.1", 7070)


def test_without_a_port_there_is_nothing_to_dial():
    found = read("somebody", record(), HERE, 0, 1.0)
    assert isinstance(found, Sighting)
    assert found.endpoints == ()
    assert refusal(record(), port=-1) == "port is -1"
    assert refusal(record(), port=65_536) == "port is 65536"


values = (
    st.none()
    | st.binary(max_size=300)
    | st.text(max_size=80).map(str.encode)
    | st.integers().map(lambda number: str(number).encode())
)


@given(
    st.dictionaries(st.sampled_from(KEYS) | st.binary(max_size=20), values, max_size=12),
    st.lists(st.text(max_size=60) | st.ip_addresses().map(str), max_size=5).map(tuple),
    st.integers(-(2**40), 2**40),
)
def test_garbage_is_a_value_or_a_refusal(txt: Record, addresses: tuple[str, ...], port: int):
    for each in (txt, {**record(), **dict(list(txt.items())[:2])}):
        found = read("somebody", each, addresses, port, 1.0)
        if isinstance(found, Unreadable):
            assert found.reason.isprintable()
            assert len(found.reason) < 200
        else:
            assert found.addresses
            assert f"{found.node}{found.park}{found.fingerprint}".isprintable()
