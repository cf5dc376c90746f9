"""Reading configuration files: whatever lies at the path, the answer is a configuration or a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodes.config_files import LARGEST_FILE, read_config, read_text
from park.errors import ConfigurationInvalid

EXAMPLE = Path(__file__).parents[2] / "examples/single.toml"


def refusal(path: Path) -> str:
    with pytest.raises(ConfigurationInvalid) as caught:
        read_config(path)
    (finding,) = caught.value.findings
    assert finding.startswith(f"{path}: ")
    return finding


def test_an_example_is_read():
    assert read_config(EXAMPLE).node.name == "garage-1"


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path):
    marked = tmp_path / "marked.toml"
    marked.write_bytes(b"\xef\xbb\xbf" + EXAMPLE.read_bytes())
    assert read_config(marked) == read_config(EXAMPLE)


def test_a_missing_file_says_so(tmp_path: Path):
    assert "there is no such file; check the path" in refusal(tmp_path / "no.toml")


def test_a_directory_says_so(tmp_path: Path):
    assert "is a directory" in refusal(tmp_path)


def test_bytes_that_are_not_utf_8_are_named_by_their_place(tmp_path: Path):
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'[node]\nname = "Stra\xdfe"\n')
    assert "byte 19 is not UTF-8; save the file as UTF-8" in refusal(latin)


def test_a_path_with_nul_is_refused():
    assert "null byte" in refusal(Path("a\0b"))


def test_a_huge_file_is_not_read(tmp_path: Path):
    huge = tmp_path / "huge.toml"
    with huge.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    assert "more than" in refusal(huge)


def test_text_is_returned_as_it_is(tmp_path: Path):
    plain = tmp_path / "plain.toml"
    plain.write_text("ä = 1\n", encoding="utf-8")
    assert read_text(plain) == "ä = 1\n"
