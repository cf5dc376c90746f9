"""One meter: makes readings with a quality out of polls, says once when they are too old, keeps energy continuous.

A poll without a usable answer (silence, NaN, out of range, register gone back) is counted and discarded; the last
good reading holds until it is `stale_after` old. Then the quality is STALE or, when answers keep coming but cannot
be trusted, IMPLAUSIBLE: either way the load management stops believing the meter (safety, external load fallback).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from park.metering.plausibility import Continuity, follow, is_loaded, outside_rating
from park.metering.window import Window
from park.model.metering import MeterReported, PollFailed, Quality, ReadingTaken, Sample, SampleTaken
from park.model.signals import Start, Tick, WakeAt
from park.model.time import Now

MeterEvent: TypeAlias = Start | Tick | SampleTaken | PollFailed
MeterEffect: TypeAlias = ReadingTaken | MeterReported | WakeAt


class MeterSettings(Struct, frozen=True):
    """`stale_after`, `window`: seconds. `maximum_ma`: largest plausible current of a phase.

    `frozen_after`: so many identical answers under load mean a meter that stands still; 0 switches this off (a real
    meter's voltages and powers move at each poll, a simulated one may truly be constant).
    """

    name: str
    stale_after: float = 5.0
    window: float = 0.0
    maximum_ma: int = 120_000
    resolution_ma: int = 10
    frozen_after: int = 0


class Meter(Struct):
    """State of the meter actor. `good`: newest trusted sample, energy continuous; `raw`: newest answer as it came.

    A state never changes: each step makes a new one. It is not frozen because a frozen one takes twice as long to
    build, on the path of every poll.
    """

    settings: MeterSettings
    told: Quality | None = None  # quality of the newest reading; None: none was published yet
    good: Sample | None = None
    good_mono: float | None = None
    fresh_until: float | None = None  # mono; None until `Start`
    wake_at: float | None = None  # a `Tick` is asked for at this time
    window: Window = field(default_factory=Window)
    continuity: Continuity = field(default_factory=Continuity)
    raw: Sample | None = None
    raw_mono: float = float("-inf")
    repeats: int = 0  # times the newest answer came in a row
    failures: int = 0
    problem: str | None = None  # of the newest poll
    implausible: bool = False  # the newest poll had an answer, but not a usable one


def step(state: Meter, event: MeterEvent, now: Now) -> tuple[Meter, tuple[MeterEffect, ...]]:
    """Take in one event. Effects: at most one `ReadingTaken`, one `MeterReported` a poll, and a `WakeAt` if needed."""
    match event:
        case SampleTaken(_, sample, mono, None) if sample is not None:
            return _sampled(state, sample, mono, now)
        case SampleTaken():
            return _failed(state, event.problem or "the answer held no values", now, implausible=True)
        case PollFailed():
            return _failed(state, event.reason, now, implausible=False)
        case Start():
            return _awake(replace(state, fresh_until=now.mono + state.settings.stale_after), now)
        case Tick():
            return _ticked(state, now)
        case _:
            assert_never(event)


def _sampled(state: Meter, sample: Sample, mono: float, now: Now) -> tuple[Meter, tuple[MeterEffect, ...]]:
    if mono <= state.raw_mono:  # an answer that was overtaken by a newer one
        return state, ()
    settings = state.settings
    repeats = state.repeats + 1 if settings.frozen_after and _says_the_same(sample, state.raw) else 1
    continuity = state.continuity
    problem = outside_rating(sample, settings.maximum_ma)
    if problem is None and 0 < settings.frozen_after <= repeats and is_loaded(sample):
        problem = f"{repeats} identical answers under load: the meter stands still"
    if problem is None:
        continuity, problem = follow(continuity, sample.energy_wh, mono, settings.maximum_ma)
    if problem is not None:
        state = replace(state, raw=sample, raw_mono=mono, repeats=repeats, continuity=continuity)
        return _failed(state, problem, now, implausible=True)
    return _accepted(state, sample, mono, repeats, continuity, now)


def _says_the_same(sample: Sample, before: Sample | None) -> bool:
    """A meter that stands still may go on signing."""
    return before is not None and replace(sample, signed=None) == replace(before, signed=None)


def _accepted(
    state: Meter, raw: Sample, mono: float, repeats: int, continuity: Continuity, now: Now
) -> tuple[Meter, tuple[MeterEffect, ...]]:
    """The one hot path of metering (a message a second and meter): everything is built once, not by `replace`."""
    settings = state.settings
    sample = replace(raw, energy_wh=raw.energy_wh + continuity.offset_wh) if continuity.offset_wh else raw
    fresh_until = mono + settings.stale_after
    quality = Quality.FRESH if now.mono < fresh_until else Quality.STALE  # the message itself was late
    window, average = state.window, sample.currents_ma
    if settings.window > 0.0:
        before = window if state.told is Quality.FRESH else Window()
        window = before.added(mono, sample.currents_ma, settings.window)
        average = window.mean()
    wanted = state.wake_at is None and quality is Quality.FRESH
    accepted = Meter(
        settings,
        quality,
        sample,
        mono,
        fresh_until,
        fresh_until if wanted else state.wake_at,
        window,
        continuity,
        raw,
        mono,
        repeats,
        state.failures,
    )
    reading = ReadingTaken(
        settings.name,
        quality,
        sample,
        average if quality is Quality.FRESH else None,
        mono,
        _wall_at(mono, now),
        settings.resolution_ma,
    )
    report = MeterReported(settings.name, quality, sample, mono, state.failures, None)
    return accepted, (reading, report, WakeAt(fresh_until)) if wanted else (reading, report)


def _failed(state: Meter, problem: str, now: Now, *, implausible: bool) -> tuple[Meter, tuple[MeterEffect, ...]]:
    state = replace(state, failures=state.failures + 1, problem=problem, implausible=implausible)
    state, changed = _aged(state, now)
    return _awake(state, now, *changed, _report(state))


def _ticked(state: Meter, now: Now) -> tuple[Meter, tuple[MeterEffect, ...]]:
    """Usually the meter was read since the tick was asked for: it is asked for again."""
    if state.wake_at is not None and now.mono >= state.wake_at:
        state = _waking(state, None)
    state, changed = _aged(state, now)
    report = (_report(state),) if changed else ()
    return _awake(state, now, *changed, *report)


def _aged(state: Meter, now: Now) -> tuple[Meter, tuple[ReadingTaken, ...]]:
    """A reading when the quality ends or changes, once."""
    if state.fresh_until is None or now.mono < state.fresh_until:
        return state, ()
    quality = Quality.IMPLAUSIBLE if state.implausible else Quality.STALE
    if quality is state.told:
        return state, ()
    state = replace(state, told=quality, window=Window())
    return state, (_reading(state, now.mono, now.wall),)


def _awake(state: Meter, now: Now, *effects: MeterEffect) -> tuple[Meter, tuple[MeterEffect, ...]]:
    """Ask for a tick at the end of freshness, unless one is under way: it is then asked for again."""
    if state.wake_at is not None or state.fresh_until is None or state.fresh_until <= now.mono:
        return state, effects
    return _waking(state, state.fresh_until), (*effects, WakeAt(state.fresh_until))


def _waking(state: Meter, at: float | None) -> Meter:
    """The same state with another `wake_at`, spelled out because `replace` takes eight times as long."""
    return Meter(
        state.settings,
        state.told,
        state.good,
        state.good_mono,
        state.fresh_until,
        at,
        state.window,
        state.continuity,
        state.raw,
        state.raw_mono,
        state.repeats,
        state.failures,
        state.problem,
        state.implausible,
    )


def _reading(state: Meter, mono: float, wall: datetime) -> ReadingTaken:
    """Of a meter that is not fresh."""
    settings = state.settings
    return ReadingTaken(
        settings.name, state.told or Quality.STALE, state.good, None, mono, wall, settings.resolution_ma
    )


def _report(state: Meter) -> MeterReported:
    quality = state.told or Quality.STALE
    return MeterReported(state.settings.name, quality, state.good, state.good_mono, state.failures, state.problem)


def _wall_at(mono: float, now: Now) -> datetime:
    return now.wall if mono == now.mono else now.wall - timedelta(seconds=now.mono - mono)
