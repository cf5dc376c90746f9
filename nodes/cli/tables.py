"""The park view as tables in a terminal; unknown is a dash, never 0."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from nodes.log import visible
from park.charging.report import ReportedSession
from park.load.rivalry import Standing
from park.model.electric import PHASE_NAMES, PerPhase
from park.model.metering import Quality
from park.view import BackendRow, ChargePointRow, CircuitRow, MeterRow, NodeReported, ParkView
from park.view.words import binding, in_words

UNKNOWN = "–"


def page(view: ParkView) -> RenderableType:
    """Everything a technician asks first, most important last, where the eye is after the command."""
    return Group(*(part for part in _parts(view)))


def _parts(view: ParkView) -> Iterator[RenderableType]:
    at = view.now.wall.isoformat(sep=" ", timespec="seconds")
    yield Text.assemble((f"park {view.park}", "bold"), f"  {at}  epoch {_known(view.epoch)}")
    yield _nodes(view)
    yield from _notes(view)
    yield from _backend(view)
    if view.meters:
        yield _meters(view)
    if view.circuits:
        yield _circuits(view)
    yield _charge_points(view)
    if any(row.session for row in view.charge_points):
        yield _sessions(view)
    yield from _faults(view)
    yield from _troubled_actors(view)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        title, _, side = column.partition(">")
        table.add_column(
            title, justify="right" if side == "right" else "left", overflow="fold", no_wrap=side == "right"
        )
    return table


def _nodes(view: ParkView) -> Table:
    table = _table("node", "role", "state", "seen>right", "version", "restarts>right")
    for row in view.nodes:
        seen = UNKNOWN if row.last_seen is None else f"{max(view.now.mono - row.last_seen, 0.0):.1f} s ago"
        table.add_row(
            _plain(row.name),
            row.role,
            _coloured(*_node_state(row)),
            seen,
            row.version or UNKNOWN,
            _known(row.restarts),
        )
    return table


def _node_state(row: NodeReported) -> tuple[str, bool]:
    """In words, and whether all is well."""
    if row.standing is None or row.standing == Standing.LEADS.value:
        return row.state, row.state == "alive"
    return f"{row.state}, {row.standing}", False


def _notes(view: ParkView) -> Iterator[Text]:
    for row in view.nodes:
        if row.why is not None:
            yield Text.assemble((f"{visible(row.name)}: ", "yellow"), visible(row.why))


def _backend(view: ParkView) -> Iterator[RenderableType]:
    row = view.backend
    if row is None:
        yield Text(f"backend {UNKNOWN}")
        return
    text = Text("backend ")
    text.append(row.state, "green" if row.state == "online" else "yellow")
    text.append(f"  queue {_known(row.queue_depth)}{_oldest(row, view)}  dead letters {_known(row.dead_letters)}")
    if row.why and row.state != "online":
        text.append(f"  {visible(row.why)}")
    yield text


def _oldest(row: BackendRow, view: ParkView) -> str:
    if row.oldest_at is None:
        return ""
    return f" (oldest {max((view.now.wall - row.oldest_at).total_seconds(), 0.0):.0f} s)"


def _meters(view: ParkView) -> Table:
    table = _table("meter", "quality", "age>right", "L1 L2 L3>right", "power>right", "problem")
    for row in view.meters:
        table.add_row(
            _plain(row.name),
            _coloured(row.quality.value, row.quality is Quality.FRESH),
            _meter_age(row, view),
            _currents(row.currents_ma),
            UNKNOWN if row.power_w is None else f"{row.power_w} W",
            _plain(row.problem or ""),
        )
    return table


def _meter_age(row: MeterRow, view: ParkView) -> str:
    return UNKNOWN if row.taken is None else f"{max(view.now.mono - row.taken, 0.0):.1f} s"


def _circuits(view: ParkView) -> Table:
    table = _table(
        "circuit", "limit>right", "others>right", "available>right", "committed>right", "measured>right", "bound by"
    )
    for row in view.circuits:
        for name, phase in zip(PHASE_NAMES, row.phases, strict=True):
            table.add_row(
                f"{_circuit_name(row)} {name}",
                _amps(phase.limit_ma),
                _amps(phase.external_ma),
                _amps(phase.available_ma),
                _amps(phase.committed_ma),
                _amps(phase.measured_ma),
                UNKNOWN if phase.bound_by is None else _plain(binding(phase.bound_by)),
            )
    return table


def _circuit_name(row: CircuitRow) -> str:
    name = _plain(row.name)
    return f"{name} [yellow]holding[/]" if row.holding else name


def _charge_points(view: ParkView) -> Table:
    table = _table(
        "charge point", "id>right", "state", "status", "granted>right", "signalled>right", "measured L1 L2 L3>right"
    )
    for row in view.charge_points:
        table.add_row(
            _plain(row.name),
            _known(row.connector),
            UNKNOWN if row.state is None else row.state.value,
            _status(row),
            _amps(row.grant.amps_ma if row.grant else None),
            _amps(row.signalled_ma),
            _currents(row.measured_ma),
        )
    return table


def _sessions(view: ParkView) -> Table:
    table = _table("charge point", "session", "why this current")
    for row in view.charge_points:
        if row.session is not None:
            table.add_row(_plain(row.name), _session(row.session), _plain(_why(row)))
    return table


def _status(row: ChargePointRow) -> str:
    if row.ocpp_status is None:
        return UNKNOWN
    return _coloured(row.ocpp_status.value, not row.faults)


def _session(session: ReportedSession) -> str:
    energy = UNKNOWN if session.energy_wh is None else f"{session.energy_wh / 1000:.2f} kWh"
    number = "" if session.transaction is None else f"#{session.transaction} "
    return f"{number}{energy} by {_plain(session.authorized_by)}"


def _why(row: ChargePointRow) -> str:
    reason = row.grant.reason if row.grant else row.share.reason if row.share else ()
    return "; ".join(in_words(link) for link in reason)


def _faults(view: ParkView) -> Iterator[RenderableType]:
    for row in view.charge_points:
        for fault in row.faults:
            since = fault.since.isoformat(sep=" ", timespec="seconds")
            yield Text.assemble(
                (f"{row.name} {fault.code}", "bold red"), visible(f" since {since}: {fault.cause} → {fault.remedy}")
            )


def _troubled_actors(view: ParkView) -> Iterator[RenderableType]:
    for row in view.actors:
        if row.state != "running" or row.restarts or row.quarantined:
            counts = f"{row.restarts} restarts, {row.dropped} dropped, {row.quarantined} quarantined"
            yield Text.assemble((f"actor {row.name} {row.state}", "yellow"), f" on {row.node}: {counts}")


def _coloured(text: str, good: bool) -> str:
    return f"[{'green' if good else 'yellow'}]{_plain(text)}[/]"


def _plain(text: str) -> str:
    """What a device or another board said, without marks that would colour or steer the terminal."""
    return escape(visible(text))


def _amps(current_ma: int | None) -> str:
    return UNKNOWN if current_ma is None else f"{current_ma / 1000:.1f} A"


def _currents(currents_ma: PerPhase | None) -> str:
    return UNKNOWN if currents_ma is None else f"{' '.join(f'{current / 1000:.1f}' for current in currents_ma)} A"


def _known(value: object) -> str:
    return UNKNOWN if value is None else str(value)
