"""Autocharge: a vehicle is judged by its MAC like a card; where it cannot tell one, by a configured id tag (B-063)."""

from __future__ import annotations

import re

from park.authorization import routing
from park.authorization.deciding import decided, show, spoken_for
from park.authorization.settings import Autocharge, AutochargeMode
from park.authorization.state import Authorizer, Claim, Stepped
from park.model.access import Feedback, OccupancyChanged
from park.model.alarm import Alarm
from park.model.autocharge import VehicleIdentified
from park.model.time import Now

_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-]?)(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}")
_GROUP_BIT = 0x01  # IEEE 802 §8.2: of the first octet; such an address, broadcast among them, is nobody's own


def identified(state: Authorizer, event: VehicleIdentified, now: Now) -> Stepped:
    """Ignored while Autocharge is off, or the charge point waits for nobody: a card that came first wins.

    What is no MAC of a vehicle is refused, with an alarm, and never becomes the configured id tag.
    """
    autocharge = state.settings.autocharge
    point = _waiting(state, event.charge_point)
    if autocharge.mode is AutochargeMode.OFF or point is None:
        return state, show((event.reader,), Feedback.IGNORED)
    if event.mac is not None and (wrong := _why_none(event.mac)):
        return state, (_alarm(event.charge_point, wrong), *show((event.reader,), Feedback.REFUSED))
    id_tag = _id_tag(autocharge, event.mac)
    if not id_tag:
        return state, show((event.reader,), Feedback.IGNORED)
    return decided(state, Claim(id_tag, point.charge_point, point.plugged_since, (event.reader,)), now)


def _waiting(state: Authorizer, charge_point: str) -> OccupancyChanged | None:
    """The charge point, if its vehicle waits for a card that could be for it."""
    point = state.occupancies.get(charge_point)
    if point is None or not routing.waits(point) or charge_point in spoken_for(state):
        return None
    return point


def _id_tag(autocharge: Autocharge, mac: str | None) -> str:
    """Empty: there is none for a vehicle that cannot."""
    if mac is not None:
        return autocharge.prefix + _digits(mac)
    return autocharge.fixed_id if autocharge.mode is AutochargeMode.FIXED_ID else ""


def _digits(mac: str) -> str:
    return mac.replace(":", "").replace("-", "").upper()


def _why_none(mac: str) -> str:
    """Why this is no MAC of a vehicle; empty: it is one. The text does not repeat it: it may be somebody's."""
    if _MAC.fullmatch(mac) is None:
        return "is not six pairs of hexadecimal digits"
    value = bytes.fromhex(_digits(mac))
    if not any(value):
        return "is all zeros"
    return "is a group address" if value[0] & _GROUP_BIT else ""


def _alarm(charge_point: str, wrong: str) -> Alarm:
    text = (
        f"the MAC that the vehicle at {charge_point} told {wrong}: it was refused; "
        "a card still works there, and if other vehicles fail too, look after the charge point's power line modem"
    )
    return Alarm(f"autocharge-{charge_point}", text)
