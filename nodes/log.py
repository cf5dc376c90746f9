"""Logs for people and machines: one event is one line on stderr, as key=value or JSON, and never an id tag in clear.

Everything logs through the standard library (`logging.getLogger(__name__)`) or structlog; both end here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import sys
from collections.abc import Callable
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LEVELS = ("debug", "info", "warning", "error")
QUIETER = {  # libraries that tell every frame at the level info
    "ocpp": logging.WARNING,
    "pymodbus": logging.CRITICAL,  # and every failed try as a warning; the meter edge says it once
    "websockets": logging.WARNING,
    "grpc": logging.WARNING,
    "zeroconf": logging.CRITICAL,  # what fails there is an OSError, which the discovery edge tells
}
FIRST_KEYS = ("at", "level", "logger", "event")
_KEY = os.urandom(16)
_TAG = re.compile(
    r"""((?:id_?tag|id_?token|emaid|parent_?(?:id_?)?tag|session_tag|\bmac)\\*["']?\s*[=:]\s*)(?:(\\*["'])([^"'\\]*)|([^\s"'\\,;(){}\[\]]+))""",
    re.IGNORECASE,
)
_NO_TAG = {"", "none", "null"}
_HIDDEN = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_ESCAPES = {code: f"\\u{code:04x}" for code in _HIDDEN}  # also within JSON the same character
"""C0, C1, line separators and the marks that turn the direction of writing: what could forge or hide a line."""


def configure(*, as_json: bool = False, level: str = "info", stream: TextIO | None = None) -> None:
    """Send all logs of the process to `stream` (stderr); `level` is one of `LEVELS`."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(as_json=as_json))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    for name, quiet in QUIETER.items():
        logging.getLogger(name).setLevel(logging.INFO if level == "debug" else quiet)
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def safe(line: str) -> str:
    """The line without control characters and with id tags replaced by marks that are the same within this process."""
    return _TAG.sub(_masked, visible(line))


def visible(text: str) -> str:
    """The text with control characters escaped."""
    return text.translate(_ESCAPES)


def mark(id_tag: str) -> str:
    """A name for an id tag that can be compared within one log, and not be turned back into the tag."""
    return "tag-" + hashlib.blake2b(id_tag.upper().encode(), digest_size=4, key=_KEY).hexdigest()


def _masked(found: re.Match[str]) -> str:
    before, quote, quoted, bare = found.groups()
    tag = quoted if quote else bare
    return found[0] if tag.lower() in _NO_TAG else f"{before}{quote or ''}{mark(tag)}"


def _shared() -> list[Processor]:
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
    ]


def _formatter(*, as_json: bool) -> logging.Formatter:
    write = _json if as_json else _key_value
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _line(write)],
    )


def _line(write: Callable[[EventDict], str]) -> Callable[[WrappedLogger, str, EventDict], str]:
    def render(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
        first = {key: event[key] for key in FIRST_KEYS if key in event}
        return safe(write({**first, **event}))

    return render


def _key_value(event: EventDict) -> str:
    return " ".join(f"{_word(str(key))}={_word(str(value))}" for key, value in event.items())


def _word(text: str) -> str:
    plain = text and not any(letter in ' ="\\' or letter.isspace() for letter in text)
    return text if plain else json.dumps(text, ensure_ascii=False)


def _json(event: EventDict) -> str:
    return json.dumps(event, default=repr, ensure_ascii=False)
