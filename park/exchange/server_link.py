"""The client's end of its link to the server: levels, facts and cards go up; grants, commands and rules come down.

A board obeys one voice: grants of the highest (epoch, server id) it ever obeyed, which is on disk before the first
grant of a higher one reaches a charge point (safety: One voice). While nobody is heard, the board decides about cards
itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from park.authorization.messages import ReadersAnnounced
from park.authorization.settings import ReaderSettings
from park.charging.report import ChargePointReported
from park.exchange.connection import BEGUN_ANEW, Connection, LinkEffect, in_time
from park.exchange.crossing import follows_from, reading_as, without_record
from park.exchange.messages import (
    JOURNAL,
    OLDEST_PROTOCOL,
    PROTOCOL,
    BoardHello,
    EndLinks,
    FrameArrived,
    Inward,
    LinkDown,
    LinkRefused,
    LinkUp,
    LogPart,
    OfferAgain,
    OfferedPoint,
    ServerHello,
)
from park.exchange.placing import PLACED_TABLE, fitted, placed_body, placed_of, voice_of
from park.model.access import (
    AuthorizationGranted,
    CardPresented,
    CommandAnswer,
    ConnectorStatusChanged,
    Feedback,
    OccupancyChanged,
    RepeatSettings,
    SettingChanged,
    ShowFeedback,
    StopSession,
)
from park.model.alarm import Alarm
from park.model.autocharge import VehicleIdentified
from park.model.demand import BoardHeartbeat, CurrentSignalled, DemandChanged
from park.model.grant import ApplyGrant
from park.model.limit import InputChanged
from park.model.metering import MeterReported, ReadingTaken
from park.model.placement import Placed, PlacementKept
from park.model.reservation import ConnectorReserved
from park.model.session import FactOffered, FactsHeld, TransactionAssigned
from park.model.signals import RepeatLevels, Start, Tick, WakeAt
from park.model.storage import CommitFailed, Committed, Load, Put, RowsLoaded, Write
from park.model.time import Now
from park.ocpp.answers import CLOCK_TOLERANCE_SECONDS
from park.ocpp.effects import ClockOffered
from park.rolling.messages import FirmwareStanding, FirmwareWanted

VOICE_TABLE = "voice"
VOICE_KEY = "obeyed"
LOAD_AGAIN_SECONDS = 5.0  # a store that did not answer is asked again
KEEP_AGAIN_SECONDS = 5.0  # a disk that did not take a placement is tried again

Upward: TypeAlias = (
    DemandChanged
    | CurrentSignalled
    | BoardHeartbeat
    | ReadingTaken
    | InputChanged
    | OccupancyChanged
    | ConnectorStatusChanged
    | RepeatSettings
    | CardPresented
    | VehicleIdentified
    | FactOffered
    | FactsHeld
    | MeterReported
    | ChargePointReported
    | LogPart
    | FirmwareStanding
    | FirmwareWanted
    | CommandAnswer
)
ServerLinkEvent: TypeAlias = (
    Start | Tick | RowsLoaded | LinkUp | LinkDown | FrameArrived | Committed | CommitFailed | Upward
)


class LinkReported(Struct, frozen=True):
    """For the park view and the log of a client: its server, as it stands. `why` explains all but `up`."""

    state: str  # up | greeting | down | refused
    server: str
    server_id: str
    why: str


class LocalOnly(Struct, frozen=True):
    """Effect: whether this board decides about cards by itself now."""

    alone: bool


FOR_CHARGE_POINTS = (
    ApplyGrant,
    AuthorizationGranted,
    ConnectorReserved,
    Placed,
    RepeatLevels,
    SettingChanged,
    StopSession,
    TransactionAssigned,
)
"""What a server may tell a charge point as it is."""

ServerLinkEffect: TypeAlias = (
    LinkEffect | EndLinks | Inward | Write | Load | LinkReported | LocalOnly | RepeatLevels | Alarm | ClockOffered
)


class BoardSettings(Struct, frozen=True):
    """What a client says of itself. `meters`: the names of its meters in the park, by their names here."""

    park: str
    node: str
    version: str
    boot_id: str
    journal_id: str
    charge_points: tuple[OfferedPoint, ...]
    meters: Mapping[str, str] = field(default_factory=dict[str, str])
    readers: tuple[ReaderSettings, ...] = ()


class ServerLink(Struct):
    """Mutable, one owner. `voice`: highest (epoch, server id) obeyed. `placed`: as the server said last, by point.

    `loaded`: both are read from disk; until then nobody is greeted, and `early` keeps the connection that waits.
    `kept`: placements as they are on disk. `placing`: on their way there, by token. `keep_at`: mono of the next try.
    `held`: the newest grant for each point that waits until its voice is on disk. `readings`: newest of each meter.
    `meters_told`: failures and problem of each meter, as the server heard them.
    """

    settings: BoardSettings
    voice: tuple[int, str] = (0, "")
    placed: dict[str, Placed] = field(default_factory=dict[str, Placed])
    kept: dict[str, Placed] = field(default_factory=dict[str, Placed])
    placing: dict[int, Placed] = field(default_factory=dict[int, Placed])
    keep_at: float = math.inf
    loaded: bool = False
    early: LinkUp | None = None
    connection: Connection = field(default_factory=Connection)
    peer: str = ""
    server: ServerHello | None = None
    why: str = "not connected yet"
    refused: bool = False
    next_token: int = 1
    saving: tuple[int, tuple[int, str]] | None = None
    held: dict[str, ApplyGrant] = field(default_factory=dict[str, ApplyGrant])
    readings: dict[str, ReadingTaken] = field(default_factory=dict[str, ReadingTaken])
    meters_told: dict[str, tuple[int, str | None]] = field(default_factory=dict[str, tuple[int, str | None]])
    told: LinkReported | None = None
    stale_commands: int = 0


def initial(settings: BoardSettings) -> ServerLink:
    return ServerLink(settings)


Effects: TypeAlias = list[ServerLinkEffect]


def step(state: ServerLink, event: ServerLinkEvent, now: Now) -> tuple[ServerLink, tuple[ServerLinkEffect, ...]]:
    """Mutates and returns `state`. Nothing that comes over the wire raises."""
    effects: Effects = []
    match event:
        case Start():
            effects += (EndLinks(BEGUN_ANEW), LocalOnly(alone=True), *_load(now))
        case Tick():
            effects += _keep_again(state, now) if state.loaded else _load(now)
        case RowsLoaded():
            effects += _loaded(state, event, now)
        case LinkUp():
            if state.loaded:
                _up(state, event, now)
            else:
                state.early = event
        case LinkDown():
            _down(state, event)
        case FrameArrived():
            effects += _arrived(state, event, now)
        case Committed(token):
            effects += (*_saved(state, token), *_kept(state, token, now))
        case CommitFailed(token, reason):
            effects += (*_unsaved(state, token, reason), *_unkept(state, token, reason, now))
        case _:
            effects += _upwards(state, event, now)
    effects += _settled(state, now)
    return state, tuple(effects)


def _load(now: Now) -> Effects:
    return [Load((PLACED_TABLE, VOICE_TABLE)), WakeAt(now.mono + LOAD_AGAIN_SECONDS)]


def _loaded(state: ServerLink, event: RowsLoaded, now: Now) -> Effects:
    if state.loaded:
        return []
    placed, alarms = placed_of(row for row in event.rows if row.table == PLACED_TABLE)
    state.placed, state.kept, state.loaded = placed, dict(placed), True
    effects: Effects = [*alarms]
    for row in event.rows:
        if row.table == VOICE_TABLE:
            voice = voice_of(row.body)
            if voice is None:
                text = f"the highest epoch this board obeyed cannot be read ({row.body!r}); any server is obeyed now"
                effects.append(Alarm("voice-unreadable", text))
            else:
                state.voice = voice
    effects += [Inward(name, _fitted(state, each)) for name, each in placed.items()]
    if state.early is not None:
        _up(state, state.early, now)
        state.early = None
    return effects


def _down(state: ServerLink, down: LinkDown) -> None:
    if state.early is not None and state.early.connection == down.connection:
        state.early = None
    if state.connection.ends(down):
        state.why = down.reason


def _arrived(state: ServerLink, event: FrameArrived, now: Now) -> Effects:
    effects: Effects = [*state.connection.stray(event)]
    for arrived in state.connection.take(event, now):
        message = in_time(arrived, now)
        if message is None:
            state.stale_commands += 1
        else:
            effects += _heard(state, arrived.target, message, now)
    return effects


def _upwards(state: ServerLink, event: Upward, now: Now) -> Effects:
    match event:
        case CardPresented() | VehicleIdentified():
            return _card(state, event, now)
        case BoardHeartbeat():
            epoch, server_id = state.voice
            _say(state, replace(event, epoch=epoch, server_id=server_id), now)
        case ReadingTaken():
            state.readings[event.meter] = event
            _say(state, reading_as(event, state.settings.meters.get(event.meter, event.meter), event.mono), now)
        case MeterReported():
            _metered(state, event, now)
        case RepeatSettings(point) if point in state.placed:  # it began anew: where it hangs is known here
            _say(state, event, now)
            return [Inward(point, _fitted(state, state.placed[point]))]
        case _:
            _say(state, event, now)
    return []


def _metered(state: ServerLink, report: MeterReported, now: Now) -> None:
    """Most reports say what the reading before them said: of that the server makes the report itself."""
    read, known = state.readings.get(report.meter), state.meters_told.get(report.meter)
    if read is not None and known == (report.failures, report.problem) and follows_from(report, read):
        return
    if state.connection.greeted:
        state.meters_told[report.meter] = (report.failures, report.problem)
    name = state.settings.meters.get(report.meter, report.meter)
    _say(state, replace(report, meter=name, sample=without_record(report.sample)), now)


def _settled(state: ServerLink, now: Now) -> Effects:
    was_up = state.told is not None and state.told.state == "up"
    effects: Effects = list(state.connection.settle(now))
    if state.connection.session is None and state.server is not None:
        state.server = None
    if was_up and state.connection.greeted:
        return effects
    report = _report(state)
    if report != state.told:
        state.told = report
        effects.append(report)
        if (report.state == "up") != was_up:
            effects.append(LocalOnly(alone=report.state != "up"))
    return effects


def _report(state: ServerLink) -> LinkReported:
    if state.connection.greeted and state.server is not None:
        return LinkReported("up", state.server.node, state.server.server_id, "")
    if state.connection.session is not None:
        return LinkReported("greeting", state.peer, "", "connected, the server has not answered yet")
    return LinkReported("refused" if state.refused else "down", state.peer, "", state.why)


def _say(state: ServerLink, message: Upward, now: Now) -> None:
    """What is said before the server's greeting is dropped: levels are repeated after it, facts offered again."""
    if state.connection.greeted:
        state.connection.say("", message, now)


def _up(state: ServerLink, up: LinkUp, now: Now) -> None:
    settings, (epoch, server_id) = state.settings, state.voice
    state.connection.begin(up, now)
    state.meters_told.clear()
    state.peer, state.refused = up.peer, False
    hello = BoardHello(
        PROTOCOL,
        settings.park,
        settings.node,
        settings.version,
        settings.boot_id,
        settings.journal_id,
        epoch,
        server_id,
        settings.charge_points,
    )
    state.connection.say("", hello, now)


def _heard(state: ServerLink, target: str, message: object, now: Now) -> Effects:
    match message:
        case ServerHello():
            return _greeted(state, message, now)
        case LinkRefused(reason):
            state.why, state.refused = reason, True
            return [*state.connection.refuse(reason, now), Alarm("server-refuses", reason)]
        case ApplyGrant():
            return _granted(state, message)
        case Placed():
            return _placed(state, message, now)
        case RepeatLevels():
            return _repeated(state, target, now)
        case ShowFeedback():
            return [Inward("", replace(message, reader=message.reader.removeprefix(f"{state.settings.node}/")))]
        case _:
            return [Inward(target, message)]


def _greeted(state: ServerLink, hello: ServerHello, now: Now) -> Effects:
    settings = state.settings
    reason = None
    if not OLDEST_PROTOCOL <= hello.protocol <= PROTOCOL:
        reason = (
            f"server {hello.node} speaks exchange version {hello.protocol}, "
            f"this board {OLDEST_PROTOCOL} to {PROTOCOL}; update the older one"
        )
    elif hello.park != settings.park:
        reason = f"server {hello.node} leads park {hello.park}, this board belongs to {settings.park}: [server] park"
    if reason is not None:
        state.why, state.refused = reason, True
        return [*state.connection.refuse(reason, now), Alarm("server-refused", reason)]
    state.server, state.connection.greeted = hello, True
    _announce_readers(state, now)
    for point in state.settings.charge_points:  # what was decided meanwhile, a refused card among it (D4), comes back
        state.connection.say("", RepeatSettings(point.name), now)
    ahead = (hello.wall - now.wall).total_seconds()
    follow = hello.wall_known and (abs(ahead) >= CLOCK_TOLERANCE_SECONDS or not now.known)
    return [*([ClockOffered(ahead)] if follow else []), RepeatLevels(), Inward(JOURNAL, OfferAgain())]


def _repeated(state: ServerLink, target: str, now: Now) -> Effects:
    if not target:
        _announce_readers(state, now)
        return []
    kept = state.kept.get(target)
    if kept is not None and kept == state.placed.get(target):
        _confirm(state, kept, now)
    return [Inward(target, RepeatLevels())]


def _announce_readers(state: ServerLink, now: Now) -> None:
    state.connection.say("", ReadersAnnounced(state.settings.node, state.settings.readers), now)


# ------------------------------------------------------------ one voice


def _granted(state: ServerLink, apply: ApplyGrant) -> Effects:
    grant, (epoch, server_id) = apply.grant, state.voice
    voice = (grant.epoch, grant.server_id)
    if voice == state.voice:
        return [Inward(grant.charge_point, apply)]
    if grant.epoch < epoch or (grant.epoch == epoch and server_id):
        return [
            Alarm(
                "stale-voice",
                f"grant of server {grant.server_id}, epoch {grant.epoch}, is not obeyed: {epoch} of {server_id} was",
            )
        ]
    state.held[grant.charge_point] = apply
    if state.saving is not None and state.saving[1] == voice:
        return []
    return [_save_voice(state, voice)]


def _save_voice(state: ServerLink, voice: tuple[int, str]) -> Write:
    token, state.next_token = state.next_token, state.next_token + 1
    state.saving = (token, voice)
    return Write((Put(VOICE_TABLE, VOICE_KEY, json.dumps(voice)),), token)


def _saved(state: ServerLink, token: int) -> Effects:
    if state.saving is None or state.saving[0] != token:
        return []
    state.voice, state.saving = max(state.voice, state.saving[1]), None
    due = [apply for apply in state.held.values() if (apply.grant.epoch, apply.grant.server_id) == state.voice]
    state.held.clear()
    return [Inward(apply.grant.charge_point, apply) for apply in due]


def _unsaved(state: ServerLink, token: int, reason: str) -> Effects:
    """The server sends its grants again; the next one tries the disk again."""
    if state.saving is None or state.saving[0] != token:
        return []
    state.saving = None
    state.held.clear()
    return [
        Alarm("voice-not-kept", f"the epoch of the server cannot be written ({reason}): no grant is obeyed until it is")
    ]


def _placed(state: ServerLink, placed: Placed, now: Now) -> Effects:
    """The charge point is told at once; the server hears that it is kept when the disk has it."""
    name = placed.charge_point
    if name not in {point.name for point in state.settings.charge_points}:
        return []
    state.placed[name] = placed
    told = Inward(name, _fitted(state, placed))
    if state.kept.get(name) == placed and name not in {each.charge_point for each in state.placing.values()}:
        _confirm(state, placed, now)
        return [told]
    return [_keep(state, placed), told]


def _keep(state: ServerLink, placed: Placed) -> Write:
    token, state.next_token = state.next_token, state.next_token + 1
    state.placing[token] = placed
    return Write((Put(PLACED_TABLE, placed.charge_point, placed_body(placed)),), token)


def _kept(state: ServerLink, token: int, now: Now) -> Effects:
    placed = state.placing.pop(token, None)
    if placed is None:
        return []
    state.kept[placed.charge_point] = placed
    if state.placed.get(placed.charge_point) == placed:
        _confirm(state, placed, now)
    return []


def _confirm(state: ServerLink, placed: Placed, now: Now) -> None:
    if state.connection.greeted:
        state.connection.say("", PlacementKept(placed.charge_point, placed.fallback_ma, placed.boot_ma), now)


def _unkept(state: ServerLink, token: int, reason: str, now: Now) -> Effects:
    placed = state.placing.pop(token, None)
    if placed is None:
        return []
    state.keep_at = now.mono + KEEP_AGAIN_SECONDS
    text = (
        f"where {placed.charge_point} is placed cannot be written ({reason}): free the disk; until then the server "
        "counts what the board was told before"
    )
    return [Alarm("placement-not-kept", text), WakeAt(state.keep_at)]


def _keep_again(state: ServerLink, now: Now) -> Effects:
    if now.mono < state.keep_at:
        return []
    state.keep_at = math.inf
    return [_keep(state, each) for name, each in state.placed.items() if state.kept.get(name) != each]


def _fitted(state: ServerLink, placed: Placed) -> Placed:
    for point in state.settings.charge_points:
        if point.name == placed.charge_point:
            return fitted(placed, point)
    return placed


# ------------------------------------------------------------ cards


def _card(state: ServerLink, card: CardPresented | VehicleIdentified, now: Now) -> Effects:
    """To the server while it is heard, else to the board's own authorizer."""
    if state.connection.greeted:
        named = replace(card, reader=f"{state.settings.node}/{card.reader}")
        state.connection.say("", named, now)
        return [Inward("", ShowFeedback(card.reader, Feedback.WAIT))]
    return [Inward("", card)]
