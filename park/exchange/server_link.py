"""The client's end of its link to the server: levels, facts and cards go up; grants, commands and rules come down.

A board obeys one voice: grants of the highest (epoch, server id) it ever obeyed, which is on disk before the first
grant of a higher one reaches a charge point (safety: One voice). While nobody is heard, the board decides about cards
itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from park.charging.report import ChargePointReported
from park.exchange.connection import Connection, LinkEffect, in_time
from park.exchange.messages import (
    JOURNAL,
    OLDEST_PROTOCOL,
    PROTOCOL,
    BoardHello,
    FrameArrived,
    Inward,
    LinkDown,
    LinkRefused,
    LinkUp,
    OfferAgain,
    OfferedPoint,
    ServerHello,
)
from park.exchange.placing import placed_body
from park.model.access import (
    CardPresented,
    ConnectorStatusChanged,
    Done,
    Feedback,
    OccupancyChanged,
    Refused,
    RepeatSettings,
    ShowFeedback,
    Undeliverable,
)
from park.model.alarm import Alarm
from park.model.demand import BoardHeartbeat, CurrentSignalled, DemandChanged
from park.model.grant import ApplyGrant
from park.model.metering import MeterReported, ReadingTaken
from park.model.placement import Placed
from park.model.session import FactOffered
from park.model.signals import RepeatLevels, Start, Tick
from park.model.storage import CommitFailed, Committed, Put, Write
from park.model.time import Now

PLACED_TABLE = "placed"
VOICE_TABLE = "voice"
VOICE_KEY = "obeyed"
RETRY_COMMIT_SECONDS = 1.0  # as the journal: a full disk is looked at once a second

Upward: TypeAlias = (
    DemandChanged
    | CurrentSignalled
    | BoardHeartbeat
    | ReadingTaken
    | OccupancyChanged
    | ConnectorStatusChanged
    | RepeatSettings
    | CardPresented
    | FactOffered
    | MeterReported
    | ChargePointReported
    | Done
    | Refused
    | Undeliverable
)
ServerLinkEvent: TypeAlias = Start | Tick | LinkUp | LinkDown | FrameArrived | Committed | CommitFailed | Upward


@dataclass(frozen=True, slots=True)
class LinkReported:
    """For the park view and the log of a client: its server, as it stands. `why` explains all but `up`."""

    state: str  # up | greeting | down | refused
    server: str
    server_id: str
    why: str
    lag_seconds: float | None


@dataclass(frozen=True, slots=True)
class LocalOnly:
    """Effect: whether this board decides about cards by itself now."""

    alone: bool


ServerLinkEffect: TypeAlias = LinkEffect | Inward | Write | LinkReported | LocalOnly | RepeatLevels | Alarm


@dataclass(frozen=True, slots=True)
class BoardSettings:
    """What a client says of itself. `voice`: (epoch, server id) it obeyed last. `local_names`: of readers, by full."""

    park: str
    node: str
    version: str
    boot_id: str
    journal_id: str
    charge_points: tuple[OfferedPoint, ...]
    voice: tuple[int, str] = (0, "")
    placed: Mapping[str, Placed] = field(default_factory=dict[str, Placed])


@dataclass(slots=True)
class ServerLink:
    """Mutable, one owner. `held`: the newest grant for each point that waits until its voice is on disk, by point."""

    settings: BoardSettings
    voice: tuple[int, str]
    placed: dict[str, Placed]
    connection: Connection = field(default_factory=Connection)
    peer: str = ""
    server: ServerHello | None = None
    why: str = "not connected yet"
    refused: bool = False
    next_token: int = 1
    saving: tuple[int, tuple[int, str]] | None = None
    held: dict[str, ApplyGrant] = field(default_factory=dict[str, ApplyGrant])
    told: LinkReported | None = None
    stale_commands: int = 0


def initial(settings: BoardSettings) -> ServerLink:
    return ServerLink(settings, settings.voice, dict(settings.placed))


Effects: TypeAlias = list[ServerLinkEffect]


def step(state: ServerLink, event: ServerLinkEvent, now: Now) -> tuple[ServerLink, tuple[ServerLinkEffect, ...]]:
    """Mutates and returns `state`. Nothing that comes over the wire raises."""
    effects: Effects = []
    match event:
        case Start():
            effects.append(LocalOnly(alone=True))
        case Tick():
            pass
        case LinkUp():
            _up(state, event, now)
        case LinkDown():
            if state.connection.ends(event):
                state.why = event.reason
        case FrameArrived():
            for arrived in state.connection.take(event, now):
                message = in_time(arrived, now)
                if message is None:
                    state.stale_commands += 1
                else:
                    effects += _heard(state, arrived.target, message, now)
        case Committed(token):
            effects += _saved(state, token)
        case CommitFailed(token, reason):
            effects += _unsaved(state, token, reason)
        case CardPresented():
            effects += _card(state, event, now)
        case BoardHeartbeat():
            epoch, server_id = state.voice
            _say(state, replace(event, epoch=epoch, server_id=server_id), now)
        case _:
            _say(state, event, now)
    effects += _settled(state, now)
    return state, tuple(effects)


def _settled(state: ServerLink, now: Now) -> Effects:
    was_up = state.told is not None and state.told.state == "up"
    effects: Effects = list(state.connection.settle(now))
    if state.connection.session is None and state.server is not None:
        state.server = None
    report = _report(state)
    if report != state.told:
        state.told = report
        effects.append(report)
        if (report.state == "up") != was_up:
            effects.append(LocalOnly(alone=report.state != "up"))
    return effects


def _report(state: ServerLink) -> LinkReported:
    if state.connection.greeted and state.server is not None:
        return LinkReported("up", state.server.node, state.server.server_id, "", None)
    if state.connection.session is not None:
        return LinkReported("greeting", state.peer, "", "connected, the server has not answered yet", None)
    return LinkReported("refused" if state.refused else "down", state.peer, "", state.why, None)


def _say(state: ServerLink, message: Upward, now: Now) -> None:
    """What is said before the server's greeting is dropped: levels are repeated after it, facts offered again."""
    if state.connection.greeted:
        state.connection.say("", message, now)


def _up(state: ServerLink, up: LinkUp, now: Now) -> None:
    settings, (epoch, server_id) = state.settings, state.voice
    state.connection.begin(up, now)
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
            return _placed(state, message)
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
    return [RepeatLevels(), Inward(JOURNAL, OfferAgain())]


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


def _placed(state: ServerLink, placed: Placed) -> Effects:
    if state.placed.get(placed.charge_point) == placed:
        return [Inward(placed.charge_point, placed)]
    state.placed[placed.charge_point] = placed
    token, state.next_token = state.next_token, state.next_token + 1
    write = Write((Put(PLACED_TABLE, placed.charge_point, placed_body(placed)),), token)
    return [write, Inward(placed.charge_point, placed)]


# ------------------------------------------------------------ cards


def _card(state: ServerLink, card: CardPresented, now: Now) -> Effects:
    """To the server while it is heard, else to the board's own authorizer."""
    if state.connection.greeted:
        named = replace(card, reader=f"{state.settings.node}/{card.reader}")
        state.connection.say("", named, now)
        return [Inward(card.reader, ShowFeedback(card.reader, Feedback.WAIT))]
    return [Inward("authorizer", card)]
