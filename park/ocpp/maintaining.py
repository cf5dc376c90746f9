"""Connection, uploads, firmware and certificates of the central system: what is due, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from msgspec.structs import replace

from park.model.storage import Row
from park.model.time import Now
from park.ocpp import certificates, connecting, firmware, notifications, rolling, updating, uploading, uploads
from park.ocpp.firmware import Stage
from park.ocpp.keeping import Turn, keep, notify, secured
from park.ocpp.maintenance import (
    EVERY_JOB,
    AbandonJob,
    CertificateExpires,
    CertificatesAnswered,
    FirmwareFetched,
    FirmwareInstalled,
    FirmwareVerified,
    LogUploaded,
    MaintenanceEvent,
    MakeSigningRequest,
    SignerChecked,
    SigningRequestMade,
    TrustKnown,
)
from park.ocpp.plug_and_charge.asking import sign_certificate
from park.ocpp.rows import Rows
from park.ocpp.security import STARTUP
from park.ocpp.state import CentralSystem

BOOT = "boot"  # key of the row with the last run of the process


def begin(state: CentralSystem, rows: Iterable[Row], now: Now) -> Turn:
    """The rows are there: go on with what the restart interrupted, and tell how an installation ended."""
    rows = tuple(rows)
    mine = Rows(state.settings.identity)
    first_job = max(1, int(now.mono * 1000))  # of an actor that began anew none is the same as of the one before
    waiting = notifications.load(mine, rows)
    state = replace(state, upkeep=replace(state.upkeep, notifications=waiting, next_job=first_job))
    state, effects = connecting.begin(state, rows)
    effects += (AbandonJob(EVERY_JOB),)
    kept = dict(mine.mine(rows, uploads.MAINTENANCE))
    state, more = _started(state, kept.get(BOOT, ""), now)
    effects += more
    upload = uploads.upload_of(kept.get(uploads.UPLOAD, ""))
    if upload is not None:
        state, more = uploading.go_on(state, upload)
        effects += more
    state, more = rolling.restored(state, kept, now)
    effects += more
    update = firmware.update_of(kept.get(firmware.FIRMWARE, ""))
    if update is not None:
        state, more = updating.interrupted(state, update, now)
        effects += more
    return state, effects


def _started(state: CentralSystem, boot_before: str, now: Now) -> Turn:
    """A start of the process is a security event; that the actor alone began anew is none."""
    boot = state.settings.boot
    if boot and boot == boot_before:
        return state, ()
    state, effects = secured(state, STARTUP, "", now)
    if not boot:
        return state, effects
    state, more = keep(state, (state.upkeep.notifications.rows.put(uploads.MAINTENANCE, BOOT, boot),))
    return state, (*effects, *more)


def attend(state: CentralSystem, now: Now) -> Turn:
    """Whatever the clock makes due."""
    state, effects = connecting.attend(state, now)
    upload = state.upkeep.upload
    if upload is not None and upload.retry_at is not None and now.mono >= upload.retry_at:
        state, more = uploading.go_on(state, upload)
        effects += more
    for then in (_update, rolling.attend):
        state, more = then(state, now)
        effects += more
    update = state.upkeep.update
    look_at = None if update is None else update.next_look(now)
    return replace(state, upkeep=replace(state.upkeep, look_at=look_at)), effects


def _update(state: CentralSystem, now: Now) -> Turn:
    """The next stage of the update, when nothing is waited for any more."""
    update = state.upkeep.update
    if update is None:
        return state, ()
    if update.due(now):
        begins = rolling.concerns(state, update)
        return rolling.begin(state, update, now) if begins else updating.go_on(state, update)
    if update.stage is Stage.INSTALLED and updating.may_restart(state):
        return updating.announce_restart(state, update, now)
    if update.stage is Stage.REBOOTING:
        return updating.restart(state, update, now)
    return state, ()


def deadline(state: CentralSystem) -> float | None:
    """Mono time at which `attend` may have something to do."""
    upkeep = state.upkeep
    found = (
        None if upkeep.connection is None else upkeep.connection.trial_ends,
        None if upkeep.upload is None else upkeep.upload.retry_at,
        None if upkeep.update is None else upkeep.look_at,
        rolling.next_look(state),
    )
    return min((at for at in found if at is not None), default=None)


def told(state: CentralSystem, event: MaintenanceEvent, now: Now) -> Turn:
    """What the maintenance edge says."""
    match event:
        case LogUploaded():
            return uploading.uploaded(state, event, now)
        case FirmwareFetched():
            return updating.fetched(state, event, now)
        case FirmwareVerified():
            return updating.verified(state, event, now)
        case SignerChecked():
            return updating.signer_checked(state, event, now)
        case FirmwareInstalled():
            return updating.installed(state, event)
        case CertificatesAnswered():
            return certificates.answered(state, event, now)
        case CertificateExpires(v2g):
            return _v2g_request(state) if v2g else _signing_request(state)
        case SigningRequestMade(csr, v2g):
            if v2g:
                return notify(state, "DataTransfer", sign_certificate(csr))
            return notify(state, "SignCertificate", {"csr": csr})
        case TrustKnown():
            return replace(state, upkeep=replace(state.upkeep, trust=event)), ()
        case _:
            assert_never(event)


def trigger(state: CentralSystem, wanted: str) -> Turn | None:
    """TriggerMessage of a status of these; None: another message."""
    upkeep = state.upkeep
    match wanted:
        case "DiagnosticsStatusNotification":
            word = "UploadFailed" if upkeep.uploaded == "UploadFailure" else upkeep.uploaded
            return notify(state, wanted, {"status": word if word == "Uploading" else "Idle"})
        case "LogStatusNotification":
            request = None if upkeep.upload is None else upkeep.upload.request
            payload = {"status": "Idle"} if request is None else {"status": "Uploading", "requestId": request}
            return notify(state, wanted, payload)
        case "FirmwareStatusNotification":
            update = upkeep.update
            said = None if update is None else update.status(upkeep.updated)
            return notify(state, wanted, {"status": "Idle"}) if said is None else notify(state, *said)
        case "SignChargePointCertificate":
            return _signing_request(state)
        case _:
            return None


def _v2g_request(state: CentralSystem) -> Turn:
    operator = state.values.text("CpoName")
    wanted = state.values.switch("ISO15118PnCEnabled") and bool(operator)
    return state, (MakeSigningRequest(state.settings.identity, operator, v2g=True),) if wanted else ()


def _signing_request(state: CentralSystem) -> Turn:
    """The request follows when it is made."""
    return state, (MakeSigningRequest(state.settings.identity, state.values.text("CpoName")),)
