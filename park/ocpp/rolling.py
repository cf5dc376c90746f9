"""The central system takes a firmware round the boards of its park, before its own board and for who comes late.

To the backend the park is one station: it is installing until the last board that is there has it, and one board that
fails ends the update of all that have not begun.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from park.model.alarm import Alarm
from park.model.time import Now
from park.ocpp import roll_rows, updating
from park.ocpp.firmware import Stage, Update
from park.ocpp.keeping import Turn, keep, secured
from park.ocpp.maintenance import KeepFirmware
from park.ocpp.rows import Rows
from park.ocpp.security import FIRMWARE_UPDATED
from park.ocpp.state import CentralSystem
from park.ocpp.wire import iso
from park.rolling import roll as rolls
from park.rolling.messages import BoardFirmware, TellBoard
from park.rolling.roll import KEPT, Board, Place, Roll


def concerns(state: CentralSystem, update: Update) -> bool:
    """Whether other boards get it before this one."""
    return update.stage is Stage.READY and bool(state.settings.boards) and state.upkeep.trust.installer


def begin(state: CentralSystem, update: Update, now: Now) -> Turn:
    """The date of the installation has come."""
    roll = Roll(
        f"{update.sha256[:16]}-{iso(now.wall)}",
        update.path,
        update.size,
        update.sha256,
        update.certificate,
        update.signature,
        tuple(Board(name) for name in _idle_first(state)),
        now.wall + KEPT,
        began=now.mono,
    )
    row = roll_rows.put(_rows(state), roll)
    state = replace(state, upkeep=replace(state.upkeep, roll=roll, roll_row=row.body))
    state, effects = keep(state, (row,))
    state, more = updating.at(state, replace(update, stage=Stage.ROLLING), "Installing")
    return state, (*effects, *more, KeepFirmware(roll.update, roll.path))


def _idle_first(state: CentralSystem) -> list[str]:
    charging = {known.start.charge_point.partition("/")[0] for known in state.queue.transactions.all_running()}
    return sorted(state.settings.boards, key=lambda name: (name in charging, name))


def restored(state: CentralSystem, rows: Mapping[str, str], now: Now) -> Turn:
    """After a restart of the server or the actor: what boards do is asked before anybody is given a turn."""
    body = rows.get(roll_rows.ROLL, "")
    roll = roll_rows.roll_of(body, now)
    if roll is None:
        return state, ()
    return replace(state, upkeep=replace(state.upkeep, roll=roll, roll_row=body)), (
        KeepFirmware(roll.update, roll.path),
    )


def heard(state: CentralSystem, event: BoardFirmware, now: Now) -> CentralSystem:
    """What it makes due is done by `attend`, in the same step."""
    roll = state.upkeep.roll
    if roll is None:
        return state
    return replace(state, upkeep=replace(state.upkeep, roll=rolls.heard(roll, event.node, event.standing, now)))


def attend(state: CentralSystem, now: Now) -> Turn:
    """Give turns while the update is at the other boards, and to those who come late when it is over."""
    roll, update = state.upkeep.roll, state.upkeep.update
    if update is not None and update.stage is Stage.ROLLING and roll is None:
        return updating.ended(state, update, "InstallationFailed")  # its row cannot be read
    if roll is None or not (update is None or update.stage is Stage.ROLLING):
        return state, ()
    roll, told = rolls.advance(roll, now)
    state, effects = _kept(state, roll, told)
    failed = roll.failed
    if failed is not None:
        state, more = _stopped(state, failed)
    elif update is not None:
        state, more = _own_turn(state, update, roll, now)
    else:
        state, more = _late(state, roll, now)
    return state, (*effects, *more)


def _kept(state: CentralSystem, roll: Roll, told: tuple[TellBoard, ...]) -> Turn:
    """A turn is on disk before it is given: a server that starts anew must not give it to somebody else."""
    before, row = state.upkeep.roll, roll_rows.put(_rows(state), roll)
    unchanged = row.body == state.upkeep.roll_row
    state = replace(state, upkeep=replace(state.upkeep, roll=roll, roll_row=row.body))
    if unchanged:
        return state, told
    gave_turn = before is not None and before.turn != roll.turn
    return keep(state, (row,), told, _withheld if gave_turn else None)


def _withheld(state: CentralSystem, now: Now) -> Turn:
    roll = state.upkeep.roll
    changed = None if roll is None else rolls.withheld(roll, now)
    return replace(state, upkeep=replace(state.upkeep, roll=changed)), ()


def _stopped(state: CentralSystem, failed: Board) -> Turn:
    text = (
        f"firmware is not installed on board {failed.name}: {failed.why}; boards that have not begun keep what they "
        "have: see the log of that board, then order the update again"
    )
    alarm = Alarm(f"firmware-failed-{failed.name}", text)
    update = state.upkeep.update
    if update is None:
        state, effects = updating.without_roll(state)
    else:
        state, effects = updating.ended(state, update, "InstallationFailed")
    return state, (alarm, *effects)


def _own_turn(state: CentralSystem, update: Update, roll: Roll, now: Now) -> Turn:
    if not roll.is_idle(now):
        return state, ()
    alarms = tuple(_alarm(roll, board) for board in roll.boards if board.place is not Place.DONE)
    update = replace(update, stage=Stage.INSTALLING, kept=bool(roll.open))
    state, effects = updating.at(state, update)
    return state, (*alarms, *effects)


def _alarm(roll: Roll, board: Board) -> Alarm:
    if board.place is Place.LEFT:
        text = f"board {board.name} keeps its firmware: {board.why}; update it by hand, or correct that and order again"
    else:
        text = (
            f"board {board.name} does not answer, or its program is too old to be updated from here: it gets the "
            f"firmware if it is back before {iso(roll.until)}"
        )
    return Alarm(f"firmware-missing-{board.name}", text)


def _late(state: CentralSystem, roll: Roll, now: Now) -> Turn:
    if roll.open and now.wall < roll.until:
        return state, ()
    alarms = tuple(
        Alarm(f"firmware-missing-{board.name}", f"board {board.name} did not come back for its firmware: order it anew")
        for board in roll.open
        if board.place is not Place.ORDERED
    )
    if len(alarms) < len(roll.open):  # it is being installed: how it ends is waited for
        return state, ()
    state, effects = updating.without_roll(state)
    late = ", ".join(board.name for board in roll.boards if board.place is Place.DONE)
    state, more = secured(state, FIRMWARE_UPDATED, f"boards {late}", now) if late else (state, ())
    return state, (*alarms, *effects, *more)


def next_look(state: CentralSystem) -> float | None:
    update, roll = state.upkeep.update, state.upkeep.roll
    if roll is None or not (update is None or update.stage is Stage.ROLLING):
        return None
    return roll.look if roll.open else None


def _rows(state: CentralSystem) -> Rows:
    return state.upkeep.notifications.rows
