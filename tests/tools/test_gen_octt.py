"""The page that says which test covers which case of the compliance testing tool."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.gen_octt import Case, read_tests, render

CASES = [
    Case("TC_003", "Start", "Plugin First", ""),
    Case("TC_004", "Start", "Identification First", ""),
    Case("TC_032_1", "Power", "Before Going Down", "there is no backup supply"),
]
FILE = '''"""TC_003_CS Plugin First."""

@hardware("socket", "cable")
def test_it(case): ...
'''


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)


def test_a_case_its_file_and_its_variants(tmp_path: Path) -> None:
    write(tmp_path, "test_tc_003_plugin_first.py", FILE)
    page = render(CASES, read_tests(tmp_path))
    file = "test_tc_003_plugin_first.py"
    assert f"| TC_003 | Plugin First | [{file}](../tests/octt/{file}) | socket, cable |" in page
    assert "3 cases, 1 of them not applicable; 1 have a test." in page
    assert "* TC_032_1 Before Going Down: there is no backup supply." in page
    assert page.endswith("## Without a test\n\n* TC_004 Identification First\n")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("test_tc_003_twice.py", FILE),
        ("test_tc_004_plugin_first.py", FILE),
        ("test_tc_005_unknown.py", '"""TC_005_CS Unknown."""'),
        ("test_tc_032_1_down.py", '"""TC_032_1_CS Before Going Down."""'),
        ("test_tc_004_nothing.py", ""),
    ],
    ids=["two files", "another name", "no case", "does not apply", "no title"],
)
def test_a_file_that_fits_no_case_is_named(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path, "test_tc_003_plugin_first.py", FILE)
    write(tmp_path, name, text)
    with pytest.raises(ValueError, match=name):
        render(CASES, read_tests(tmp_path))
