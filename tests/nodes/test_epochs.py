"""Whose voice is the newest: each incarnation of a coordinator speaks above all of before, and the disk knows it."""

from __future__ import annotations

from support.probe import Probe

from nodes.epochs import Incarnations
from park.load.report import EpochTaken
from park.load.state import CoordinatorSettings


def incarnations(epoch: int) -> tuple[Incarnations, Probe[EpochTaken]]:
    written: Probe[EpochTaken] = Probe()
    return Incarnations(CoordinatorSettings((), (), "s", epoch), written), written


def test_the_first_speaks_with_the_epoch_of_the_start_and_the_next_above_it() -> None:
    voices, written = incarnations(7)
    assert [voices.next().epoch for _ in range(3)] == [7, 8, 9]
    assert written.messages == [EpochTaken(8), EpochTaken(9)]


def test_the_next_speaks_above_what_the_one_before_took() -> None:
    voices, written = incarnations(7)
    voices.next()
    voices.tell(EpochTaken(12))
    assert voices.next().epoch == 13
    assert written.messages == [EpochTaken(12), EpochTaken(13)]
