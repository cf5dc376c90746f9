"""The central system brings logs to where the backend wants them: GetDiagnostics and GetLog."""

from __future__ import annotations

from msgspec.structs import replace

from park.model.time import Now
from park.ocpp import uploads
from park.ocpp.keeping import Turn, keep, notify, result, say
from park.ocpp.link import BackendCalled
from park.ocpp.maintenance import AbandonJob, LogUploaded
from park.ocpp.state import CentralSystem
from park.ocpp.uploads import Upload


def get_diagnostics(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    """OCPP 1.6 §5.8: the answer names the file that will come; none, when nothing can be brought there."""
    upload = uploads.of_diagnostics(call.payload, state.settings.identity, now.wall)
    if upload is None:
        state, effects = notify(state, "DiagnosticsStatusNotification", {"status": "UploadFailed"})
        return state, (*result(state, call, {}), *effects)
    state, effects = _replaced(state, upload)
    return state, (*result(state, call, {"fileName": upload.file_name}), *effects)


def get_log(state: CentralSystem, call: BackendCalled, now: Now) -> Turn:
    """White paper §5.5; a running upload is given up for it."""
    upload = uploads.of_log(call.payload, state.settings.identity, now.wall)
    if upload is None:
        return state, result(state, call, {"status": "Rejected"})
    status = "Accepted" if state.upkeep.upload is None else "AcceptedCanceled"
    state, effects = _replaced(state, upload)
    return state, (*result(state, call, {"status": status, "filename": upload.file_name}), *effects)


def _replaced(state: CentralSystem, upload: Upload) -> Turn:
    before = state.upkeep.upload
    state, effects = go_on(state, upload)
    state, more = keep(state, (uploads.put(state.upkeep.notifications.rows, upload),))
    state, told_backend = say(state, upload.status("Uploading"))
    given_up = () if before is None else (AbandonJob(before.job),)
    return _last_word(state, "Uploading"), (*given_up, *effects, *more, *told_backend)


def go_on(state: CentralSystem, upload: Upload) -> Turn:
    job = state.upkeep.next_job
    upload = replace(upload, job=job, retry_at=None)
    return replace(state, upkeep=replace(state.upkeep, upload=upload, next_job=job + 1)), (upload.order(),)


def uploaded(state: CentralSystem, event: LogUploaded, now: Now) -> Turn:
    upload = state.upkeep.upload
    if upload is None or upload.job != event.job:
        return state, ()
    again = uploads.failed(upload, now.mono) if event.problem else None
    state = replace(state, upkeep=replace(state.upkeep, upload=again))
    rows = state.upkeep.notifications.rows
    if again is not None:
        return keep(state, (uploads.put(rows, again),))
    word = "UploadFailure" if event.problem else "Uploaded"
    state, effects = keep(_last_word(state, word), (uploads.delete(rows),))
    state, more = say(state, upload.status(word))
    return state, (*effects, *more)


def _last_word(state: CentralSystem, word: str) -> CentralSystem:
    return replace(state, upkeep=replace(state.upkeep, uploaded=word))
