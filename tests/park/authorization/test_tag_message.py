"""Cards as JSON: what is taken for one, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from park.authorization.id_tags import normalised
from park.authorization.tag_message import Standard, TagMessage, parsed, payload

EXAMPLE = b'["ISO14443","1F2D3A4F5506C7"]'


@pytest.mark.rule("B-271")
def test_a_card_is_an_array_of_standard_and_uid() -> None:
    message = parsed(EXAMPLE, retained=False)
    assert message is not None
    assert message == TagMessage(Standard.ISO14443, "1F2D3A4F5506C7")
    assert normalised(message.uid) == "1F2D3A4F5506C7"
    assert payload(message) == EXAMPLE


@pytest.mark.rule("B-271")
def test_a_retained_message_is_no_card() -> None:
    assert parsed(EXAMPLE, retained=True) is None


@pytest.mark.rule("B-271")
@pytest.mark.parametrize("standard", ["ISO14443", "ISO15693", "UNKNOWN"])
def test_the_standards(standard: str) -> None:
    message = parsed(f'["{standard}","00ff"]'.encode(), retained=False)
    assert message == TagMessage(Standard(standard), "00ff")


@pytest.mark.rule("B-271")
@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"1F2D",
        b'"1F2D"',
        b"{}",
        b"[]",
        b'["ISO14443"]',
        b'["ISO14443","1F","2D"]',
        b'["ISO18092","1F2D"]',
        b'["ISO14443",1234]',
        b'["ISO14443",null]',
        b'["ISO14443",""]',
        b'["ISO14443","1F:2D"]',
        b'["ISO14443","1F2"]',
        b'["ISO14443","1G"]',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_anything_else_is_no_card(message: bytes) -> None:
    assert parsed(message, retained=False) is None


@given(st.binary(max_size=60))
def test_whatever_comes_nothing_raises(message: bytes) -> None:
    tag = parsed(message, retained=False)
    assert tag is None or len(tag.uid) % 2 == 0
