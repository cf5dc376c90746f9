"""What a node has built is not looked through again by the collector of cycles."""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest

from nodes import interpreter


@pytest.fixture
def thawed() -> Generator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("thawed")
def test_what_is_there_when_a_node_begins_to_run_is_collected_no_more() -> None:
    kept = [object() for _ in range(3)]
    gc.unfreeze()  # a node that ran in this process before
    interpreter.settle()
    assert gc.get_freeze_count() > 1_000
    assert not any(each is kept for each in gc.get_objects())


@pytest.mark.usefixtures("thawed")
def test_readings_and_frames_are_gone_before_the_collector_looks_for_them() -> None:
    interpreter.settle()
    looks: list[str] = []
    gc.callbacks.append(lambda phase, _: looks.append(phase))
    try:
        kept = [[number] for number in range(interpreter.YOUNG // 2)]
    finally:
        gc.callbacks.pop()
    assert len(kept) > len(looks) == 0
