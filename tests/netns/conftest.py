"""`lab`: hosts on a bridge of their own; where namespaces cannot be made the test is skipped, with CI=true it fails."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from support.netns import Lab, LabUnusable


@pytest.fixture
def lab() -> Iterator[Lab]:
    try:
        made = Lab()
    except LabUnusable as unusable:
        if os.environ.get("CI") == "true":
            pytest.fail(str(unusable), pytrace=False)
        pytest.skip(str(unusable))
    with made:
        yield made
