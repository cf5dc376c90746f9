"""Metrics of meters: whether their readings can be trusted, and the readings. The label source is the meter's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nodes.metrics.family import Sample, Samples, counter, gauge
from park.model.electric import PHASE_NAMES
from park.model.metering import Quality
from park.view import MeterRow, ParkView

METER = ("node", "source")


def _each(value: Callable[[MeterRow], float | None]) -> Samples:
    def samples(view: ParkView) -> Iterator[Sample]:
        for row in view.meters:
            figure = value(row)
            if figure is not None:
                yield (row.node, row.name), figure

    return samples


def _qualities(view: ParkView) -> Iterator[Sample]:
    for row in view.meters:
        for quality in Quality:
            yield (row.node, row.name, quality.value), quality is row.quality


def _ages(view: ParkView) -> Iterator[Sample]:
    for row in view.meters:
        if row.taken is not None:
            yield (row.node, row.name), max(view.now.mono - row.taken, 0.0)


def _currents(view: ParkView) -> Iterator[Sample]:
    for row in view.meters:
        if row.currents_ma is not None:
            for name, current in zip(PHASE_NAMES, row.currents_ma, strict=True):
                yield (row.node, row.name, name), current / 1000


METERS = (
    gauge("meter_quality", "1 for the present quality, 0 for others.", (*METER, "state"), _qualities),
    gauge("meter_age_seconds", "Age of the newest good sample.", METER, _ages),
    gauge("meter_amperes", "Newest good current; negative is export.", (*METER, "phase"), _currents),
    gauge("meter_power_watts", "Newest good power; negative is export.", METER, _each(lambda row: row.power_w)),
    counter("meter_energy_watthours", "Import register.", METER, _each(lambda row: row.energy_wh)),
    counter("meter_poll_failures", "Polls without a usable answer.", METER, _each(lambda row: row.failures)),
)
