"""The central system sees a firmware update through: UpdateFirmware and SignedUpdateFirmware."""

from __future__ import annotations

from functools import partial

from msgspec.structs import replace

from park.model.time import Now
from park.ocpp import firmware, roll_rows
from park.ocpp.effects import RestartBoards
from park.ocpp.firmware import BEFORE_INSTALLATION, Stage, Update
from park.ocpp.keeping import Turn, keep, notify, result, say, secured
from park.ocpp.link import BackendCalled, SendResult
from park.ocpp.maintenance import (
    AbandonJob,
    CheckSigner,
    DropFirmware,
    FirmwareFetched,
    FirmwareInstalled,
    FirmwareVerified,
    SignerChecked,
)
from park.ocpp.security import FIRMWARE_UPDATED, INVALID_FIRMWARE_SIGNATURE, INVALID_SIGNING_CERTIFICATE
from park.ocpp.state import CentralSystem
from park.ocpp.upkeep import Signing
from park.rolling.roll import summary

FAREWELL_SECONDS = 30.0  # ours: for answers of the backend before a restart
CHECK_SECONDS = 60.0  # ours: by then every charge point has reported itself, or never will
MOST_SIGNING = 10  # ours: a backend has one CALL in flight


def update_firmware(state: CentralSystem, call: BackendCalled, _: Now) -> Turn:
    """OCPP 1.6 §5.19. During an installation it is confirmed and ignored (B-311); replaces a waiting one (B-312)."""
    answer = result(state, call, {})
    if is_installing(state):
        return state, answer
    update = firmware.of_order(call.payload, state.settings.station.firmware)
    if update is None:
        state, effects = notify(state, "FirmwareStatusNotification", {"status": "DownloadFailed"})
        return state, (*answer, *effects)
    state, effects = _ordered(state, update)
    return state, (*answer, *effects)


def signed_update_firmware(state: CentralSystem, call: BackendCalled, _: Now) -> Turn:
    """White paper §5.11: answered when the signer's certificate has been checked."""
    update = firmware.of_signed_order(call.payload, state.settings.station.firmware)
    if update is None or is_installing(state) or state.link is None:
        return state, result(state, call, {"status": "Rejected"})
    signing = Signing(call.unique_id, update, state.link)
    state = replace(state, upkeep=replace(state.upkeep, signing=(*state.upkeep.signing, signing)[-MOST_SIGNING:]))
    return state, (CheckSigner(call.unique_id, update.certificate),)


def signer_checked(state: CentralSystem, event: SignerChecked, now: Now) -> Turn:
    signing = next((each for each in state.upkeep.signing if each.unique_id == event.request_id), None)
    if signing is None:
        return state, ()
    rest = tuple(each for each in state.upkeep.signing if each is not signing)
    state = replace(state, upkeep=replace(state.upkeep, signing=rest))

    def answer(status: str) -> SendResult:
        return SendResult(signing.unique_id, "SignedUpdateFirmware", {"status": status}, signing.link)

    if event.problem:
        state, effects = secured(state, INVALID_SIGNING_CERTIFICATE, event.problem, now)
        return state, (answer("InvalidCertificate"), *effects)
    if is_installing(state):
        return state, (answer("Rejected"),)
    status = "Accepted" if state.upkeep.update is None else "AcceptedCanceled"
    state, effects = _ordered(state, signing.update)
    return state, (answer(status), *effects)


def is_installing(state: CentralSystem) -> bool:
    """From the beginning of an installation to the restart after it."""
    update, roll = state.upkeep.update, state.upkeep.roll
    late = roll is not None and roll.ordered is not None
    return late or (update is not None and update.stage not in BEFORE_INSTALLATION)


def is_checking(state: CentralSystem, now: Now) -> bool:
    """Whether new firmware has not shown yet that it works: every charge point has reported itself (B-176).

    A restart in this time would look to an installer like a start that failed.
    """
    known = state.statuses.lines
    return now.mono < state.upkeep.checks_until and not all(number in known for number in state.settings.connectors)


def _ordered(state: CentralSystem, update: Update) -> Turn:
    before = state.upkeep.update
    given_up = () if before is None else (AbandonJob(before.job),)
    state, nobody_late = without_roll(state)
    state, effects = at(state, update)
    return state, (*given_up, *nobody_late, *effects)


def without_roll(state: CentralSystem) -> Turn:
    """No board gets the firmware of before any more, neither now nor late."""
    roll = state.upkeep.roll
    if roll is None:
        return state, ()
    state = replace(state, upkeep=replace(state.upkeep, roll=None, roll_row=""))
    state, effects = keep(state, (roll_rows.delete(state.upkeep.notifications.rows),))
    return state, (*effects, DropFirmware(roll.path))


def at(state: CentralSystem, update: Update, *words: str) -> Turn:
    """A new stage: on disk, then what it needs is ordered, and the backend hears the words."""
    job = state.upkeep.next_job
    update = replace(update, job=job, boot=state.settings.boot)
    state = replace(state, upkeep=replace(state.upkeep, update=update, next_job=job + 1))
    order = update.order()
    failed = partial(installed, event=FirmwareInstalled(job, problem="the disk is full"))
    rows = state.upkeep.notifications.rows
    needs_disk = update.stage is Stage.INSTALLING  # it may end this process
    orders = () if order is None else (order,)
    state, effects = keep(
        state,
        (firmware.put(rows, update),),
        orders if needs_disk else (),
        (lambda state, _: failed(state)) if needs_disk else None,
    )
    effects += () if needs_disk else orders
    for word in words:
        state, more = say(_last_word(state, word), update.status(word))
        effects += more
    return state, effects


def ended(state: CentralSystem, update: Update, *words: str) -> Turn:
    """What has failed here, or at the last board, is for nobody."""
    roll, rows = state.upkeep.roll, state.upkeep.notifications.rows
    is_over = roll is not None and ("Installed" not in words or not roll.open)
    state, effects = without_roll(state) if is_over else (state, ())
    state, more = keep(replace(state, upkeep=replace(state.upkeep, update=None)), (firmware.delete(rows),))
    effects += more
    for word in words:
        state, more = say(_last_word(state, word), update.status(word))
        effects += more
    return state, effects


def go_on(state: CentralSystem, update: Update) -> Turn:
    """A date has come."""
    if update.stage is Stage.SCHEDULED:
        return at(state, replace(update, stage=Stage.FETCHING), "Downloading")
    if not state.upkeep.trust.installer:
        return ended(state, update, "InstallationFailed")
    return at(state, replace(update, stage=Stage.INSTALLING), "Installing")


def fetched(state: CentralSystem, event: FirmwareFetched, now: Now) -> Turn:
    update = _current(state, event.job, Stage.FETCHING)
    if update is None:
        return state, ()
    if event.problem:
        again = firmware.failed_fetch(update, now.mono)
        return ended(state, update, "DownloadFailed") if again is None else at(state, again)
    update = replace(update, path=event.path, sha256=event.sha256, size=event.size)
    if update.signed:
        return at(state, replace(update, stage=Stage.VERIFYING), "Downloaded")
    return _ready(state, update, now, "Downloaded")


def _ready(state: CentralSystem, update: Update, now: Now, word: str) -> Turn:
    update = replace(update, stage=Stage.READY)
    later = () if update.due(now) else ("InstallScheduled",)
    return at(state, update, word, *later)


def verified(state: CentralSystem, event: FirmwareVerified, now: Now) -> Turn:
    update = _current(state, event.job, Stage.VERIFYING)
    if update is None:
        return state, ()
    if not event.problem:
        return _ready(state, update, now, "SignatureVerified")
    state, effects = ended(state, update, "InvalidSignature")
    state, more = secured(state, INVALID_FIRMWARE_SIGNATURE, event.problem, now)
    return state, (*effects, *more)


def installed(state: CentralSystem, event: FirmwareInstalled) -> Turn:
    """The new firmware runs after a restart, which waits for the sessions to end (B-309)."""
    update = _current(state, event.job, Stage.INSTALLING)
    if update is None:
        return state, ()
    if event.problem:
        return ended(state, update, "InstallationFailed")
    return at(state, replace(update, stage=Stage.INSTALLED, expected=event.version))


def may_restart(state: CentralSystem) -> bool:
    return state.settings.restart_with_sessions or not state.queue.transactions.all_running()


def announce_restart(state: CentralSystem, update: Update, now: Now) -> Turn:
    """The sessions are over; what is on its way to the backend gets a moment."""
    leaves_at = now.mono + state.values.number("PreUnavailabilityForUpdate")
    update = replace(update, stage=Stage.REBOOTING, retry_at=leaves_at + FAREWELL_SECONDS, leaves_at=leaves_at)
    return at(state, update, "InstallRebooting")


def restart(state: CentralSystem, update: Update, now: Now) -> Turn:
    """When nothing waits for an answer any more, or the moment has passed; a session that began is waited for."""
    if not update.leaving and not may_restart(state):
        return at(state, replace(update, stage=Stage.INSTALLED))
    waits = state.link is not None and (state.flight is not None or state.queue.backlog.head is not None)
    waits = waits or (state.link is not None and bool(state.upkeep.notifications.waiting))
    if update.leaving or now.mono < update.leaves_at or (waits and now.mono < update.retry_at):
        return state, ()
    state = replace(state, upkeep=replace(state.upkeep, update=replace(update, leaving=True)))
    return state, (RestartBoards((state.settings.node,), hard=False),)


def interrupted(state: CentralSystem, update: Update, now: Now) -> Turn:
    running = state.settings.station.firmware
    again, word = firmware.restored(update, running, state.settings.boot)
    if again is not None and again.stage not in BEFORE_INSTALLATION:
        return _last_word(replace(state, upkeep=replace(state.upkeep, update=again)), "Installing"), ()
    if again is not None:
        return at(state, again)
    roll = state.upkeep.roll
    boards = "" if roll is None else f"; {summary(roll)}"
    state, effects = ended(state, update, word)
    if word != "Installed":
        return state, effects
    state = replace(state, upkeep=replace(state.upkeep, checks_until=now.mono + CHECK_SECONDS))
    state, more = secured(state, FIRMWARE_UPDATED, f"{update.running} to {running}{boards}", now)
    return state, (*effects, *more)


def _current(state: CentralSystem, job: int, stage: Stage) -> Update | None:
    update = state.upkeep.update
    return update if update is not None and update.job == job and update.stage is stage else None


def _last_word(state: CentralSystem, word: str) -> CentralSystem:
    return replace(state, upkeep=replace(state.upkeep, updated=word))
