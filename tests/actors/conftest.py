"""Every runtime test that can runs in all three worlds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.worlds import WORLDS, Stage, stage

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=WORLDS)
def stage_(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """One world after the other."""
    staged = stage(request.param)
    yield staged
    staged.close()
