"""GetDiagnostics and GetLog: one upload at a time, tried as often as the backend asks, gone on with after a restart."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TypedDict, cast

from msgspec import Struct
from msgspec.structs import replace

from park.model.storage import Delete, Put
from park.ocpp.link import Payload
from park.ocpp.maintenance import LogKind, UploadLog, transferable, tries_of
from park.ocpp.rows import Rows
from park.ocpp.wire import instant, integer_of, iso, member, text_of

MAINTENANCE = "maintenance"  # table
UPLOAD = "upload"
FILE_NAME_LENGTH = 255  # OCPP 1.6 §6.26


class Upload(Struct, frozen=True):
    """`request`: of GetLog, None for GetDiagnostics. `retry_at`: mono of the next try, None while one is under way."""

    kind: LogKind
    url: str
    file_name: str
    since: datetime | None
    until: datetime | None
    tries_left: int
    interval: float
    request: int | None
    job: int = 0
    retry_at: float | None = None

    def order(self) -> UploadLog:
        return UploadLog(self.job, self.kind, self.url, self.file_name, self.since, self.until)

    def status(self, word: str) -> tuple[str, Payload]:
        """The notification of GetLog or of GetDiagnostics; `word` as GetLog has it."""
        if self.request is not None:
            return "LogStatusNotification", {"status": word, "requestId": self.request}
        return "DiagnosticsStatusNotification", {"status": "UploadFailed" if word == "UploadFailure" else word}


class _UploadRow(TypedDict):
    kind: str
    url: str
    file_name: str
    since: str | None
    until: str | None
    tries_left: int
    interval: float
    request: int | None


def of_diagnostics(payload: Payload, identity: str, at: datetime) -> Upload | None:
    """GetDiagnostics.req, OCPP 1.6 §6.25; None: nothing can be brought to that location. Times are honoured (B-186)."""
    tries, interval = tries_of(payload)
    url = text_of(payload, "location") or ""
    if not transferable(url):
        return None
    kind, name = LogKind.DIAGNOSTICS, _file_name(identity, LogKind.DIAGNOSTICS, at)
    since, until = instant(payload.get("startTime")), instant(payload.get("stopTime"))
    return Upload(kind, url, name, since, until, tries, interval, None)


def of_log(payload: Payload, identity: str, at: datetime) -> Upload | None:
    """GetLog.req, white paper §5.5; None as above."""
    tries, interval = tries_of(payload)
    log = member(payload, "log")
    url = text_of(log, "remoteLocation") or ""
    request = integer_of(payload, "requestId")
    if not transferable(url) or request is None:
        return None
    kind = LogKind(text_of(payload, "logType"))
    since, until = instant(log.get("oldestTimestamp")), instant(log.get("latestTimestamp"))
    return Upload(kind, url, _file_name(identity, kind, at), since, until, tries, interval, request)


def _file_name(identity: str, kind: LogKind, at: datetime) -> str:
    safe = re.sub(r"[^A-Za-z0-9._-]", "-", identity)[:100]
    return f"{safe}-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{kind.value}.tar.gz"


def put(rows: Rows, upload: Upload) -> Put:
    row: _UploadRow = {
        "kind": upload.kind.value,
        "url": upload.url,
        "file_name": upload.file_name,
        "since": None if upload.since is None else iso(upload.since),
        "until": None if upload.until is None else iso(upload.until),
        "tries_left": upload.tries_left,
        "interval": upload.interval,
        "request": upload.request,
    }
    return rows.put(MAINTENANCE, UPLOAD, json.dumps(row, separators=(",", ":")))


def delete(rows: Rows) -> Delete:
    return rows.delete(MAINTENANCE, UPLOAD)


def upload_of(body: str) -> Upload | None:
    """What a restart interrupted; None when the row cannot be read: the backend asks again."""
    try:
        row = cast("_UploadRow", json.loads(body))
        return Upload(
            LogKind(row["kind"]),
            str(row["url"]),
            str(row["file_name"]),
            instant(row["since"]),
            instant(row["until"]),
            int(row["tries_left"]),
            float(row["interval"]),
            row["request"],
        )
    except (ValueError, KeyError, TypeError):
        return None


def failed(upload: Upload, mono: float) -> Upload | None:
    """After a try that failed; None: it was the last."""
    if upload.tries_left <= 1:
        return None
    return replace(upload, tries_left=upload.tries_left - 1, retry_at=mono + upload.interval)
