"""The server's end of the link to one client board: what the board says goes to the actors, what they say to the board.

To the actors a charge point of the board is an address like any other. While the board is away they are told so: it
takes no card, commands to it are undeliverable, and after a while its connectors are unavailable at the backend.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias, cast

from msgspec import Struct, field
from msgspec.structs import replace

from park.authorization.messages import ApplyRules
from park.exchange.connection import Connection, LinkEffect, in_time
from park.exchange.crossing import report_of
from park.exchange.messages import (
    COMMAND_SECONDS,
    OLDEST_PROTOCOL,
    PROTOCOL,
    BoardHello,
    BoardHere,
    FrameArrived,
    Inward,
    LinkDown,
    LinkRefused,
    LinkUp,
    OfferedPoint,
    Outward,
    RecloserOrdered,
    ServerHello,
    StopOrdered,
    UnlockOrdered,
)
from park.exchange.placing import nowhere
from park.model.access import (
    UNREACHABLE,
    Answer,
    AnswersCommand,
    CommandAnswer,
    ConnectorStatus,
    ConnectorStatusChanged,
    Done,
    OccupancyChanged,
    OrderRecloser,
    Refused,
    RemoteStop,
    Undeliverable,
    UnlockConnector,
)
from park.model.alarm import Alarm
from park.model.demand import CurrentSignalled, DemandChanged
from park.model.limit import InputChanged
from park.model.listed import ApplyLocalList
from park.model.metering import MeterReported, Quality, ReadingTaken
from park.model.placement import NO_CONNECTOR, Placed, PlacementKept
from park.model.session import FactOffered, FactsHeld
from park.model.signals import RepeatLevels, Start, Tick, WakeAt
from park.model.time import Now
from park.rolling.messages import BoardFirmware, FirmwareStanding, FirmwareWanted, PieceWanted
from park.view.rows import NodeReported

SUSPECT_SECONDS = 3.0  # as long as the coordinator believes a board that does not speak (load.standing.SILENT_SECONDS)
GONE_SECONDS = 12.0  # a crashed board is shown offline within 15 s
INPUT_SECONDS = 10.0  # ours: a connection that is made anew is there again by then
UNREACHABLE_SECONDS = 30.0  # interfaces, OCPP: its connectors are Unavailable then
SAME_VEHICLE_SECONDS = 2.0  # nobody unplugs and plugs in again so fast; a bounded age varies by less
REPORT_SECONDS = 1.0  # how often the view is told that the board is still there
NO_ERROR = "NoError"  # OCPP 1.6 §7.6


class ServerFacts(Struct, frozen=True):
    """What a server says of itself. `clock_known`: whether somebody vouches for its wall clock now."""

    park: str
    node: str
    version: str
    server_id: str
    store_id: str
    clock_known: Callable[[], bool] = lambda: True


class JournalKnown(Struct, frozen=True):
    """Effect: facts of this journal come from this board; what is said about them goes back to it."""

    journal_id: str


BoardLinkEvent: TypeAlias = Start | Tick | LinkUp | LinkDown | FrameArrived | Outward
BoardLinkEffect: TypeAlias = LinkEffect | Inward | Answer | NodeReported | JournalKnown | Alarm


class BoardLink(Struct):
    """Mutable, one owner. `requests`: who waits for the answer to a command, and until when (mono).

    `occupancies`: newest of each charge point, to be corrected while the board is away.
    `rules`: newest of the authorizer, of each kind. `seen`: mono of the newest sign of life.
    `away_since`: mono, None while the board is there. `failures`: of each meter that can be read,
    as its board reported on this connection. `inputs`: those whose level is known.
    """

    node: str
    server: ServerFacts
    placed: Mapping[str, Placed]
    connection: Connection = field(default_factory=Connection)
    hello: BoardHello | None = None
    requests: dict[str, tuple[AnswersCommand, float]] = field(default_factory=dict[str, tuple[AnswersCommand, float]])
    occupancies: dict[str, OccupancyChanged] = field(default_factory=dict[str, OccupancyChanged])
    seen: float | None = None
    away_since: float | None = None
    told_away: bool = False
    told: NodeReported | None = None
    told_at: float = -math.inf
    restarts: int | None = None
    rules: tuple[ApplyRules | ApplyLocalList, ...] = ()
    stale_commands: int = 0
    failures: dict[str, int] = field(default_factory=dict[str, int])
    inputs: set[int] = field(default_factory=set[int])


def initial(
    node: str,
    server: ServerFacts,
    placed: Mapping[str, Placed],
    rules: tuple[ApplyRules | ApplyLocalList, ...] = (),
) -> BoardLink:
    return BoardLink(node, server, placed, rules=rules)


Effects: TypeAlias = list[BoardLinkEffect]


def step(state: BoardLink, event: BoardLinkEvent, now: Now) -> tuple[BoardLink, tuple[BoardLinkEffect, ...]]:
    """Mutates and returns `state`. Nothing that comes over the wire raises."""
    effects: Effects = []
    match event:
        case Start():
            state.away_since = now.mono
            effects.append(_here(state))
        case Tick():
            pass
        case LinkUp():
            if state.connection.session is not None:
                effects += _ended(state, now)
                effects += state.connection.refuse("the board has connected again", now)
            state.connection.begin(event, now)
            state.failures.clear()
        case LinkDown():
            if state.connection.ends(event):
                effects += _ended(state, now)
        case FrameArrived():
            effects += state.connection.stray(event)
            for arrived in state.connection.take(event, now):
                state.seen = now.mono
                message = in_time(arrived, now)
                if message is None:
                    state.stale_commands += 1
                else:
                    effects += _heard(state, message, now)
            if state.connection.session is not None and event.connection == state.connection.name:
                state.seen = now.mono
        case Outward():
            effects += _told(state, event, now)
    effects += _settled(state, now)
    return state, tuple(effects)


def _settled(state: BoardLink, now: Now) -> Effects:
    had = state.connection.session is not None
    effects: Effects = list(state.connection.settle(now))
    if had and state.connection.session is None:
        effects += _ended(state, now)
    effects += _overdue(state, now)
    effects += _unfelt(state, now)
    effects += _unreachable(state, now)
    effects += _report(state, now)
    effects.append(WakeAt(_next_look(state, now)))
    return effects


def _next_look(state: BoardLink, now: Now) -> float:
    due = [deadline for _, deadline in state.requests.values()]
    if state.away_since is not None and not state.told_away:
        due.append(state.away_since + UNREACHABLE_SECONDS)
    if state.away_since is not None and state.inputs:
        due.append(state.away_since + INPUT_SECONDS)
    told_again = state.told_at + REPORT_SECONDS
    due.append(told_again if told_again > now.mono else now.mono + REPORT_SECONDS)
    return min(due)


# ------------------------------------------------------------ the board speaks


def _heard(state: BoardLink, message: object, now: Now) -> Effects:
    if isinstance(message, BoardHello):
        return _greeted(state, message, now)
    if not state.connection.greeted:
        return []
    match message:
        case Done() | Refused() | Undeliverable():
            return _answered(state, message)
        case OccupancyChanged():
            return _occupied(state, message)
        case ConnectorStatusChanged() if not _owns_connector(state, message.connector):
            return []
        case FactOffered() if not _owns(state, message.fact.charge_point):
            return [_foreign(state, message.fact.charge_point)]
        case FactsHeld() if state.hello is None or message.journal != state.hello.journal_id:
            return []
        case DemandChanged() | CurrentSignalled() | PlacementKept() if not _owns(state, message.charge_point):
            return []
        case InputChanged():
            return _felt(state, message)
        case ReadingTaken():
            return _read(state, message)
        case MeterReported():
            return _metered(state, message)
        case FirmwareStanding():
            return [Inward("", BoardFirmware(state.node, message))]
        case FirmwareWanted():
            return [Inward("", PieceWanted(state.node, message))]
        case _:
            return [Inward("", message)]


def _felt(state: BoardLink, level: InputChanged) -> Effects:
    if level.node != state.node:
        return []
    state.inputs.add(level.number)
    return [Inward("", level)]


def _metered(state: BoardLink, report: MeterReported) -> Effects:
    if report.problem is None:
        state.failures[report.meter] = report.failures
    else:
        state.failures.pop(report.meter, None)
    return [Inward("", report)]


def _read(state: BoardLink, reading: ReadingTaken) -> Effects:
    """The board only reports a meter itself where that says more than the reading."""
    failures = state.failures.get(reading.meter)
    if failures is None or reading.quality is not Quality.FRESH:
        return [Inward("", reading)]
    return [Inward("", reading), Inward("", report_of(reading, failures))]


def _occupied(state: BoardLink, occupancy: OccupancyChanged) -> Effects:
    """Told again, the same plug-in must not look like another vehicle because its age was bounded better meanwhile."""
    known = state.occupancies.get(occupancy.charge_point)
    before, since = None if known is None else known.plugged_since, occupancy.plugged_since
    if before is not None and since is not None and abs(before - since) < SAME_VEHICLE_SECONDS:
        occupancy = replace(occupancy, plugged_since=before)
    state.occupancies[occupancy.charge_point] = occupancy
    return [Inward("", occupancy)] if occupancy.charge_point in state.placed else []


def _owns(state: BoardLink, charge_point: str) -> bool:
    return charge_point.partition("/")[0] == state.node


def _owns_connector(state: BoardLink, connector: int) -> bool:
    return connector != NO_CONNECTOR and any(placed.connector == connector for placed in state.placed.values())


def _foreign(state: BoardLink, charge_point: str) -> Alarm:
    text = (
        f"board {state.node} offers session facts of {charge_point}, which is not a charge point of it; they stay on "
        "the board: give it back the node.name it had"
    )
    return Alarm(f"facts-foreign-{charge_point}", text)


def _greeted(state: BoardLink, hello: BoardHello, now: Now) -> Effects:
    reason = _refusal(state, hello)
    if reason is not None:
        state.connection.say("", LinkRefused(reason), now)
        return [*state.connection.refuse(reason, now), Alarm(f"board-refused-{state.node}", reason)]
    again = state.hello is not None and state.hello.boot_id != hello.boot_id
    state.restarts = (state.restarts or 0) + 1 if again else state.restarts
    state.hello = hello
    state.connection.greeted = True
    state.away_since, state.told_away = None, False
    facts = state.server
    greeting = ServerHello(
        PROTOCOL,
        facts.park,
        facts.node,
        facts.version,
        facts.server_id,
        facts.store_id,
        now.wall,
        facts.clock_known(),
    )
    state.connection.say("", greeting, now)
    for rules in state.rules:
        state.connection.say("", rules, now)
    effects: Effects = [JournalKnown(hello.journal_id), _here(state)]
    offered = {point.name: point for point in hello.charge_points}
    for name, placed in state.placed.items():
        state.connection.say(name, placed, now)
        if name not in offered:
            effects.append(_missing(state, name))
    for name, point in offered.items():
        if name not in state.placed:
            state.connection.say(name, nowhere(point), now)
            effects.append(_unplaced(state, name))
    return effects


def _here(state: BoardLink) -> Inward:
    boot = state.hello.boot_id if state.connection.greeted and state.hello is not None else None
    return Inward("", BoardHere(state.node, boot))


def _refusal(state: BoardLink, hello: BoardHello) -> str | None:
    if not OLDEST_PROTOCOL <= hello.protocol <= PROTOCOL:
        return (
            f"board {state.node} speaks exchange version {hello.protocol}, server {state.server.node} "
            f"{OLDEST_PROTOCOL} to {PROTOCOL}; update the older one"
        )
    if hello.park != state.server.park:
        return f"board {state.node} wants to join park {hello.park}, this server leads {state.server.park}"
    if hello.node != state.node:
        return f"the certificate is of board {state.node}, it calls itself {hello.node}: pair it again under that name"
    for point in hello.charge_points:
        placed = state.placed.get(point.name)
        if placed is not None and (reason := _misfit(point, placed)) is not None:
            return reason
    return None


def _misfit(point: OfferedPoint, placed: Placed) -> str | None:
    """Why this hardware must not have the current that is counted for it."""
    if not point.has_deadman:
        return (
            f"{point.name}: its electronics have no deadman, so its current could not be bounded when the board is "
            "silent; use a driver with a deadman"
        )
    if point.phases > placed.phases:
        return (
            f"{point.name}: it has {point.phases} phases, its [[placement]] counts {placed.phases}: correct one of them"
        )
    return None


def _missing(state: BoardLink, name: str) -> Alarm:
    text = f"board {state.node} has no charge point {name}, which the server places; correct either file"
    return Alarm(f"point-missing-{name}", text)


def _unplaced(state: BoardLink, name: str) -> Alarm:
    text = f"board {state.node} has charge point {name} without a [[placement]] on the server: it stays at 0 A"
    return Alarm(f"point-unplaced-{name}", text)


def _answered(state: BoardLink, answer: CommandAnswer) -> Effects:
    waiting = state.requests.pop(answer.request_id, None)
    return [] if waiting is None else [Answer(waiting[0], answer)]


# ------------------------------------------------------------ the actors speak


def _told(state: BoardLink, outward: Outward, now: Now) -> Effects:
    message = outward.message
    if isinstance(message, ApplyRules | ApplyLocalList):
        state.rules = (*(each for each in state.rules if type(each) is not type(message)), message)
    if isinstance(message, RemoteStop | UnlockConnector | OrderRecloser):
        return _ordered(state, message, now)
    if state.connection.greeted:
        state.connection.say(outward.target, message, now)
    return [_here(state)] if isinstance(message, RepeatLevels) else []


def _ordered(state: BoardLink, order: RemoteStop | UnlockConnector | OrderRecloser, now: Now) -> Effects:
    if not state.connection.greeted:
        answer = Undeliverable(order.request_id, f"board {state.node} is not connected")
        return [Answer(order.reply_to, answer)]
    state.requests[order.request_id] = (order.reply_to, now.mono + COMMAND_SECONDS)
    match order:
        case RemoteStop(request_id, point, session):
            state.connection.say(point, StopOrdered(request_id, point, session), now)
        case UnlockConnector(request_id, point):
            state.connection.say(point, UnlockOrdered(request_id, point), now)
        case OrderRecloser(request_id, point, closed):
            state.connection.say(point, RecloserOrdered(request_id, point, closed), now)
    return []


def _overdue(state: BoardLink, now: Now) -> Effects:
    late = [name for name, (_, deadline) in state.requests.items() if deadline <= now.mono]
    return [_undeliverable(state, name, "the board did not answer in time") for name in late]


def _undeliverable(state: BoardLink, request_id: str, reason: str) -> Answer:
    reply_to, _ = state.requests.pop(request_id)
    return Answer(reply_to, Undeliverable(request_id, f"board {state.node}: {reason}"))


# ------------------------------------------------------------ the board is away


def _ended(state: BoardLink, now: Now) -> Effects:
    """The link is down: nobody may be sent to this board, and what it was asked is not answered any more."""
    state.away_since, state.told_away = now.mono, False
    effects: Effects = [_here(state)]
    effects += [_undeliverable(state, name, "the link to it was lost") for name in list(state.requests)]
    for occupancy in state.occupancies.values():
        if occupancy.charge_point in state.placed:
            effects.append(Inward("", replace(occupancy, available=False)))
    return effects


def _unfelt(state: BoardLink, now: Now) -> Effects:
    """Nobody knows the levels of its inputs any more: what they limit is limited (a broken wire raises nothing)."""
    if state.away_since is None or now.mono < state.away_since + INPUT_SECONDS:
        return []
    levels = [InputChanged(state.node, number, None) for number in sorted(state.inputs)]
    state.inputs.clear()
    return [Inward("", level) for level in levels]


def _unreachable(state: BoardLink, now: Now) -> Effects:
    since = state.away_since
    if since is None or state.told_away or now.mono < since + UNREACHABLE_SECONDS:
        return []
    state.told_away = True
    text = f"board {state.node} {UNREACHABLE}"
    return cast(
        "Effects",
        [
            Inward("", ConnectorStatusChanged(placed.connector, ConnectorStatus.UNAVAILABLE, NO_ERROR, text, now.wall))
            for placed in state.placed.values()
            if placed.connector != NO_CONNECTOR
        ],
    )


def _report(state: BoardLink, now: Now) -> Effects:
    """Tell the view on every change of standing, and once a second that it is still so."""
    state_name = _standing(state, now)
    changed = state.told is None or state.told.state != state_name
    if not changed and (state.told_at + REPORT_SECONDS > now.mono or state_name == "gone"):
        return []
    version = None if state.hello is None else state.hello.version
    session = state.connection.session
    lag = None if session is None else session.lag(now.mono)
    state.told = NodeReported(state.node, "client", state_name, state.seen, version, state.restarts, lag)
    state.told_at = now.mono
    return [state.told]


def _standing(state: BoardLink, now: Now) -> str:
    if state.seen is None or now.mono >= state.seen + GONE_SECONDS:
        return "gone"
    if state.connection.greeted and now.mono < state.seen + SUSPECT_SECONDS:
        return "alive"
    return "suspect"
