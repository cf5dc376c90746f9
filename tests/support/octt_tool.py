"""The central system of the compliance cases: what the peer's process heard, and orders to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from support.rig import Rig, eventually
from support.strict import IDENTITY


@dataclass(frozen=True, slots=True)
class Message:
    """A call of the station. `position`: its place in everything that was said."""

    position: int
    params: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - any member of a payload
        return self.params[name]


@dataclass
class Tool:
    """The central system: the peer's process, what it said so far, and orders to it."""

    rig: Rig
    heard: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    presented: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    _offset: int = 0

    def events(self) -> list[dict[str, Any]]:
        """Everything so far; the log is read on from where it was left."""
        with (self.rig.directory / "backend.log").open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                if line.startswith(b"{"):
                    self.heard.append(json.loads(line))
        return self.heard

    def of(self, event: str, since: int = 0, **fields: object) -> list[dict[str, Any]]:
        return [seen for seen in self.events()[since:] if seen["event"] == event and _fits(seen, fields)]

    def calls(self, method: str, since: int = 0, **params: object) -> list[Message]:
        """The station's calls of this method with these parameters, oldest first."""
        found = enumerate(self.events()[since:], since)
        told = ((at, seen) for at, seen in found if seen["event"] == "call" and seen["method"] == method)
        return [Message(at, seen["params"]) for at, seen in told if _fits(seen["params"], params)]

    def order(self, **order: object) -> None:
        self.rig.tell_backend(json.dumps({"id": IDENTITY, **order}))

    def arrange(self, **order: object) -> None:
        """Give an order, and wait until it holds."""
        since = len(self.events())
        self.order(**order)
        eventually(f"{order} holds", lambda: self.of("arranged", since))

    def ask(self, method: str, params: Mapping[str, object]) -> dict[str, Any]:
        """Send a call; the event of its answer: `result`, or `code` of the error."""
        since = len(self.events())
        self.order(method=method, params=params)

        def answer() -> list[dict[str, Any]]:
            return [*self.of("result", since, method=method), *self.of("error", since, method=method)]

        eventually(f"an answer to {method}", answer)
        return answer()[0]

    def statuses(self, connector: int, since: int = 0) -> list[str]:
        return [each["status"] for each in self.calls("StatusNotification", since, connectorId=connector)]

    def complaints(self, since: int = 0) -> list[dict[str, Any]]:
        """Every frame that broke the protocol or a schema."""
        return [*self.of("strict_failure", since), *self.of("bad_message", since)]

    def online(self) -> bool:
        return self.rig.online()


def _fits(seen: Mapping[str, Any], wanted: Mapping[str, object]) -> bool:
    return all(name in seen and seen[name] == value for name, value in wanted.items())
