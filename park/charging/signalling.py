"""What the control pilot is told to offer, refreshed with every renewed grant, and what the electronics confirmed."""

from __future__ import annotations

import math

from msgspec import Struct
from msgspec.structs import replace

from park.charging.lease import FOREVER
from park.charging.settings import ChargePointSettings
from park.model.electric import MINIMUM_CURRENT_MA, Phases
from park.model.evse import PilotOutput, Signal

STANDING_SECONDS = 86_400.0  # validity of an offer that equals its own lapse current: the deadman changes nothing
RAISE_INTERVAL_SECONDS = 5.0  # safety §2: the pilot changes upward at most every 5 s
CONFIRM_SECONDS = 2.0  # an offer not read back by then is sent again: the command was lost


class Offer(Struct, frozen=True):
    """What may be offered now. `until`: mono at which `amps_ma` ends and `lapse_ma` holds; +inf: it stands."""

    output: PilotOutput
    amps_ma: int
    lapse_ma: int
    until: float = FOREVER
    phases: Phases = (1, 2, 3)


class Signalling(Struct, frozen=True):
    """`offer`: as sent last, None before the first. `fence`: (epoch, sequence) of the newest grant it obeys.

    `token`: of the newest `Signal`. `changed_at`: mono of the newest change of the current. `confirmed`: read back.
    """

    offer: Offer | None = None
    fence: tuple[int, int] = (0, 0)
    token: int = 0
    sent_at: float = -math.inf
    changed_at: float = -math.inf
    confirmed: bool = False
    confirmed_fence: tuple[int, int] = (0, 0)

    @property
    def amps_ma(self) -> int:
        return 0 if self.offer is None else self.offer.amps_ma


def station_limit_ma(settings: ChargePointSettings, cable_ma: int | None, temperature_c: float | None) -> int:
    """Smallest of cable, station, operator and temperature limits; 0 while the cable is unknown."""
    limit = min(settings.maximum_ma, settings.operator_ma, cable_ma or 0)
    if settings.temperature_limit_ma is not None and temperature_c is not None:
        limit = min(limit, settings.temperature_limit_ma(temperature_c))
    return max(limit, 0)


def shaped(amps_ma: int, limit_ma: int, settings: ChargePointSettings) -> int:
    """A current the hardware can signal: 0 or within [minimum, limit], rounded down (S5, B-263, B-341)."""
    current = min(amps_ma, limit_ma)
    current -= current % settings.traits.resolution_ma
    return current if current >= max(settings.minimum_ma, MINIMUM_CURRENT_MA) else 0


def pwm(amps_ma: int, lapse_ma: int, until: float, phases: Phases) -> Offer:
    """An offer to a vehicle that may charge; 0 mA is a pause, pilot 100 %."""
    output = PilotOutput.PWM if amps_ma else PilotOutput.IDLE
    return Offer(output, amps_ma, lapse_ma, until if amps_ma != lapse_ma else FOREVER, phases)


def settle(signalling: Signalling, offer: Offer, fence: tuple[int, int], mono: float) -> tuple[Signalling, bool]:
    """Next state, and whether it is to be sent. Decreases at once, raises after the interval, lost commands again.

    A renewed grant moves `offer.until`, so the device's deadman is refreshed. A standing offer only takes the fence.
    """
    offer = _held_back(signalling, offer, mono)
    sent = signalling.offer
    believed = signalling.confirmed or mono < signalling.sent_at + CONFIRM_SECONDS
    if believed and sent is not None and offer == sent:
        return _fenced(signalling, fence), False
    changed = sent is None or offer.amps_ma != sent.amps_ma
    return Signalling(
        offer=offer,
        fence=fence,
        token=signalling.token + 1,
        sent_at=mono,
        changed_at=mono if changed and sent is not None else signalling.changed_at,
        confirmed=False,
        confirmed_fence=signalling.confirmed_fence,
    ), True


def command(signalling: Signalling, charge_point: str, mono: float) -> Signal | None:
    """The driver's command for the newest offer."""
    offer = signalling.offer
    if offer is None:
        return None
    valid_for = STANDING_SECONDS if offer.until == FOREVER else max(0.0, offer.until - mono)
    return Signal(
        charge_point=charge_point,
        output=offer.output,
        amps_ma=offer.amps_ma,
        phases=offer.phases,
        valid_for=valid_for,
        lapse_ma=offer.lapse_ma,
        token=signalling.token,
        until=mono + valid_for,
    )


def heard(signalling: Signalling, token: int) -> Signalling:
    """The electronics reported the token in effect. One beyond ours is of an earlier life: count on from there."""
    if token > signalling.token:
        return replace(signalling, token=token)
    if token == signalling.token and signalling.offer is not None and not signalling.confirmed:
        return replace(signalling, confirmed=True, confirmed_fence=signalling.fence)
    return signalling


def forgotten(signalling: Signalling) -> Signalling:
    """The electronics restarted or were away: the newest offer is to be sent again."""
    return replace(signalling, confirmed=False, sent_at=-math.inf)


def deadlines(signalling: Signalling) -> tuple[float, ...]:
    """When something may be due by itself: the end of the offer, a raise held back, a missing confirmation."""
    sent = signalling.offer
    if sent is None:
        return ()
    return (
        sent.until,
        signalling.changed_at + RAISE_INTERVAL_SECONDS,
        math.inf if signalling.confirmed else signalling.sent_at + CONFIRM_SECONDS,
    )


def _fenced(signalling: Signalling, fence: tuple[int, int]) -> Signalling:
    if fence == signalling.fence:
        return signalling
    confirmed_fence = fence if signalling.confirmed else signalling.confirmed_fence
    return replace(signalling, fence=fence, confirmed_fence=confirmed_fence)


def _held_back(signalling: Signalling, offer: Offer, mono: float) -> Offer:
    """The offer with a raise that comes too early replaced by the current in effect, or by nothing."""
    sent = signalling.offer
    if sent is None or offer.amps_ma <= sent.amps_ma or mono >= signalling.changed_at + RAISE_INTERVAL_SECONDS:
        return offer
    return pwm(sent.amps_ma, offer.lapse_ma, offer.until, offer.phases)
