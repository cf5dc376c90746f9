"""Hears what the embedded backend answers: when a node, or the facts of a board, are heard again after a death."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

LOOK_SECONDS = 0.02  # the grain of every figure
FACTS = {"StartTransaction", "MeterValues"}  # what names its connector and its time


@dataclass(slots=True)
class _Wait:
    """`connectors`: of a board, whose facts count when they are younger than its death; None: any frame counts."""

    died_at: float
    connectors: frozenset[int] | None
    wall: datetime
    idle: float = 0.0  # seconds nobody started it again

    def ends(self, action: str, payload: dict[str, object], *, is_first: bool) -> bool:
        if self.connectors is None:
            return is_first
        if action not in FACTS or payload["connectorId"] not in self.connectors:
            return False
        return _time_of(payload) > self.wall


@dataclass
class Answered:
    """Reads the backend's events as they are written, until closed. `seconds`: by node, from each death on."""

    log: Path
    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    _waits: dict[str, _Wait] = field(default_factory=dict[str, _Wait])
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)
    _is_first: bool = False

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join(10)

    def died(self, node: str, connectors: frozenset[int] | None) -> None:
        """Wait for its next frame; a death that comes before it counts instead."""
        with self._lock:
            self._waits[node] = _Wait(time.monotonic(), connectors, datetime.now(UTC))

    def started(self, node: str) -> None:
        """The seconds in which nobody started it again do not count."""
        with self._lock:
            if node in self._waits:
                self._waits[node].idle = time.monotonic() - self._waits[node].died_at

    def _watch(self) -> None:
        with self.log.open(encoding="utf-8") as log:
            line = ""
            while not self._over.is_set():
                line += log.readline()
                if not line.endswith("\n"):
                    self._over.wait(LOOK_SECONDS)
                    continue
                if line.startswith("{"):
                    self._hear(json.loads(line))
                line = ""

    def _hear(self, event: dict[str, object]) -> None:
        if event["event"] == "connected":
            self._is_first = True
        if event["event"] != "call":
            return
        action, payload = str(event["action"]), event["payload"]
        assert isinstance(payload, dict)
        with self._lock:
            for node, wait in list(self._waits.items()):
                if wait.ends(action, payload, is_first=self._is_first):
                    del self._waits[node]
                    self.seconds.setdefault(node, []).append(time.monotonic() - wait.died_at - wait.idle)
        self._is_first = False


def _time_of(payload: dict[str, object]) -> datetime:
    values = payload.get("meterValue")
    text = values[0]["timestamp"] if isinstance(values, list) else payload["timestamp"]
    return datetime.fromisoformat(str(text))
