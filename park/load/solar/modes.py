"""The modes that operators and energy managers gave one circuit: the strictest of all in force holds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeAlias

from msgspec import Struct

from park.load.limits import SOURCES
from park.model.limit import LimitKind
from park.model.solar import SolarMode

Voice: TypeAlias = tuple[LimitKind, str]
"""Kind and source: whose word it is."""

STRICTNESS = {mode: number for number, mode in enumerate(SolarMode)}


class Word(Struct, frozen=True):
    """A mode somebody gave. `until`: mono of its end, `seconds`: its validity as given; None: until told otherwise.

    `unsure`: the machine was restarted, and it may have run out: no looser than the configuration then.
    """

    kind: LimitKind
    source: str
    mode: SolarMode
    until: float | None = None
    seconds: float | None = None
    unsure: bool = False

    @property
    def voice(self) -> Voice:
        return (self.kind, self.source)


class Modes:
    """Mutable. `configured`: what holds while nobody has said otherwise."""

    __slots__ = ("_words", "configured")

    def __init__(self, configured: SolarMode) -> None:
        self.configured = configured
        self._words: dict[Voice, Word] = {}

    def holds(self) -> tuple[SolarMode, Word | None]:
        """The mode in force, and whose word it is; None: the configuration's."""
        if not self._words:
            return self.configured, None
        word = min(self.words(), key=lambda each: STRICTNESS[self._means(each)])  # of equal ones the first
        return self._means(word), word

    def words(self) -> Iterator[Word]:
        """All in force, in the order of their names."""
        yield from sorted(self._words.values(), key=lambda word: voice_order(word.voice))

    def has_room(self, voice: Voice) -> bool:
        """Whether this source has said something, or may (B-264)."""
        return voice in self._words or sum(kind is voice[0] for kind, _ in self._words) < SOURCES

    def say(self, word: Word) -> None:
        """Replaces what the same source said before."""
        self._words[word.voice] = word

    def unsay(self, voice: Voice) -> bool:
        """False: it has said nothing."""
        return self._words.pop(voice, None) is not None

    def expire(self, now: float) -> list[Word]:
        """End what ran out."""
        over = [word for word in self.words() if word.until is not None and now >= word.until]
        for word in over:
            self.unsay(word.voice)
        return over

    def next_end(self) -> float:
        """Mono at which the next one runs out."""
        return min((word.until for word in self._words.values() if word.until is not None), default=math.inf)

    def _means(self, word: Word) -> SolarMode:
        return min(word.mode, self.configured, key=STRICTNESS.__getitem__) if word.unsure else word.mode


def voice_order(voice: Voice) -> tuple[str, str]:
    """To sort by."""
    return (voice[0].value, voice[1])
