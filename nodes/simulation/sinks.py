"""Where a simulated board's reports end: what matters to the outcome is kept, the rest is gone."""

from __future__ import annotations

from actors.messages import Alarm, Report
from actors.supervision import Crashed, GaveUp, SupervisionReport
from park.ocpp.effects import BackendReported


class KeptReports:
    """The view: how long the queue to the backend was."""

    def __init__(self) -> None:
        self.longest_queue = 0
        self.left_in_queue = 0
        self.dead_letters = 0

    def tell(self, message: Report, /) -> None:
        if type(message) is BackendReported:
            self.left_in_queue, self.dead_letters = message.queue_depth, message.dead_letters
            self.longest_queue = max(self.longest_queue, message.queue_depth)


class KeptAlarms:
    """What a technician would have been told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def tell(self, message: Alarm, /) -> None:
        self.texts.append(f"{message.code}: {message.text}")


class KeptCrashes:
    """Crashes in a simulation are findings."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def tell(self, message: SupervisionReport, /) -> None:
        match message:
            case Crashed():
                self.texts.append(f"{message.name} at {message.handling}: {message.error}\n{message.trace}")
            case GaveUp(name, error):
                self.texts.append(f"{name} gave up: {error}")
            case _:
                pass
