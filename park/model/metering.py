"""Meter samples and the readings made of them: values with a quality and an age."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import ClassVar

from msgspec import Struct

from park.model.delivery import Delivery
from park.model.electric import PerPhase


class Quality(Enum):
    FRESH = "fresh"
    STALE = "stale"  # older than the configured time, or none yet
    IMPLAUSIBLE = "implausible"  # out of range, NaN, or going backwards


class Signed(Struct, frozen=True):
    """What a meter says of its import register under its own signature: evidence for a bill (calibration law).

    `record`: OCMF, character by character as the meter gave it; empty: it is not carried here. `key`: the public key
    it is checked with, the hexadecimal DER of X.509's SubjectPublicKeyInfo.
    """

    record: str
    key: str


class Sample(Struct, frozen=True):
    """One poll of a meter. Currents signed (negative = export), mA; energy is the import register.

    `signed`: of the same poll, where the meter signs; its register is the meter's own, whatever `energy_wh` continues.
    """

    currents_ma: PerPhase
    power_w: int
    energy_wh: int
    voltages_mv: PerPhase | None = None
    frequency_mhz: int | None = None
    signed: Signed | None = None


class SampleTaken(Struct, frozen=True):
    """From the meter edge, once a poll. `mono`: when the answer arrived. `problem`: why not to trust the values."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    meter: str
    sample: Sample | None
    mono: float
    problem: str | None = None


class PollFailed(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.STATE

    meter: str
    reason: str
    mono: float


class ReadingTaken(Struct, frozen=True):
    """What a meter actor publishes: after each poll, and once when the quality changes.

    `sample` is the newest good one (None: never had one); `mono`/`wall` say when it was taken, or when the
    quality changed. `resolution_ma`: smallest step of the meter's current.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    meter: str
    quality: Quality
    sample: Sample | None
    average_ma: PerPhase | None  # over the configured window; None when not fresh
    mono: float
    wall: datetime
    resolution_ma: int = 10


class MeterReported(Struct, frozen=True):
    """Meter → park view, after every poll. `mono` of the newest good sample (None: never had one) gives its age.

    `failures`: polls without a usable answer since the actor began; `problem`: why the newest one was not usable.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    meter: str
    quality: Quality
    sample: Sample | None
    mono: float | None
    failures: int
    problem: str | None
