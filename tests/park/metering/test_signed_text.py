"""Texts in registers: what a meter signed, as it lies there and as it is read in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from park.exchange.crossing import reading_as, without_record
from park.metering.decoding import decode_text, encode_text
from park.metering.register_map import TextPlace
from park.model.metering import Quality, ReadingTaken, Sample, Signed
from tests.support.station import WALL

PLACE = TextPlace(0x400, 300)
LARGEST_READ = 80


@given(text=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=PLACE.most))
def test_a_text_is_read_in_as_many_pieces_as_it_needs(text: str) -> None:
    contents = encode_text(PLACE, text)
    registers: list[int] = []
    found: str | None = None
    for block in PLACE.reads(LARGEST_READ):
        assert block.count <= LARGEST_READ
        registers += [contents.get(address, 0) for address in range(block.address, block.address + block.count)]
        found = decode_text(PLACE, registers)
        if found is not None:
            break
    assert found == text
    assert len(registers) - LARGEST_READ < 1 + (len(text) + 1) // 2


@given(registers=st.lists(st.integers(0, 0xFFFF), max_size=200))
def test_garbage_is_no_text_and_harms_nobody(registers: list[int]) -> None:
    found = decode_text(PLACE, registers)
    assert found is None or (found.isascii() and len(found) == registers[0])


def test_a_text_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="301 characters where 300 fit"):
        encode_text(PLACE, "x" * 301)


def test_of_a_reading_only_the_key_crosses_to_the_server() -> None:
    sample = Sample((0, 0, 0), 0, 7, signed=Signed("OCMF|{}|{}", "3059"))
    reading = ReadingTaken("m", Quality.FRESH, sample, None, 1.0, WALL)
    crossed = reading_as(reading, "board/m", 2.0)
    assert crossed.sample == Sample((0, 0, 0), 0, 7, signed=Signed("", "3059"))
    assert without_record(crossed.sample) is crossed.sample
