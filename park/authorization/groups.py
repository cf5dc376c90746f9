"""A card of the same group ends a session: both have the same parent tag (OCPP 1.6 §4.8, §7.27)."""

from __future__ import annotations

from park.authorization import readers
from park.authorization.deciding import asked, obeyed, parent_of, show, without
from park.authorization.id_tags import same_tag
from park.authorization.settings import Mode, ReaderSettings
from park.authorization.state import Authorizer, Claim, Question, Stepped
from park.model.access import BackendAuthorized, Feedback, OccupancyChanged, StopSession, Verdict
from park.model.session import StopReason
from park.model.time import Now


def wished(state: Authorizer, reader: ReaderSettings, id_tag: str, now: Now) -> Stepped | None:
    """What a card does that means no charge point by itself: end the session of its group; None: nothing.

    Of several sessions the newest vehicle's. A card whose group is not known here is asked about.
    """
    if not (state.settings.stop_with_card and reader.stop_with_card):
        return None
    grouped = [point for point in readers.served(state, reader) if _group_at(state, point) is not None]
    plugged = sorted((point for point in grouped if point.plugged_since is not None), key=_since)
    if not plugged:
        return None
    parent = parent_of(state, id_tag)
    if parent is not None:
        mine = [point for point in plugged if same_tag(parent, _group_at(state, point))]
        return _ended(state, mine[-1].charge_point, id_tag, (reader.name,), now) if mine else None
    if state.settings.mode is not Mode.BACKEND or state.online is False:
        return None
    point = plugged[-1]
    return asked(state, Claim(id_tag, point.charge_point, point.plugged_since, (reader.name,), stops=True), now)


def answered(state: Authorizer, question: Question, answer: BackendAuthorized, now: Now) -> Stepped:
    """The backend's word on the card; that of another group does nothing here."""
    state, claim = without(state, question), question.claim
    if answer.verdict is not Verdict.ACCEPTED:
        return state, show(claim.readers, Feedback.REFUSED)
    point = state.occupancies.get(claim.charge_point)
    group = None if point is None else _group_at(state, point)
    if group is None or answer.parent_tag is None or not same_tag(answer.parent_tag, group):
        return state, show(claim.readers, Feedback.IGNORED)
    return _ended(state, claim.charge_point, claim.id_tag, claim.readers, now)


def _group_at(state: Authorizer, point: OccupancyChanged) -> str | None:
    """The group of the session there; None: no session, or no group that is known."""
    if point.session_tag is None:
        return None
    tag, parent = state.groups.get(point.charge_point, ("", ""))
    return parent if same_tag(tag, point.session_tag) else parent_of(state, point.session_tag)


def _ended(state: Authorizer, charge_point: str, id_tag: str, shown_at: tuple[str, ...], now: Now) -> Stepped:
    stop = StopSession(charge_point, None, StopReason.LOCAL, id_tag)
    return obeyed(state, id_tag, charge_point, now.mono), (stop, *show(shown_at, Feedback.ACCEPTED))


def _since(point: OccupancyChanged) -> float:
    return point.plugged_since or 0.0
