from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli import ROOT, chargepark
from support.simulation import BOARD, MORNING

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "morning.toml"
    text = MORNING.read_text().replace("hours = 1.5", "hours = 0.2")
    path.write_text(text.replace('board = "one_board.toml"', f'board = "{BOARD}"'))
    return path


def test_a_picture_is_written_and_the_outcome_told(scenario: Path, tmp_path: Path):
    picture = tmp_path / "morning.png"
    done = chargepark("simulate", str(scenario), "--seed", "7", "--plot", str(picture))
    assert (done.returncode, done.stderr) == (0, "")
    assert "one board, one morning, seed 7\n  0.2 h in " in done.stdout
    assert done.stdout.endswith("no promise broken: S1 S2 S3 S4 S5 D1\n")
    content = picture.read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert content.startswith(PNG)
    assert (width, height) >= (1000, 600)


def test_a_picture_that_could_not_be_written_is_refused_before_the_run(scenario: Path, tmp_path: Path):
    done = chargepark("simulate", str(scenario), "--plot", str(tmp_path / "none/morning.png"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no directory" in done.stderr


def test_a_directory_is_no_picture(scenario: Path, tmp_path: Path):
    done = chargepark("simulate", str(scenario), "--plot", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert str(tmp_path) in done.stderr


def test_without_the_extra_the_error_says_how_to_install_it(scenario: Path):
    program = "import sys; sys.modules['matplotlib'] = None; from nodes.cli import main; main()"
    command = [sys.executable, "-W", "error", "-c", program, "simulate", str(scenario), "--plot", "day.png"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "chargepark: --plot needs matplotlib, which is an extra: pip install 'chargepark[plot]'\n"
