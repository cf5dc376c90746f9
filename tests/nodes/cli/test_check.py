import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cli import ROOT, Finished, chargepark

Spoil = Callable[..., Finished]
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))


@pytest.fixture
def single(tmp_path: Path) -> Spoil:
    """A correct file that a test may spoil: a function that replaces text and checks it."""
    path = tmp_path / "single.toml"
    shutil.copy(ROOT / "examples/single.toml", path)

    def spoiled(*replacements: tuple[str, str]) -> Finished:
        text = path.read_text()
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
        return chargepark("check", str(path))

    return spoiled


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_fine(path: Path):
    done = chargepark("check", str(path))

    assert (done.returncode, done.stderr) == (0, "")
    assert f"{path}: fine: " in done.stdout


def test_the_summary_tells_addresses_reaction_bounds_and_warnings(single: Spoil):
    done = single(("headroom_amps = 1", "headroom_amps = 0"))

    assert done.returncode == 0
    assert "listens for energy on 127.0.0.1:7071" in done.stdout
    assert "longest overload after coordinator restart: 16.5 s" in done.stdout
    assert "warning: circuit grid: the limit equals a nominal fuse size (63 A)" in done.stdout


def test_every_finding_is_told_with_file_key_and_remedy(single: Spoil):
    done = single(('role = "single"', 'role = "sigle"'), ("poll_seconds = 1", "poll_secs = 1"))

    assert done.returncode == 2
    assert done.stdout == ""
    assert "single.toml: node.role: is 'sigle', must be one of" in done.stderr
    assert "did you mean 'single'?" in done.stderr
    assert "poll_secs: is not a known key; did you mean 'poll_seconds'?" in done.stderr
    assert all(line.startswith("chargepark: ") for line in done.stderr.splitlines())


def test_boot_currents_above_the_fuse_are_refused(single: Spoil):
    done = single(("limit_amps = [63, 63, 63]", "limit_amps = [24, 24, 24]"))

    assert done.returncode == 2
    assert (
        "circuit grid L1: lapse (fallback) currents 12 A + external fallback 20 A exceed the limit 24 A" in done.stderr
    )


def test_all_files_are_checked_even_when_the_first_is_wrong(tmp_path: Path):
    done = chargepark("check", str(tmp_path / "no.toml"), str(ROOT / "examples/single.toml"))

    assert done.returncode == 2
    assert "single.toml: fine" in done.stdout
    assert "no.toml: there is no such file" in done.stderr


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 5000, b"[node", b"node = 1", b"\x00"])
def test_garbage_is_refused_without_a_traceback(tmp_path: Path, content: bytes):
    path = tmp_path / "garbage.toml"
    path.write_bytes(content)
    done = chargepark("check", str(path))

    assert done.returncode == 2
    assert "garbage.toml: " in done.stderr
    assert "Traceback" not in done.stderr
