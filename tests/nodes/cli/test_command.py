import re
import subprocess

import pytest

from nodes.cli import COMMANDS
from tests.support.cli import COMMAND, ENVIRONMENT, ROOT, chargepark


def test_the_version_is_told():
    done = chargepark("--version")

    assert done.returncode == 0
    assert re.fullmatch(r"chargepark (\d+\.\d+\.\d+\S*|unknown)\n", done.stdout)


@pytest.mark.parametrize("arguments", [("status", "--no-such-option"), ("check",)])
def test_wrong_use_is_exit_2_without_a_traceback(arguments: tuple[str, ...]):
    done = chargepark(*arguments)

    assert done.returncode == 2
    assert "Usage" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("more", [("day.toml",), ("--hours", "9"), ("--plot", "day.png")])
def test_what_goes_with_a_scenario_alone_is_refused_beside_random_parks(more: tuple[str, ...]):
    done = chargepark("simulate", "--park", *more)

    assert (done.returncode, done.stdout) == (2, "")
    assert "goes with a scenario" in done.stderr


def test_help_names_every_command():
    done = chargepark("--help")

    assert (done.returncode, done.stderr) == (0, "")
    for name in COMMANDS:
        assert re.search(rf"^\W*{name}\b", done.stdout, re.MULTILINE)


def test_an_unknown_command_is_exit_2():
    done = chargepark("frobnicate")

    assert done.returncode == 2
    assert "frobnicate" in done.stderr


def test_as_a_process_it_ends_with_the_same_code():
    done = subprocess.run(
        [*COMMAND, "check", "no-such-file.toml"], capture_output=True, text=True, check=False, cwd=ROOT, env=ENVIRONMENT
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("chargepark: no-such-file.toml: there is no such file")
