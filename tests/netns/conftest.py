"""`lab`: hosts on a bridge of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.netns import Lab, lab_or_skip


@pytest.fixture
def lab() -> Iterator[Lab]:
    with lab_or_skip() as made:
        yield made
