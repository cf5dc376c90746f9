"""The grant in force: what is taken, what is signalled, what happens when it ends."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from park.charging import signalling
from park.charging.lease import boot_lease, refusal, take
from park.charging.report import ChargePointReported
from park.charging.settings import ChargePointSettings
from park.model.access import ConnectorStatus
from park.model.demand import CurrentSignalled, DemandChanged
from park.model.evse import EvseTraits, PilotOutput, SetContactor, Signal
from park.model.grant import Grant, Reason, Stamp
from park.model.signals import Start
from tests.support.charge_point_harness import BOOT, NAME, ChargePointHarness, settings

COARSE = EvseTraits(has_deadman=True, resolution_ma=1_000, switchable_phases=False, has_lock=True)


def grant(
    amps_ma: int = 16_000, sequence: int = 1, epoch: int = 1, server: str = "server", mono: float = 100.0
) -> Grant:
    stamp = Stamp("garage-1", BOOT, mono)
    return Grant(NAME, amps_ma, (1, 2, 3), epoch, server, sequence, 10.0, 6_000, stamp)


@pytest.mark.parametrize(
    ("offered", "words"),
    [
        (grant(epoch=2, sequence=9), "epoch 2 is older than 3"),
        (grant(epoch=3, sequence=5), "sequence 5 is not newer than 5"),
        (grant(epoch=3, sequence=4), "sequence 4 is not newer than 5"),
        (grant(epoch=3, sequence=9, server="other"), "belongs to server server, not other"),
        (grant(epoch=3, sequence=9, mono=89.0), "ran out before it came"),
        (grant(epoch=3, sequence=9, mono=math.nan), "not a time"),
        (grant(epoch=3, sequence=6), None),
        (grant(epoch=4, sequence=1, server="other"), None),
    ],
)
def test_which_grants_are_refused(offered: Grant, words: str | None) -> None:
    config = settings()
    held = take(boot_lease(config), grant(epoch=3, sequence=5), config, 100.0)
    reason = refusal(held, offered, config, 100.0)
    assert reason is None if words is None else words in (reason or "")


def test_grants_of_another_boot_or_point_are_refused() -> None:
    config = settings()
    start = boot_lease(config)
    other_boot = Grant(NAME, 16_000, (1,), 1, "s", 1, 10.0, 0, Stamp("garage-1", "boot-0", 100.0))
    other_point = Grant("garage-1/cp2", 16_000, (1,), 1, "s", 1, 10.0, 0, Stamp("garage-1", BOOT, 100.0))
    assert "boot boot-0" in (take(start, other_boot, config, 100.0).refused or "")
    assert "garage-1/cp2" in (take(start, other_point, config, 100.0).refused or "")


def test_a_stamp_from_the_future_cannot_stretch_a_grant() -> None:
    config = settings()
    held = take(boot_lease(config), grant(mono=500.0), config, 100.0)
    assert held.allows(109.9) == 16_000
    assert held.allows(110.0) == 6_000


def test_the_lapse_current_never_exceeds_the_configured_fallback() -> None:
    config = settings(fallback_ma=6_000)
    offered = Grant(NAME, 16_000, (1,), 1, "s", 1, 10.0, 32_000, Stamp("garage-1", BOOT, 100.0))
    assert take(boot_lease(config), offered, config, 100.0).lapse_ma == 6_000


@pytest.mark.rule("B-263")
@pytest.mark.rule("B-341")
@pytest.mark.parametrize(
    ("granted", "config", "ohms", "signalled"),
    [
        (16_000, {}, 220.0, 16_000),
        (16_050, {}, 220.0, 16_000),
        (15_999, {"traits": COARSE}, 220.0, 15_000),
        (40_000, {}, 220.0, 32_000),
        (40_000, {"maximum_ma": 63_000}, 100.0, 40_000),
        (40_000, {}, 680.0, 20_000),
        (40_000, {}, 1_500.0, 13_000),
        (40_000, {"maximum_ma": 10_000}, 220.0, 10_000),
        (5_999, {}, 220.0, 0),
        (6_000, {}, 220.0, 6_000),
        (7_500, {"minimum_ma": 8_000}, 220.0, 0),
        (8_000, {"minimum_ma": 8_000}, 220.0, 8_000),
        (-3, {}, 220.0, 0),
        (0, {}, 220.0, 0),
    ],
)
def test_what_is_signalled_for_a_grant(granted: int, config: dict[str, object], ohms: float, signalled: int) -> None:
    park = ChargePointHarness(settings(**config))
    park.plug(ohms)
    park.authorize()
    park.grant(granted)
    signal = park.last(Signal)
    assert signal.amps_ma == signalled
    assert (signal.output is PilotOutput.PWM) == (signalled > 0)


def test_the_smaller_cable_also_bounds_the_lapse_current() -> None:
    park = ChargePointHarness(settings(fallback_ma=16_000))
    park.plug(1_500.0)
    park.authorize()
    park.grant(16_000, lapse_ma=16_000)
    assert park.last(Signal).lapse_ma == 13_000


def test_a_temperature_limit_lowers_the_current_at_once() -> None:
    park = ChargePointHarness(settings(temperature_limit_ma=lambda celsius: 10_000 if celsius > 60 else 32_000))
    park.begin(16_000)
    park.electronics.temperature_c = 70.0
    park.report_changes()
    assert park.electronics.amps_ma == 10_000
    assert park.last(DemandChanged).maximum_ma == 10_000


@pytest.mark.rule("B-342")
def test_a_grant_that_is_not_renewed_falls_to_the_lapse_current() -> None:
    park = ChargePointHarness()
    park.begin(16_000)
    park.keep_granting(None)
    park.grant(16_000)
    park.advance(9.9)
    assert park.electronics.amps_ma == 16_000
    park.advance(0.2)
    assert park.electronics.amps_ma == 6_000
    shown = park.last(ChargePointReported).grant
    assert shown is not None
    assert (shown.amps_ma, shown.reason[0].limit) == (6_000, "lapse")
    park.advance(3_600)
    assert park.electronics.amps_ma == 6_000
    assert park.status is ConnectorStatus.CHARGING


def test_the_node_lapses_by_itself_without_a_deadman() -> None:
    park = ChargePointHarness()
    park.begin(16_000)
    park.keep_granting(None)
    park.grant(16_000)
    park.electronics.expires = math.inf
    park.advance(10.0)
    assert park.last(Signal).amps_ma == 6_000


@pytest.mark.rule("B-269")
def test_before_the_first_grant_the_boot_current_holds() -> None:
    park = ChargePointHarness(settings(boot_ma=8_000))
    park.plug()
    park.authorize()
    assert park.last(Signal).amps_ma == 8_000
    assert park.last(CurrentSignalled).sequence == 0


def test_every_renewal_refreshes_the_deadman() -> None:
    park = ChargePointHarness()
    park.begin(16_000)
    before = park.last(Signal)
    park.advance(0.5)
    park.grant(16_000)
    after = park.last(Signal)
    assert after.token == before.token + 1
    assert (after.valid_for, after.lapse_ma) == (10.0, 6_000)


def test_validity_counts_from_the_stamp_on_the_boards_clock() -> None:
    park = ChargePointHarness()
    park.begin(16_000)
    park.grant(16_000, stamp=Stamp("garage-1", BOOT, park.mono - 4.0))
    assert park.last(Signal).valid_for == pytest.approx(6.0)


def test_a_standing_offer_is_not_repeated_for_renewals() -> None:
    park = ChargePointHarness()
    park.grant(0)
    park.grant(0)
    assert len(park.effects(Signal)) == 1
    assert (park.last(CurrentSignalled).epoch, park.last(CurrentSignalled).sequence) == (1, 2)


def test_decreases_go_at_once_and_raises_after_five_seconds() -> None:
    park = ChargePointHarness()
    park.begin(16_000)
    park.keep_granting(None)
    park.grant(10_000)
    assert park.electronics.amps_ma == 10_000
    park.advance(1)
    park.grant(20_000)
    assert park.electronics.amps_ma == 10_000
    park.advance(1)
    park.grant(8_000)
    assert park.electronics.amps_ma == 8_000
    park.grant(20_000)
    park.advance(4.9)
    assert park.electronics.amps_ma == 8_000
    park.advance(0.2)
    assert park.electronics.amps_ma == 20_000


@pytest.mark.rule("B-263")
def test_a_pause_is_pilot_100_percent_and_the_contactor_opens_when_the_car_does_not_let_go() -> None:
    park = ChargePointHarness()
    park.begin(16_000)
    park.electronics.follows = False
    park.keep_granting(5_000)
    assert park.electronics.output is PilotOutput.IDLE
    park.advance(2.9)
    assert park.electronics.closed
    park.advance(0.2)
    assert not park.electronics.closed
    assert park.status is ConnectorStatus.SUSPENDED_EVSE


@pytest.mark.rule("B-263")
def test_by_setting_a_pause_leaves_the_contactor_alone() -> None:
    park = ChargePointHarness(settings(open_contactor_on_pause=False))
    park.begin(16_000)
    park.electronics.follows = False
    park.keep_granting(0)
    park.advance(30)
    assert park.electronics.closed


def test_confirmation_comes_from_the_electronics_only() -> None:
    park = ChargePointHarness()
    park.begin(16_000)
    park.connected = False  # commands and reports are lost, the driver does not know yet
    park.keep_granting(None)
    park.grant(10_000)
    confirmed = park.last(CurrentSignalled)
    assert (confirmed.amps_ma, confirmed.sequence) == (16_000, park.sequence - 1)
    park.connected = True
    park.advance(2.1)
    confirmed = park.last(CurrentSignalled)
    assert (confirmed.amps_ma, confirmed.sequence) == (10_000, park.sequence)


def test_a_tripped_deadman_is_told_without_claiming_the_newest_grant() -> None:
    park = ChargePointHarness()
    park.begin(16_000)
    park.electronics.expires = park.mono
    park.electronics.pass_time(park.mono)
    park.report_changes()
    confirmed = park.last(CurrentSignalled)
    assert confirmed.amps_ma == 6_000


def test_the_told_lapse_is_the_higher_of_device_and_lease() -> None:
    park = ChargePointHarness()
    park.grant(0, lapse_ma=6_000)
    assert park.electronics.lapse_ma == 0
    assert park.last(CurrentSignalled).lapse_ma == 6_000


def test_tokens_go_on_from_an_earlier_life() -> None:
    park = ChargePointHarness(start=False)
    park.electronics.token = 57
    park.send(Start())
    assert park.last(Signal).token == 58


def test_the_reason_chain_is_shown() -> None:
    park = ChargePointHarness()
    park.begin(16_000)
    shown = park.last(ChargePointReported).grant
    assert shown is not None
    assert (shown.amps_ma, shown.reason) == (16_000, (Reason("fuse", "grid"),))


def test_a_refused_grant_is_shown() -> None:
    park = ChargePointHarness()
    park.grant(16_000, epoch=0)
    park.grant(16_000, epoch=5)
    park.grant(16_000, epoch=4)
    assert "older" in (park.last(ChargePointReported).refused_grant or "")


def test_demand_is_told_when_the_card_was_accepted_at_a_plugged_vehicle() -> None:
    park = ChargePointHarness()
    park.authorize()
    assert not park.last(DemandChanged).wants
    park.plug()
    demand = park.last(DemandChanged)
    assert (demand.wants, demand.drawing, demand.maximum_ma, demand.minimum_ma) == (True, False, 32_000, 6_000)
    park.keep_granting(16_000)
    park.advance(2)
    assert park.last(DemandChanged).drawing
    assert park.last(DemandChanged).since == demand.since


def test_a_cable_below_the_minimum_wants_nothing() -> None:
    park = ChargePointHarness(settings(minimum_ma=16_000))
    park.plug(1_500.0)
    park.authorize()
    park.keep_granting(16_000)
    park.advance(2)
    assert not park.last(DemandChanged).wants
    assert park.electronics.amps_ma == 0
    assert not park.times(SetContactor, closed=True)


@given(
    amps_ma=st.integers(-1_000, 100_000),
    limit_ma=st.integers(0, 80_000),
    minimum_ma=st.integers(6_000, 16_000),
    resolution_ma=st.sampled_from([100, 1_000]),
)
def test_s5_a_shaped_current_is_zero_or_between_minimum_and_limit(
    amps_ma: int, limit_ma: int, minimum_ma: int, resolution_ma: int
) -> None:
    traits = EvseTraits(has_deadman=True, resolution_ma=resolution_ma, switchable_phases=False, has_lock=True)
    config: ChargePointSettings = settings(minimum_ma=minimum_ma, traits=traits)
    shaped = signalling.shaped(amps_ma, limit_ma, config)
    assert shaped == 0 or minimum_ma <= shaped <= min(amps_ma, limit_ma)
    assert shaped % resolution_ma == 0
