"""One bench process for all tests of a module; they leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.bench_process import Rig, running_bench


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_bench(tmp_path_factory.mktemp("bench")) as running:
        yield running
