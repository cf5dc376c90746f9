"""All card readers of the park: those of this board by their short names, those of other boards as NODE/READER."""

from __future__ import annotations

from msgspec.structs import replace

from park.authorization.messages import ReadersAnnounced
from park.authorization.settings import EVERY_CHARGE_POINT, ReaderSettings
from park.authorization.state import Authorizer, Stepped
from park.model.access import OccupancyChanged
from park.model.alarm import Alarm


def named(state: Authorizer, name: str) -> ReaderSettings | None:
    """The reader of a card; None: nobody announced it."""
    elsewhere = state.boards.get(name.partition("/")[0], ()) if "/" in name else ()
    return next((each for each in (*state.settings.readers, *elsewhere) if each.name == name), None)


def serves(reader: ReaderSettings, charge_point: str) -> bool:
    return EVERY_CHARGE_POINT in reader.serves or charge_point in reader.serves


def served(state: Authorizer, reader: ReaderSettings) -> tuple[OccupancyChanged, ...]:
    """The charge points a card at this reader may be meant for, as far as they have reported."""
    return tuple(point for name, point in state.occupancies.items() if serves(reader, name))


def is_shared(state: Authorizer, reader: ReaderSettings) -> bool:
    """Whether it serves more than one charge point, those that have not reported yet included."""
    if EVERY_CHARGE_POINT in reader.serves:
        return len(_charge_points(state)) > 1
    return len(reader.serves) > 1


def all_readers(state: Authorizer) -> tuple[ReaderSettings, ...]:
    """Of the whole park, by full name."""
    own = tuple(replace(each, name=_full(state.settings.node, each.name)) for each in state.settings.readers)
    return own + tuple(each for node in sorted(state.boards) for each in state.boards[node])


def announced(state: Authorizer, event: ReadersAnnounced) -> Stepped:
    """Take in the readers of a board; what they serve in vain is said once."""
    node = event.node
    readers = tuple(
        replace(
            each,
            name=f"{node}/{each.name.rpartition('/')[2]}",
            serves=tuple(_served(node, name) for name in each.serves),
        )
        for each in event.readers
    )
    alarms = tuple(alarm for each in readers if (alarm := _in_vain(state, each)) and alarm.text not in state.warned)
    state = replace(state, warned=state.warned | {alarm.text for alarm in alarms})
    if state.boards.get(node, ()) == readers:
        return state, alarms
    return replace(state, boards={**state.boards, node: readers}), alarms


def _in_vain(state: Authorizer, reader: ReaderSettings) -> Alarm | None:
    unknown = [name for name in reader.serves if name != EVERY_CHARGE_POINT and name not in _charge_points(state)]
    if not unknown:
        return None
    effect = "its cards are ignored" if len(unknown) == len(reader.serves) else "the others are served"
    text = (
        f"reader {reader.name} serves {', '.join(unknown)}, which this park does not have: {effect}; "
        "correct `serves` in the board's file, or place the charge point"
    )
    return Alarm(f"reader-serves-{reader.name}", text)


def _charge_points(state: Authorizer) -> frozenset[str]:
    return frozenset((*state.settings.charge_points, *state.occupancies))


def _served(node: str, name: str) -> str:
    return name if name == EVERY_CHARGE_POINT else _full(node, name)


def _full(node: str, name: str) -> str:
    return name if "/" in name or not node else f"{node}/{name}"
