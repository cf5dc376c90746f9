"""The run of many random parks goes on where it was stopped."""

import pickle
from pathlib import Path

from msgspec.structs import replace

from tools.soak import run

MINUTES = 0.05


def test_a_park_that_was_run_is_not_run_again(tmp_path: Path) -> None:
    shown = tmp_path / "commit"
    first = run(3, MINUTES, shown)
    (kept,) = shown.iterdir()
    kept.write_bytes(pickle.dumps(replace(first, digest="of the first run")))
    assert run(3, MINUTES, shown).digest == "of the first run"
    assert run(4, MINUTES, shown).seed == 4
    assert run(3, MINUTES).digest == first.digest != ""
