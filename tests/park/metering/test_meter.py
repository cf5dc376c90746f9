"""The meter's step: quality and age, plausibility, energy that never goes back, the average."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from park.metering.meter import Meter, MeterEffect, MeterEvent, MeterSettings, step
from park.model.metering import MeterReported, PollFailed, Quality, ReadingTaken, Sample, SampleTaken
from park.model.signals import Start, Tick, WakeAt
from park.model.time import Now

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SAMPLE = Sample((10_000, 8_000, 6_000), 5_520, 1_000, (230_000, 230_000, 230_000), 50_000)


class Driven:
    """A meter whose ticks come when it asked for them; `readings` and `reports` keep what it published."""

    def __init__(self, **changes: float) -> None:
        self.state = Meter(MeterSettings("grid", **changes))  # pyright: ignore[reportArgumentType]
        self.mono = 0.0
        self.readings: list[ReadingTaken] = []
        self.reports: list[MeterReported] = []
        self.wakes: list[float] = []
        self.tell(Start())

    def tell(self, event: MeterEvent) -> tuple[MeterEffect, ...]:
        self.state, effects = step(self.state, event, Now(self.mono, NOON + timedelta(seconds=self.mono)))
        self.readings += [each for each in effects if isinstance(each, ReadingTaken)]
        self.reports += [each for each in effects if isinstance(each, MeterReported)]
        self.wakes += [each.mono for each in effects if isinstance(each, WakeAt)]
        return effects

    def at(self, mono: float) -> None:
        """Let time pass, with the ticks that were asked for."""
        while self.wakes and min(self.wakes) <= mono:
            self.mono = min(self.wakes)
            self.wakes.remove(self.mono)
            self.tell(Tick())
        self.mono = mono

    def sample(self, mono: float, sample: Sample = SAMPLE, problem: str | None = None) -> None:
        self.at(mono)
        self.tell(SampleTaken("grid", None if problem else sample, mono, problem))

    def fail(self, mono: float) -> None:
        self.at(mono)
        self.tell(PollFailed("grid", "no answer within 1 s", mono))

    @property
    def qualities(self) -> list[Quality]:
        return [reading.quality for reading in self.readings]


def test_a_sample_becomes_a_fresh_reading_with_the_time_it_was_taken():
    meter = Driven()
    meter.at(2.5)
    meter.tell(SampleTaken("grid", SAMPLE, 2.0))
    (reading,) = meter.readings
    assert reading == ReadingTaken(
        "grid", Quality.FRESH, SAMPLE, SAMPLE.currents_ma, 2.0, NOON + timedelta(seconds=2), 10
    )


@pytest.mark.rule("B-227")
@pytest.mark.parametrize("stale_after", [2.0, 5.0, 10.0])
def test_a_silent_meter_is_stale_once_at_its_deadline(stale_after: float):
    meter = Driven(stale_after=stale_after)
    meter.sample(1.0)
    for second in range(2, int(stale_after) + 1):
        meter.fail(float(second))
    meter.at(stale_after + 0.9)
    assert meter.qualities == [Quality.FRESH]
    meter.at(60.0)
    assert meter.qualities == [Quality.FRESH, Quality.STALE]
    stale = meter.readings[-1]
    assert (stale.sample, stale.average_ma, stale.mono) == (SAMPLE, None, 1.0 + stale_after)


def test_one_lost_poll_changes_nothing():
    meter = Driven()
    meter.sample(1.0)
    meter.fail(2.0)
    meter.sample(3.0)
    meter.at(7.9)
    assert meter.qualities == [Quality.FRESH, Quality.FRESH]
    assert meter.reports[-1].failures == 1
    assert meter.reports[1].problem == "no answer within 1 s"


def test_a_meter_that_never_answers_is_stale_once_without_a_sample():
    meter = Driven()
    for second in range(1, 30):
        meter.fail(float(second))
    assert [(each.quality, each.sample, each.mono) for each in meter.readings] == [(Quality.STALE, None, 5.0)]


def test_a_stale_meter_that_answers_again_is_fresh_and_forgets_its_average():
    meter = Driven(window=100.0)
    meter.sample(1.0)
    meter.at(20.0)
    meter.sample(21.0, replace(SAMPLE, currents_ma=(0, 0, 0)))
    assert meter.qualities == [Quality.FRESH, Quality.STALE, Quality.FRESH]
    assert meter.readings[-1].average_ma == (0, 0, 0)


def test_a_sample_that_comes_too_late_is_not_fresh():
    meter = Driven()
    meter.at(30.0)
    meter.tell(SampleTaken("grid", SAMPLE, 10.0))
    assert meter.qualities[-1] is Quality.STALE


def test_an_overtaken_sample_is_ignored():
    meter = Driven()
    meter.sample(3.0)
    assert meter.tell(SampleTaken("grid", replace(SAMPLE, power_w=1), 2.0)) == ()


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (replace(SAMPLE, currents_ma=(10_000_000, 0, 0)), "L1 is 10000 A"),
        (replace(SAMPLE, currents_ma=(0, 0, -121_000)), "L3 is -121 A"),
        (replace(SAMPLE, power_w=5_520_000), "power is 5520000 W"),
        (replace(SAMPLE, energy_wh=-1), "energy register"),
        (replace(SAMPLE, energy_wh=999), "went from 1000 Wh to 999 Wh"),
        (replace(SAMPLE, energy_wh=1_000_000), "went from 1000 Wh to 1000000 Wh"),
    ],
)
def test_an_implausible_answer_is_discarded_and_the_last_good_one_holds_until_it_is_stale(sample: Sample, words: str):
    meter = Driven(stale_after=5.0)
    meter.sample(1.0)
    meter.sample(2.0, sample)
    assert meter.qualities == [Quality.FRESH]
    assert words in (meter.reports[-1].problem or "")
    assert meter.reports[-1].sample == SAMPLE
    meter.sample(3.0)
    assert meter.qualities == [Quality.FRESH, Quality.FRESH]


def test_answers_that_stay_implausible_make_the_meter_implausible_at_the_deadline():
    meter = Driven(stale_after=5.0)
    meter.sample(1.0)
    for second in range(2, 20):
        meter.sample(float(second), problem="current_l1_ma is nan")
    assert meter.qualities == [Quality.FRESH, Quality.IMPLAUSIBLE]
    assert meter.readings[-1].mono == 6.0
    assert meter.reports[-1].failures == 18


def test_an_implausible_meter_that_falls_silent_is_stale():
    meter = Driven(stale_after=5.0)
    meter.sample(1.0, problem="current_l1_ma is nan")
    meter.at(6.0)
    meter.fail(7.0)
    assert meter.qualities == [Quality.IMPLAUSIBLE, Quality.STALE]


def test_a_register_that_was_reset_goes_on_from_the_last_good_value():
    """R15: never negative energy, last valid value used."""
    meter = Driven()
    meter.sample(1.0, replace(SAMPLE, energy_wh=5_000))
    for second, energy in ((2.0, 0), (3.0, 2), (4.0, 4), (5.0, 6), (6.0, 8)):
        meter.sample(second, replace(SAMPLE, energy_wh=energy))
    energies = [reading.sample.energy_wh for reading in meter.readings if reading.sample]
    assert energies == [5_000, 5_000, 5_002, 5_004]
    assert set(meter.qualities) == {Quality.FRESH}


def test_one_misread_register_is_no_reset():
    meter = Driven()
    for second, energy in ((1.0, 5_000), (2.0, 7), (3.0, 5_001), (4.0, 9), (5.0, 5_002), (6.0, 11), (7.0, 5_003)):
        meter.sample(second, replace(SAMPLE, energy_wh=energy))
    assert [reading.sample.energy_wh for reading in meter.readings if reading.sample] == [5_000, 5_001, 5_002, 5_003]


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 50_000)), max_size=60))
def test_published_energy_never_goes_back(polls: list[tuple[int, int]]):
    meter = Driven()
    mono = 0.0
    for pause, energy in polls:
        mono += pause
        meter.sample(mono, replace(SAMPLE, energy_wh=energy))
    energies = [reading.sample.energy_wh for reading in meter.readings if reading.sample]
    assert energies == sorted(energies)


def test_a_meter_that_stands_still_under_load_is_found_when_asked_for():
    meter = Driven(frozen_after=30, stale_after=5.0)
    for second in range(1, 40):
        meter.sample(float(second))
    assert meter.qualities.count(Quality.FRESH) == 29
    assert meter.qualities[-1] is Quality.IMPLAUSIBLE
    meter.sample(41.0, replace(SAMPLE, voltages_mv=(230_010, 230_000, 230_000)))
    assert meter.qualities[-1] is Quality.FRESH


@pytest.mark.parametrize(
    ("settings", "sample"), [({}, SAMPLE), ({"frozen_after": 30}, replace(SAMPLE, currents_ma=(9, 0, 0)))]
)
def test_a_steady_meter_is_believed_unless_it_is_loaded_and_watched(settings: dict[str, int], sample: Sample):
    meter = Driven(**settings)
    for second in range(1, 100):
        meter.sample(float(second), sample)
    assert set(meter.qualities) == {Quality.FRESH}


@pytest.mark.rule("B-089")
def test_the_average_is_of_the_configured_seconds_and_rounded_towards_load():
    meter = Driven(window=3.0)
    for second, current in ((1.0, 3_000), (2.0, 6_000), (3.0, 9_000), (4.0, 12_000), (5.0, 12_001)):
        meter.sample(second, replace(SAMPLE, currents_ma=(current, -current, 0)))
    assert [reading.average_ma for reading in meter.readings] == [
        (3_000, -3_000, 0),
        (4_500, -4_500, 0),
        (6_000, -6_000, 0),
        (9_000, -9_000, 0),
        (11_001, -11_000, 0),
    ]


@given(
    st.lists(st.tuples(st.floats(0.1, 20), st.integers(-100_000, 100_000)), min_size=1, max_size=40), st.floats(0, 30)
)
def test_the_running_average_is_the_mean_of_its_window(polls: list[tuple[float, int]], window: float):
    meter = Driven(window=window, stale_after=1_000.0)
    taken: list[tuple[float, int]] = []
    mono = 0.0
    for pause, current in polls:
        mono += pause
        taken.append((mono, current))
        meter.sample(mono, replace(SAMPLE, currents_ma=(current, 0, 0)))
        inside = [each for at, each in taken[:-1] if at > mono - window] + [current]
        average = meter.readings[-1].average_ma
        assert average is not None
        assert average[0] == -(-sum(inside) // len(inside))


POLLS = st.lists(
    st.tuples(
        st.floats(0.0, 8.0),
        st.one_of(
            st.just(Tick()),
            st.just("fail"),
            st.just("problem"),
            st.builds(
                Sample,
                st.tuples(*[st.integers(-200_000, 200_000)] * 3),
                st.integers(-200_000, 200_000),
                st.integers(-5, 2_000_000),
            ),
        ),
    ),
    max_size=50,
)


@given(POLLS)
def test_whatever_comes_a_reading_is_fresh_only_within_its_time_and_staleness_is_told_once(
    polls: list[tuple[float, object]],
):
    meter = Driven(stale_after=5.0)
    mono = 0.0
    for pause, event in polls:
        mono += pause
        if isinstance(event, Sample):
            meter.sample(mono, event)
        elif event == "problem":
            meter.sample(mono, problem="nan")
        elif event == "fail":
            meter.fail(mono)
        else:
            meter.at(mono)
            meter.tell(Tick())
        if meter.state.told is Quality.FRESH:
            assert meter.state.good_mono is not None
            assert meter.mono < meter.state.good_mono + 5.0
    meter.at(mono + 100)
    assert meter.qualities[-1] is not Quality.FRESH
    for before, after in zip(meter.qualities, meter.qualities[1:], strict=False):
        assert before is Quality.FRESH or before is not after
