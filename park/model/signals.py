"""The two messages every actor knows: it began, and time passed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Start:
    """First message to every incarnation of an actor; devices and stores are asked for their levels on it."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed: compare every deadline of the state with now."""


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Effect: send a `Tick` at `mono` seconds or soon after."""

    mono: float
