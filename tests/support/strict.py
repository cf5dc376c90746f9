"""The strict central system of the peers as the backend of a rig: what it received, and orders to it."""

from __future__ import annotations

import json
from typing import Any

from support.rig import Rig, eventually

IDENTITY = "RIG"  # as the rig's configuration has it


class StrictBackend:
    """Everything it says is in the rig's log `backend`, one JSON object a line."""

    def __init__(self, rig: Rig, *tls: str) -> None:
        self._rig = rig
        rig.start_strict_backend(*tls)
        eventually("the strict backend listens", lambda: self.of("listening"))

    def events(self) -> list[dict[str, Any]]:
        lines = self._rig.log("backend").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]

    def of(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """The events of this name with these fields, oldest first."""
        wanted = {"event": event, **fields}
        return [seen for seen in self.events() if wanted.items() <= seen.items()]

    def calls(self, method: str, **params: object) -> list[dict[str, Any]]:
        """The parameters of the calls of this method with these parameters among them, oldest first."""
        found = [seen["params"] for seen in self.of("call", method=method)]
        return [each for each in found if params.items() <= each.items()]

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a command; the event of its answer: `result`, or `code` of the error."""
        before = len(self.events())
        self._order(method=method, params=params)
        eventually(f"an answer to {method}", lambda: self._answer(method, before))
        return self._answer(method, before)[0]

    def raw(self, text: str, times: int = 1) -> None:
        """Send `times` times the text as one frame, whatever it is."""
        self._order(raw=text, times=times)

    def complaints(self) -> list[dict[str, Any]]:
        """Every frame, of ours or its own, that broke the protocol or a schema."""
        return [*self.of("strict_failure"), *self.of("bad_message")]

    def _answer(self, method: str, before: int) -> list[dict[str, Any]]:
        kinds = {"result", "error"}
        return [seen for seen in self.events()[before:] if seen["event"] in kinds and seen["method"] == method]

    def _order(self, **order: object) -> None:
        self._rig.tell_backend(json.dumps({"id": IDENTITY, **order}))
