"""What a node writes to its log: every change once, in words a technician can act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from actors.address import Address
from actors.messages import Report
from actors.supervision import Crashed, GaveUp, SupervisionReport
from nodes.bridge import EdgeFailed, EdgeReport
from nodes.field.clock import BoardClock
from park.charging.report import ChargePointReported, ReportedFault
from park.exchange.server_link import LinkReported
from park.load.rivalry import Standing, StandingReported
from park.model.alarm import Alarm
from park.model.metering import MeterReported, Quality
from park.ocpp.effects import BackendReported, ClockOffered
from park.view.rows import NodeReported

ALARM_AGAIN_SECONDS = 600.0  # an alarm that is raised on and on is told this often: a log must not fill the disk
_log = structlog.get_logger("node")


class Changes:
    """Told what the actors report, from any thread; tells of faults, meters and the backend, and passes all on."""

    def __init__(self, onwards: Address[Report]) -> None:
        self._onwards = onwards
        self._faults: dict[str, Mapping[str, ReportedFault]] = {}
        self._qualities: dict[str, Quality] = {}
        self._backend: tuple[str, str] | None = None
        self._boards: dict[str, str] = {}

    def tell(self, message: Report, /) -> None:
        match message:
            case ChargePointReported():
                self._charge_point(message)
            case MeterReported():
                self._meter(message)
            case BackendReported():
                self._link(message)
            case LinkReported():
                self._server(message)
            case NodeReported():
                self._board(message)
            case _:
                pass
        self._onwards.tell(message)

    def _charge_point(self, report: ChargePointReported) -> None:
        before = self._faults.get(report.name, {})
        if not before and not report.faults:
            return
        now = {fault.code: fault for fault in report.faults}
        self._faults[report.name] = now
        for code, fault in now.items():
            if code not in before:
                _log.warning("fault", charge_point=report.name, code=code, cause=fault.cause, remedy=fault.remedy)
        for code in before:
            if code not in now:
                _log.info("fault cleared", charge_point=report.name, code=code)

    def _meter(self, report: MeterReported) -> None:
        if self._qualities.get(report.meter) is report.quality:
            return
        self._qualities[report.meter] = report.quality
        if report.quality is Quality.FRESH:
            _log.info("meter is read", meter=report.meter)
        else:
            _log.warning(
                "meter is not believed", meter=report.meter, quality=report.quality.value, problem=report.problem
            )

    def _link(self, report: BackendReported) -> None:
        before, self._backend = self._backend, (report.state, report.why)
        if before in {None, self._backend}:  # the first report says that nothing was tried yet
            return
        tell = _log.warning if report.state in {"offline", "rejected"} else _log.info
        tell("backend", state=report.state, why=report.why)

    def _server(self, report: LinkReported) -> None:
        if report.state == "up":
            _log.info("connected to the server", server=report.server, server_id=report.server_id)
        elif report.state != "greeting":
            _log.warning("no server is heard: on its own", state=report.state, why=report.why)

    def _board(self, report: NodeReported) -> None:
        before, self._boards[report.name] = self._boards.get(report.name), report.state
        if before is None or before == report.state:
            return
        tell = _log.info if report.state == "alive" else _log.warning
        tell("board", board=report.name, state=report.state)


class Edges:
    """A wire that fails shows in `Changes`; an edge that fails by a defect of ours is told here, with its trace."""

    def tell(self, message: EdgeReport, /) -> None:
        match message:
            case EdgeFailed(trace=""):
                _log.debug("edge failed", edge=message.name, error=message.error, again_in=message.again_in)
            case EdgeFailed():
                _log.error("edge failed", edge=message.name, error=message.error, trace=message.trace)
            case _:
                _log.error(
                    "edge given up until the node restarts", edge=message.name, error=message.error, trace=message.trace
                )


class ServerEdge:
    """The way to the server: each other reason once, as a warning: without it a board signals its lapse currents."""

    def __init__(self) -> None:
        self._told = ""

    def tell(self, message: EdgeReport, /) -> None:
        if isinstance(message, EdgeFailed) and not message.trace:
            if message.error != self._told:
                _log.warning("no connection to the server", reason=message.error)
            self._told = message.error
            return
        Edges().tell(message)


class Alarms:
    """Told by actors; `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._told: dict[str, tuple[str, float]] = {}

    def tell(self, message: Alarm, /) -> None:
        text, at = self._told.get(message.code, ("", 0.0))
        now = self._clock()
        if text == message.text and now < at + ALARM_AGAIN_SECONDS:
            return
        self._told[message.code] = (message.text, now)
        _log.error("alarm", code=message.code, text=message.text)


def standing(report: StandingReported) -> None:
    """What a server does beside others of its park, and what to do about them."""
    if report.standing is Standing.LEADS:
        _log.info("leads the park", epoch=report.voice.epoch)
    elif report.suspects:
        _log.warning(f"this server {report.standing.value}", epoch=report.voice.epoch, why=report.why)


class Clock:
    """A better clock than this board's was heard. A clock that was never set follows it; another is only told of."""

    def __init__(self, clock: BoardClock, *, always: bool = False) -> None:
        self._clock, self._always = clock, always

    def tell(self, message: ClockOffered, /) -> None:
        seconds = round(message.offset_seconds, 1)
        if self._always or not self._clock.known:
            self._clock.follow(message.offset_seconds)
            _log.warning("this board follows another clock", seconds=seconds)
        else:
            _log.warning("the backend's clock differs from this board's", seconds=seconds)


class Supervision:
    """Reports of supervision, with the trace of a crash; passed on."""

    def __init__(self, onwards: Address[SupervisionReport]) -> None:
        self._onwards = onwards

    def tell(self, message: SupervisionReport, /) -> None:
        match message:
            case Crashed():
                _log.error(
                    "actor crashed",
                    actor=message.name,
                    error=message.error,
                    handling=message.handling,
                    again_in=message.again_in,
                    trace=message.trace,
                )
            case GaveUp():
                _log.error("actor given up: see the crashes before", actor=message.name, error=message.error)
            case _:
                _log.warning("supervision", report=str(message))
        self._onwards.tell(message)
