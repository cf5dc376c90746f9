"""R15: an energy register that is reset, falls, rolls over or is missing never makes a session's energy negative."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from park.metering.meter import Meter, MeterSettings, step
from park.model.access import StopSession
from park.model.metering import Quality, ReadingTaken, Sample, SampleTaken
from park.model.session import StopReason
from tests.support.charge_point_harness import NAME, VOLTS, ChargePointHarness

AMPS_MA = 16_000
REGISTER_WH = 1_000_000  # six digits, as many meters have
FIRST_WH = 1_000  # what the harness begins with
NEARLY_FULL_WH = REGISTER_WH - FIRST_WH - 1_000
CAUTION_WH = 100  # what flows in the few polls after which a lower register is believed


class Metered(ChargePointHarness):
    """Its readings come by the meter's own step. `shift`: what the register shows beside the energy that flowed."""

    def __init__(self, shift: int = 0) -> None:
        self.shift, self.meter = shift, Meter(MeterSettings("cp1-meter"))
        super().__init__()

    def read_meter(self, quality: Quality = Quality.FRESH) -> None:
        name = self.state.settings.meter
        if name is None or not self.meter_works:
            return
        assert quality is Quality.FRESH
        self._settle_meter()
        drawn = self.drawn_ma()
        shown = max(0, int(self.energy) + self.shift) % REGISTER_WH
        sample = Sample((drawn, drawn, drawn), 3 * drawn * VOLTS // 1000, shown)
        self.meter, effects = step(self.meter, SampleTaken(name, sample, self.mono), self.now())
        for effect in effects:
            if isinstance(effect, ReadingTaken):
                self.send(effect)


def reset(park: Metered) -> None:
    park.shift = -int(park.energy)


def falls(park: Metered) -> None:
    park.shift = -500


def missing(park: Metered) -> None:
    park.lose_meter()


def rolls_over(_: Metered) -> None:
    """By itself."""


@pytest.mark.parametrize("trouble", [reset, falls, rolls_over, missing])
def test_r15_what_flowed_is_billed_whatever_the_register_shows(
    trouble: Callable[[Metered], None], record_property: Callable[[str, object], None]
) -> None:
    park = Metered(NEARLY_FULL_WH if trouble is rolls_over else 0)
    park.begin(AMPS_MA)
    park.advance(600)
    trouble(park)
    park.advance(600)
    park.send(StopSession(NAME, None, StopReason.LOCAL, "AA"))
    park.advance(60)
    [started], [ended] = park.started, park.ended
    flowed = int(park.energy) - FIRST_WH
    billed = ended.meter_stop_wh - started.meter_start_wh
    readings = [fact.sample.energy_wh for fact in park.metered]
    assert readings == sorted(readings)
    assert flowed - CAUTION_WH <= billed <= flowed
    record_property("figure", f"R15 register {trouble.__name__}: {billed} Wh billed of {flowed} Wh that flowed")
