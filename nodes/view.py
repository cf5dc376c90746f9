"""Keeps the newest report of everything: actors tell it, metrics, gRPC and the live table read it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import TypeAlias, assert_never

from msgspec import Struct
from msgspec.structs import replace

from actors.address import Address
from actors.supervision import ChildFigures, Crashed, GaveUp, Quarantined, Restarted, SupervisionReport
from park.charging.report import ChargePointReported
from park.exchange.server_link import LinkReported
from park.load.group import load_on
from park.load.report import CircuitReported, EpochTaken, LimitReported, LimitsReported, ShareReported
from park.load.rivalry import StandingReported
from park.model.electric import PHASE_NAMES
from park.model.metering import MeterReported
from park.model.time import Now
from park.ocpp.effects import BackendReported
from park.view import ActorRow, BackendRow, ChargePointRow, CircuitPhase, CircuitRow, MeterRow, NodeReported, ParkView

ViewReport: TypeAlias = (
    ChargePointReported
    | CircuitReported
    | ShareReported
    | LimitsReported
    | EpochTaken
    | MeterReported
    | BackendReported
    | NodeReported
    | LinkReported
    | StandingReported
    | SupervisionReport
)


class ViewChanged(Struct, frozen=True):
    """Something in the view is new; a listener that hears it several times may look once."""


class ViewStore:
    """Told from any thread. Begins as what the configuration says: every row there, nothing known of it yet.

    `actors` gives the figures of this node's actors; they are read when somebody looks.
    """

    def __init__(self, node: str, configured: ParkView, actors: Callable[[], Iterable[ChildFigures]] = tuple) -> None:
        self._node = node
        self._park = configured.park
        self._actors = actors
        self._lock = threading.Lock()
        self._nodes = {row.name: row for row in configured.nodes}
        self._circuits = {row.name: row for row in configured.circuits}
        groups = [row.name for row in configured.circuits if "/" in row.name]
        self._loads = {load_on(group, phase): (group, phase) for group in groups for phase in range(len(PHASE_NAMES))}
        self._charge_points = {row.name: row for row in configured.charge_points}
        self._meters = {row.name: row for row in configured.meters}
        self._backend = configured.backend
        self._limits: tuple[LimitReported, ...] = configured.limits
        self._epoch = configured.epoch
        self._server_node: str | None = None
        self._listeners: tuple[Address[ViewChanged], ...] = ()

    def tell(self, message: ViewReport, /) -> None:
        """Take a report; the listeners hear of it on the caller's thread, after the lock is free."""
        with self._lock:
            self._take(message)
            listeners = self._listeners
        for listener in listeners:
            listener.tell(ViewChanged())

    def snapshot(self, now: Now) -> ParkView:
        """All that is known, immutable."""
        actors = tuple(
            ActorRow(each.name, self._node, each.state, each.restarts, each.dropped, each.quarantined, each.depth)
            for each in self._actors()
        )
        with self._lock:
            return ParkView(
                self._park,
                now,
                self._epoch,
                tuple(self._nodes.values()),
                tuple(self._circuits.values()),
                tuple(self._charge_points.values()),
                tuple(self._meters.values()),
                self._backend,
                actors,
                self._limits,
            )

    @contextmanager
    def told(self, listener: Address[ViewChanged]) -> Generator[None]:
        """Tell `listener` of every change, within the block."""
        with self._lock:
            self._listeners = (*self._listeners, listener)
        try:
            yield
        finally:
            with self._lock:
                self._listeners = tuple(each for each in self._listeners if each is not listener)

    def _take(self, report: ViewReport) -> None:
        match report:
            case ChargePointReported():
                self._charge_points[report.name] = self._charge_point(report)
            case CircuitReported():
                self._circuits[report.circuit] = self._circuit(report)
            case ShareReported():
                self._share(report)
            case LimitsReported(limits):
                self._limits = limits
            case EpochTaken():
                self._epoch = report.epoch
            case MeterReported():
                self._meters[report.meter] = self._meter(report)
            case BackendReported():
                self._backend = _backend(report)
            case LinkReported():
                self._server(report)
            case StandingReported():
                row = replace(self._nodes[self._node], standing=report.standing.value, why=report.why or None)
                self._nodes[self._node] = row
            case NodeReported():
                self._nodes[report.name] = report
            case Crashed() | Restarted() | Quarantined() | GaveUp():
                pass  # the figures are read afresh
            case _:
                assert_never(report)

    def _share(self, report: ShareReported) -> None:
        """Of a charge point, or the budget of a group on one phase."""
        if known := self._charge_points.get(report.charge_point):
            self._charge_points[report.charge_point] = replace(known, share=report)
        elif load := self._loads.get(report.charge_point):
            group, number = load
            row = self._circuits[group]
            phases = list(row.phases)
            phases[number] = replace(
                phases[number],
                available_ma=report.granted_ma,
                committed_ma=report.committed_ma,
                bound_by=next((reason.limit for reason in report.reason), None),
            )
            self._circuits[group] = replace(row, phases=(phases[0], phases[1], phases[2]))

    def _server(self, report: LinkReported) -> None:
        """Of a client: its server is a node like others, alive while it is heard; else the board says why it is not."""
        self._nodes[self._node] = replace(self._nodes[self._node], why=report.why or None)
        if report.state == "up":
            self._server_node = report.server
        if self._server_node is not None:
            up = report.state == "up"
            row = NodeReported(self._server_node, "server", "alive" if up else "gone", math.inf if up else None)
            self._nodes[self._server_node] = row

    def _charge_point(self, report: ChargePointReported) -> ChargePointRow:
        known = self._charge_points.get(report.name)
        return ChargePointRow(
            name=report.name,
            node=report.node,
            connector=report.connector,
            circuit=report.circuit,
            phases=(1, 2, 3) if known is None else known.phases,
            state=report.state,
            ocpp_status=report.ocpp_status,
            grant=report.grant,
            contactor_closed=report.contactor_closed,
            signalled_ma=report.signalled_ma,
            measured_ma=report.measured_ma,
            fallback_ma=report.fallback_ma,
            energy_wh=report.energy_wh,
            session=report.session,
            faults=report.faults,
            share=None if known is None else known.share,
            rated_ma=None if known is None else known.rated_ma,
        ).with_cable(report.cable_ma)

    def _circuit(self, report: CircuitReported) -> CircuitRow:
        known = self._circuits.get(report.circuit)
        l1, l2, l3 = (
            CircuitPhase(
                limit_ma=report.limit_ma[phase],
                available_ma=report.available_ma[phase],
                committed_ma=report.committed_ma[phase],
                measured_ma=None if report.measured_ma is None else report.measured_ma[phase],
                external_ma=report.external_ma[phase],
                bound_by=report.bound_by[phase],
            )
            for phase in range(len(PHASE_NAMES))
        )
        return CircuitRow(
            report.circuit,
            report.parent,
            None if known is None else known.meter,
            (l1, l2, l3),
            report.holding,
            report.unconfirmed,
            report.silent,
        )

    def _meter(self, report: MeterReported) -> MeterRow:
        node, _, of_board = report.meter.partition("/")
        known = self._meters.get(report.meter) or MeterRow(report.meter, node if of_board else self._node)
        known = replace(
            known, quality=report.quality, taken=report.mono, failures=report.failures, problem=report.problem
        )
        sample = report.sample
        if sample is None:
            return known
        return replace(known, currents_ma=sample.currents_ma, power_w=sample.power_w, energy_wh=sample.energy_wh)


def _backend(report: BackendReported) -> BackendRow:
    return BackendRow(
        report.state,
        report.why or None,
        report.queue_depth,
        report.oldest_at,
        report.dead_letters,
        report.repeats,
        report.unanswered,
    )
