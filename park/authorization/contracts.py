"""A contract shown by a vehicle: its eMAID is judged like the id tag of a card, at the point it is plugged into."""

from __future__ import annotations

import re

from park.authorization import routing
from park.authorization.deciding import decided, show, spoken_for
from park.authorization.state import Authorizer, Claim, Stepped
from park.model.access import Feedback
from park.model.contract import ContractPresented
from park.model.time import Now

EMAID = re.compile(r"[A-Z]{2}[A-Z0-9]{12,13}")  # ISO 15118-2 annex H: country, provider, instance, check digit or none


def presented(state: Authorizer, event: ContractPresented, now: Now) -> Stepped:
    """Refused where Plug & Charge is off or the eMAID is none; what nobody checked is never decided here."""
    emaid = plain(event.emaid)
    point = state.occupancies.get(event.charge_point)
    if not state.settings.contracts or EMAID.fullmatch(emaid) is None:
        return state, show((event.reader,), Feedback.REFUSED)
    if point is None or not routing.waits(point) or point.charge_point in spoken_for(state):
        return state, show((event.reader,), Feedback.IGNORED)
    claim = Claim(emaid, point.charge_point, point.plugged_since, (event.reader,), contract=event.contract)
    return decided(state, claim, now)


def plain(emaid: str) -> str:
    """An eMAID as an id tag: hyphens mean nothing, and it is not case sensitive (ISO 15118-2 annex H)."""
    return emaid.replace("-", "").upper()
