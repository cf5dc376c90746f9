"""The step of the OCPP central system actor: one CALL in flight, transactions in order, everything else beside them."""

from __future__ import annotations

from typing import TypeAlias, assert_never

from msgspec.structs import replace

from park.exchange.messages import BoardHere
from park.model.access import (
    AuthorizeWithBackend,
    BackendAuthorized,
    ConnectorStatusChanged,
    Done,
    Refused,
    RepeatSettings,
    Undeliverable,
    Verdict,
)
from park.model.alarm import Alarm
from park.model.contract import CertificateStatusWanted, ContractQuestion, EvCertificateWanted
from park.model.limit import InputChanged
from park.model.metering import Quality, ReadingTaken
from park.model.session import (
    FactDelivered,
    FactOffered,
    FactsHeld,
    FactsKnown,
    FactTaken,
    SessionMetered,
    SessionStarted,
)
from park.model.signals import RepeatLevels, Start, Tick, WakeAt
from park.model.storage import CommitFailed, Committed, RowsLoaded
from park.model.time import Now
from park.ocpp import (
    answers,
    closing,
    commands,
    connecting,
    delivery,
    intake,
    maintaining,
    outgoing,
    owed_resets,
    queue,
    rolling,
)
from park.ocpp.effects import BackendReported, CentralSystemEffect, Load, Write
from park.ocpp.features import (
    all_features,
    configuration,
    dating,
    input_notices,
    local_services,
    meter_keys,
    plug_and_charge,
    reservation,
    transaction_data,
)
from park.ocpp.features.plug_and_charge import CENTRAL
from park.ocpp.link import BackendCalled, CallAnswered, CallFailed, LinkEvent, LinkLost, LinkUp, LossCause, ReportLink
from park.ocpp.maintenance import (
    CertificateExpires,
    CertificatesAnswered,
    FirmwareFetched,
    FirmwareInstalled,
    FirmwareVerified,
    LogUploaded,
    MaintenanceEvent,
    SignerChecked,
    SigningRequestMade,
    TrustKnown,
)
from park.ocpp.messages import Reading
from park.ocpp.missed import missing
from park.ocpp.notices import noticed
from park.ocpp.orders import ChangeSetting, ListSettings, RestoreDefaults
from park.ocpp.plug_and_charge import asking
from park.ocpp.rows import TABLES
from park.ocpp.services import ServiceAttached, ServiceEvent, ServiceLeft, TransferAnswered, TransferWanted
from park.ocpp.state import (
    AuthorizeCall,
    CentralSystem,
    IntakeCommit,
    SettleCommit,
)
from park.ocpp.wire import ID_TAG_LENGTH
from park.rolling.messages import BoardFirmware

OFFERED_EARLY = 1_000  # facts kept until the rows are there; the journal offers the others again
LOAD_AGAIN_SECONDS = 15.0  # ours: ask the store again when it did not answer; a day's outage takes seconds to read

CentralSystemEvent: TypeAlias = (
    Start
    | Tick
    | RowsLoaded
    | Committed
    | CommitFailed
    | FactOffered
    | FactsHeld
    | ConnectorStatusChanged
    | RepeatSettings
    | ReadingTaken
    | AuthorizeWithBackend
    | Done
    | Refused
    | Undeliverable
    | ChangeSetting
    | ListSettings
    | RestoreDefaults
    | InputChanged
    | LinkEvent
    | MaintenanceEvent
    | BoardFirmware
    | BoardHere
    | ServiceEvent
    | ContractQuestion
)
Turn: TypeAlias = tuple[CentralSystem, tuple[CentralSystemEffect, ...]]


def step(state: CentralSystem, event: CentralSystemEvent, now: Now) -> Turn:
    """Take the event, let deadlines pass, write and send what is due, report what changed."""
    # Each second from each meter, and nothing is due because of it.
    if type(event) is ReadingTaken and state.readings and not meter_keys.is_news(state, event):
        _note_reading(state, event)
        return state, ()
    state, effects = _take(state, event, now)
    for then in (_expire, _settle_features, outgoing.pump, _close_left, _write, _wake):
        state, more = then(state, now)
        effects += more
    state, report = _report(state)
    return state, effects + report


def _take(state: CentralSystem, event: CentralSystemEvent, now: Now) -> Turn:  # noqa: C901 - a flat union
    match event:
        case Start():
            state, effects = _load(replace(state, began=now.mono), now)
            return state, (ReportLink(), RepeatLevels(), *effects)
        case Tick():  # while it was pending, later ones were not taken: `_wake` asks anew
            return replace(state, wake_at=None), ()
        case RowsLoaded():
            return _loaded(state, event, now)
        case Committed(token):
            return _committed(state, token, now)
        case CommitFailed(token, reason):
            return _commit_failed(state, token, reason, now)
        case FactOffered():
            return _offered(state, event, now)
        case FactsHeld():
            return _held(state, event)
        case ConnectorStatusChanged():
            return _status_changed(state, noticed(event, state.values), now)
        case RepeatSettings(point):
            return state, _repeated(state, point)
        case ReadingTaken():
            meter_keys.noted(state, event)
            _note_reading(state, event)
            return state, ()
        case AuthorizeWithBackend():
            return _authorize(state, event, now)
        case Done() | Refused() | Undeliverable():
            return commands.command_answered(state, event)
        case ChangeSetting():
            return configuration.ordered(state, event, now)
        case InputChanged():
            return input_notices.heard(state, event)
        case RestoreDefaults():
            return configuration.restored(state, event)
        case ListSettings():
            return configuration.listed(state, event)
        case LinkUp(link):
            return _link_up(state, link, now)
        case LinkLost():
            return connecting.lost(state, event, now)
        case CallAnswered(unique_id, payload):
            return answers.answered(_traffic(state, now), unique_id, payload, now)
        case CallFailed(unique_id, code, description):
            return answers.failed(_traffic(state, now), unique_id, f"{code}: {description}", now)
        case BackendCalled():
            return commands.called(_traffic(state, now), event, now)
        case (
            LogUploaded()
            | FirmwareFetched()
            | FirmwareVerified()
            | SignerChecked()
            | FirmwareInstalled()
            | CertificatesAnswered()
            | CertificateExpires()
            | SigningRequestMade()
            | TrustKnown()
        ):
            return maintaining.told(state, event, now)
        case ServiceAttached() | ServiceLeft() | TransferAnswered() | TransferWanted():
            return local_services.told(state, event)
        case EvCertificateWanted() | CertificateStatusWanted():
            return plug_and_charge.asked(state, event)
        case BoardFirmware():
            return rolling.heard(state, event, now), ()
        case BoardHere():
            return owed_resets.heard(state, event, now), ()
        case _:
            assert_never(event)


def _traffic(state: CentralSystem, now: Now) -> CentralSystem:
    return replace(state, last_traffic=now.mono)


def _load(state: CentralSystem, now: Now) -> Turn:
    return replace(state, load_again_at=now.mono + LOAD_AGAIN_SECONDS), (Load((*TABLES, *all_features.TABLES)),)


def _loaded(state: CentralSystem, event: RowsLoaded, now: Now) -> Turn:
    if state.loaded:
        return state, ()
    waiting, alarms = queue.load(state.settings.identity, event.rows)
    state, loaded = all_features.load(replace(state, queue=waiting), event.rows, now)
    effects: list[CentralSystemEffect] = [*alarms, *loaded, *waiting.transactions.assigned()]
    statuses = state.statuses.with_station(now.wall, now.mono)
    early = state.offered_early
    left = closing.left_open(waiting, state.settings.charge_points, state.settings.journal)
    state = replace(state, loaded=True, statuses=statuses, offered_early=(), left=left)
    for offered in early:
        state, more = _offered(state, offered, now)
        effects += more
    for held in state.held_early:
        state, more = _held(state, held)
        effects += more
    return replace(state, held_early=()), tuple(effects)


def _held(state: CentralSystem, held: FactsHeld) -> Turn:
    if not state.settings.enabled:  # whose facts they are stands in them
        return state, tuple(FactsKnown(held.journal, session, -1, -1, None) for session in held.sessions)
    if not state.loaded:
        return replace(state, held_early=(*state.held_early, held)[-OFFERED_EARLY:]), ()
    return state, tuple(intake.known(state.queue, held.journal, session) for session in held.sessions)


def _repeated(state: CentralSystem, point: str) -> tuple[CentralSystemEffect, ...]:
    """For a charge point that began anew: what `_loaded` tells all of them, if that was before."""
    if not state.loaded:
        return ()
    return (*all_features.repeat(state, point), *state.queue.transactions.assigned(point))


def _committed(state: CentralSystem, token: int, now: Now) -> Turn:
    purpose = state.commits.get(token)
    state = replace(state, commits={key: value for key, value in state.commits.items() if key != token})
    match purpose:
        case IntakeCommit():
            waiting, told = intake.committed(state.queue)
            return replace(state, queue=waiting), told
        case SettleCommit():
            waiting, outcome = delivery.settled(state.queue)
            return replace(state, queue=waiting), outcome
        case None:
            return state, ()
        case _:
            return purpose.stored(state, now, on_disk=True)


def _commit_failed(state: CentralSystem, token: int, reason: str, now: Now) -> Turn:
    purpose = state.commits.get(token)
    state = replace(state, commits={key: value for key, value in state.commits.items() if key != token})
    alarm = Alarm(
        "ocpp-store-failed", f"the OCPP queue cannot be written ({reason}): free the disk; nothing is lost yet"
    )
    match purpose:
        case IntakeCommit():
            close_at = now.mono + delivery.RETRY_COMMIT_SECONDS
            return replace(state, queue=intake.refused(state.queue), close_at=close_at), (alarm,)
        case SettleCommit():
            return replace(state, queue=delivery.unsettled(state.queue, now)), (alarm,)
        case None:
            return state, ()
        case _:
            state, effects = purpose.stored(state, now, on_disk=False)
            return state, (*effects, alarm)


def _offered(state: CentralSystem, event: FactOffered, now: Now) -> Turn:
    if not state.settings.enabled:
        if _is_unplaced(state, event):
            return state, (_unplaced(event),)
        return state, (FactTaken(event.id), FactDelivered(event.id, None))
    if not state.loaded:
        return replace(state, offered_early=(*state.offered_early, event)[-OFFERED_EARLY:]), ()
    event = dating.arrived(state, event, now)
    fact = event.fact
    state = owed_resets.noted(state, fact, now)
    if fact.session in state.left:  # its journal offers it again when the end is on disk
        return state, ()
    if _is_unplaced(state, event) and not queue.is_known(state.queue, fact.session):
        return state, (_unplaced(event),)
    predecessor = closing.succeeded(state.queue, event)
    if predecessor is not None:
        closing.close(state.queue, predecessor)
    if queue.is_late(state.queue, event):
        waiting, told = intake.offer(state.queue, event, now)
        return replace(state, queue=waiting), told
    if isinstance(fact, SessionMetered):
        state.readings[fact.connector] = Reading(fact.sample, fact.offered_ma, fact.at)
    waiting, told = intake.offer(state.queue, event, now)
    state = replace(state, queue=waiting)
    state, more = reservation.used(state, fact) if isinstance(fact, SessionStarted) else (state, ())
    return state, (*told, *more)


def _status_changed(state: CentralSystem, event: ConnectorStatusChanged, now: Now) -> Turn:
    line = state.statuses.lines.get(event.connector)
    state = replace(missing(state, event), statuses=state.statuses.changed(event, now.mono))
    return reservation.failed(state, None if line is None else line.current.status, event)


def _is_unplaced(state: CentralSystem, event: FactOffered) -> bool:
    """Of a board's charge point that is not in the configuration; this node's own journal is always heard."""
    placed = state.settings.charge_points
    return placed is not None and event.fact.charge_point not in placed and event.id.journal != state.settings.journal


def _unplaced(event: FactOffered) -> Alarm:
    point = event.fact.charge_point
    text = (
        f"session facts of {point} are offered, which the server has no [[placement]] for; they stay on the board: "
        "place it again to have them delivered"
    )
    return Alarm(f"facts-unplaced-{point}", text)


def _close_left(state: CentralSystem, now: Now) -> Turn:
    """The backend would keep the session of a charge point that left open for ever (D1)."""
    if not state.left:
        return state, ()
    found = (state.queue.transactions.get(session) for session in state.left)
    running = [known for known in found if known is not None and not known.ended]
    if now.mono >= state.close_at:
        for known in running:
            closing.close(state.queue, known)
        state = replace(state, close_at=now.mono + delivery.RETRY_COMMIT_SECONDS)
    return replace(state, left=frozenset(known.session for known in running)), ()


def _note_reading(state: CentralSystem, event: ReadingTaken) -> None:
    connector = state.settings.meters.get(event.meter)
    if connector is None or event.sample is None or event.quality is not Quality.FRESH:
        return
    known = state.readings.get(connector)
    offered = None if known is None else known.offered_ma
    state.readings[connector] = Reading(event.sample, offered, event.wall)


def _authorize(state: CentralSystem, event: AuthorizeWithBackend, now: Now) -> Turn:
    """A tag the standard cannot carry is invalid; without a backend there is no verdict."""
    if not 0 < len(event.id_tag) <= ID_TAG_LENGTH:
        text = f"an id tag has 1 to {ID_TAG_LENGTH} characters (OCPP CiString20), this one {len(event.id_tag)}: refused"
        refusal = BackendAuthorized(event.request_id, event.id_tag, Verdict.INVALID)
        return state, (refusal, Alarm("ocpp-id-tag-length", text))
    if state.link is None or not state.loaded or not state.registration.accepted:
        return state, (BackendAuthorized(event.request_id, event.id_tag, None),)
    if event.contract is not None and not asking.may_ask(event.contract, central=state.values.switch(CENTRAL)):
        return state, (BackendAuthorized(event.request_id, event.id_tag, asking.THIS_TIME),)
    deadline = now.mono + state.values.number("MessageResponseTimeOut")
    call = AuthorizeCall(event.request_id, event.id_tag, deadline, contract=event.contract)
    return replace(state, authorizations=(*state.authorizations, call)), ()


def _link_up(state: CentralSystem, link: int, now: Now) -> Turn:
    if state.link == link:
        return state, ()
    state, effects = answers.link_lost(state, "replaced by a new connection")
    if state.values.switch("bootNotificationOnReconnect"):
        state = replace(state, registration=state.registration.triggered())
    upkeep = replace(state.upkeep, loss=LossCause.NETWORK)
    return replace(_traffic(state, now), link=link, link_reason="", volatile_last=False, upkeep=upkeep), effects


def _settle_features(state: CentralSystem, now: Now) -> Turn:
    return all_features.settle(state, now) if state.loaded else (state, ())


def _expire(state: CentralSystem, now: Now) -> Turn:
    state, effects = commands.expire(state, now)
    state, more = answers.expire(state, now)
    if state.settings.enabled and not state.loaded and 0.0 < state.load_again_at <= now.mono:
        state, loading = _load(state, now)
        more += loading
    return state, effects + more


def _write(state: CentralSystem, now: Now) -> Turn:
    """One write of new facts and one of an outcome may be under way at a time."""
    effects: list[CentralSystemEffect] = []
    waiting = state.queue
    if waiting.arrivals.due:
        waiting, puts = intake.begin_write(waiting, now)
        state = _asked(replace(state, queue=waiting), IntakeCommit())
        repeated = transaction_data.wanted(state, waiting.arrivals.writing)
        effects.append(Write((*puts, *repeated), state.next_token - 1))
    settling = state.queue.settling
    if settling is not None and not settling.asked and settling.not_before <= now.mono:
        waiting = replace(state.queue, settling=replace(settling, asked=True))
        state = _asked(replace(state, queue=waiting), SettleCommit())
        effects.append(Write(settling.writes, state.next_token - 1))
    return state, tuple(effects)


def _asked(state: CentralSystem, purpose: IntakeCommit | SettleCommit) -> CentralSystem:
    token = state.next_token
    return replace(state, next_token=token + 1, commits={**state.commits, token: purpose})


def _report(state: CentralSystem) -> Turn:
    report = BackendReported(
        *_standing(state),
        queue_depth=len(state.queue.backlog),
        oldest_at=state.queue.oldest_at,
        dead_letters=len(state.queue.dead),
        repeats=state.queue.repeats,
        unanswered=state.queue.unanswered,
    )
    if report == state.reported:
        return state, ()
    return replace(state, reported=report), (report,)


def _standing(state: CentralSystem) -> tuple[str, str]:
    if not state.settings.enabled:
        return "disabled", "no backend is configured"
    if state.link is None:
        return "offline", state.link_reason
    word = state.registration.standing.value
    return word, "" if state.registration.accepted else "the backend has not accepted the BootNotification"


def _wake(state: CentralSystem, now: Now) -> Turn:
    """One `WakeAt` for the nearest deadline, told when it changed or has passed."""
    at = outgoing.next_deadline(state)
    if at is None or (at == state.wake_at and at > now.mono):
        return state, ()
    return replace(state, wake_at=at), (WakeAt(at),)
