"""The demo on a terminal: phases against the fuse, charge points with their reasons, the backend's transactions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Literal, TypeAlias

from msgspec import Struct
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nodes.log import visible
from nodes.virtual.ledger import LedgerEntry
from park.model.electric import PHASE_NAMES
from park.model.grant import Reason
from park.view import ChargePointRow, CircuitPhase, ParkView
from park.view.words import LIMITS

Side: TypeAlias = Literal["left", "right"]
UNKNOWN = "–"
BAR = 36  # characters for the fuse's current
OTHER_LINES = 10  # titles, the backend and blank lines: all but circuits, charge points, boards, lists and addresses
SHORTEST_LIST = 3
COLUMNS: tuple[tuple[str, int, Side], ...] = (  # title, width on the narrowest terminal
    ("point", 5, "left"),
    ("pilot", 5, "left"),
    ("status", 13, "left"),
    ("granted", 7, "right"),
    ("signal", 6, "right"),
    ("measured A", 14, "right"),
    ("session", 7, "right"),
)
COLOURS = {
    "Available": "dim",
    "Preparing": "cyan",
    "Charging": "green",
    "SuspendedEV": "blue",
    "SuspendedEVSE": "yellow",
    "Finishing": "magenta",
    "Faulted": "bold red",
}


NODE_COLOURS = {"alive": "green", "suspect": "yellow", "gone": "bold red"}


class Scene(Struct, frozen=True):
    """All that is shown at one moment. `transactions`: the newest first; `told`: the story's newest last."""

    seconds: float
    left: float | None
    park: ParkView
    transactions: Sequence[LedgerEntry]
    told: Sequence[str]
    addresses: Sequence[tuple[str, str]]


def page(scene: Scene, height: int) -> RenderableType:
    """The whole terminal; the lists take the lines that are left."""
    park = scene.park
    circuits = sum(1 if row.parent else len(PHASE_NAMES) for row in park.circuits)
    boards = 2 if _several(park) else 0  # with a blank line
    taken = OTHER_LINES + circuits + len(park.charge_points) + boards + len(scene.addresses)
    return Group(*_parts(scene, max(height - taken, SHORTEST_LIST)))


def line(scene: Scene) -> str:
    """The same in one line, for a log."""
    park = scene.park
    charging = [point for point in park.charge_points if _currents(point) and max(_currents(point)) > 0]
    amps = " ".join(f"{_point(point.name, park)}={max(_currents(point)) / 1000:.1f}A" for point in charging)
    phases = " ".join(
        f"{name}={UNKNOWN if phase.measured_ma is None else f'{phase.measured_ma / 1000:.1f}A'}"
        for row in park.circuits
        if row.meter is not None
        for name, phase in zip(PHASE_NAMES, row.phases, strict=True)
    )
    lost = "".join(f"  {node.name} is {node.state}" for node in park.nodes if node.state != "alive")
    return f"{scene.seconds:4.0f} s  charging {len(charging)}  {amps or '(none)'}  {phases}  {_backend(park)}{lost}"


def _parts(scene: Scene, lines: int) -> Iterator[RenderableType]:
    left = "" if scene.left is None else f", {max(scene.left, 0.0):.0f} s to go"
    yield Text.assemble(
        ("chargepark demo", "bold"),
        f"   park {scene.park.park}   {scene.seconds:.0f} s{left}   ",
        ("Ctrl-C ends it", "dim"),
    )
    yield Text()
    if _several(scene.park):
        yield _nodes(scene.park)
        yield Text()
    yield _circuits(scene.park)
    yield Text()
    yield _charge_points(scene.park)
    yield Text()
    yield Text(_backend(scene.park), style="bold")
    yield _lists(scene, lines)
    yield Text()
    for name, address in scene.addresses:
        yield Text(f"{name:<9}{address}", style="dim", no_wrap=True, overflow="ellipsis")


def _several(park: ParkView) -> bool:
    """Whether the park has more boards than one."""
    return len(park.nodes) > 1


def _nodes(park: ParkView) -> Text:
    text = Text("boards", style="bold", no_wrap=True, overflow="ellipsis")
    for node in park.nodes:
        text.append(f"   {visible(node.name)} ", style="not bold")
        text.append(node.state, style=f"not bold {NODE_COLOURS.get(node.state, '')}")
        if node.state != "alive" and node.last_seen is not None:
            text.append(f", heard {max(park.now.mono - node.last_seen, 0.0):.0f} s ago", style="not bold")
    return text


def _circuits(park: ParkView) -> Table:
    """The grid phase by phase; each circuit that hangs on it by the phase that has least left."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(", ".join(row.name for row in park.circuits if not row.parent), no_wrap=True)
    table.add_column("", no_wrap=True, ratio=1)
    for title in ("A", "of", "house", "cars", "free"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in park.circuits:
        cars = _cars(row.name, park)
        if row.parent is None:
            for name, phase, current in zip(PHASE_NAMES, row.phases, cars, strict=True):
                table.add_row(name, *_metered(phase, current))
        else:
            limited = [(phase.limit_ma, current) for phase, current in zip(row.phases, cars, strict=True)]
            table.add_row(visible(row.name), *_unmetered(limited))
    return table


def _metered(phase: CircuitPhase, cars: int) -> tuple[RenderableType, ...]:
    if phase.measured_ma is None or phase.limit_ma is None:
        return ("the meter is not read", *([UNKNOWN] * 5))
    house = max(phase.measured_ma - cars, 0)  # the meters are not read at the same moment
    return (
        _bar(house / phase.limit_ma, (phase.measured_ma - house) / phase.limit_ma),
        _amps(phase.measured_ma),
        f"{phase.limit_ma / 1000:g}",
        _amps(house),
        _amps(phase.measured_ma - house),
        _amps(phase.limit_ma - phase.measured_ma),
    )


def _unmetered(phases: Sequence[tuple[int | None, int]]) -> tuple[RenderableType, ...]:
    known = [(limit - cars, limit, cars) for limit, cars in phases if limit is not None]
    if not known:
        return ("", *([UNKNOWN] * 5))
    free, limit, cars = min(known)
    return (_bar(0.0, cars / limit), _amps(cars), f"{limit / 1000:g}", "", _amps(cars), _amps(free))


def _cars(circuit: str, park: ParkView) -> tuple[int, int, int]:
    """Currents of all charge points that hang on a circuit, directly or further down."""
    below = {circuit}
    for row in park.circuits:  # each comes after its parent, as in the file
        if row.parent in below:
            below.add(row.name)
    currents = [_currents(point) for point in park.charge_points if point.circuit in below]
    l1, l2, l3 = (sum(phase) for phase in zip((0, 0, 0), *currents, strict=True))
    return l1, l2, l3


def _bar(house: float, cars: float) -> Text:
    """House and cars against the fuse; what is above it in red."""
    first = min(round(max(house, 0.0) * BAR), BAR)
    total = round(max(house + cars, 0.0) * BAR)
    both = max(min(total, BAR), first)
    over = "!" * min(max(total - BAR, 0), 3)
    return Text.assemble(
        ("█" * first, "blue"), ("█" * (both - first), "green"), ("·" * (BAR - both), "dim"), (over, "bold red")
    )


def _charge_points(park: ParkView) -> Table:
    table = Table(box=None, pad_edge=False, collapse_padding=True, header_style="bold", expand=True)
    for title, width, side in COLUMNS:
        table.add_column(title, justify=side, no_wrap=True, min_width=width)
    table.add_column("why", no_wrap=True, overflow="ellipsis", ratio=1)
    for row in park.charge_points:
        busy = row.session is not None
        table.add_row(
            _point(row.name, park),
            UNKNOWN if row.state is None else row.state.value,
            _status(row),
            _amps(row.grant.amps_ma) if busy and row.grant else "",
            _amps(row.signalled_ma) if busy else "",
            " ".join(_amps(current) for current in _currents(row)) if busy and row.measured_ma else "",
            "" if row.session is None else _energy(row.session.energy_wh),
            Text(visible(_because(row)), style="" if busy else "dim"),
        )
    return table


def _point(name: str, park: ParkView) -> str:
    """NODE/NAME; on a board alone the name will do."""
    return name if _several(park) else name.partition("/")[2]


def _status(row: ChargePointRow) -> Text:
    if row.faults:
        return Text(visible(row.faults[0].code), style="bold red")
    if row.ocpp_status is None:
        return Text(UNKNOWN)
    return Text(row.ocpp_status.value, style=COLOURS.get(row.ocpp_status.value, ""))


def _because(row: ChargePointRow) -> str:
    """The reason of the current in a few words; `chargepark status` has all of it."""
    if row.session is None:
        return "car waits for its card" if row.state is not None and row.state.value != "A" else ""
    words = [_link(link) for link in reversed(row.grant.reason if row.grant else ())]
    return ": ".join(words)


def _link(link: Reason) -> str:
    if link.limit in {"share", "common_current"}:
        return link.source
    if link.circuit is None or link.phase is None or link.available_ma is None:
        return LIMITS.get(link.limit, link.limit)
    return f"{link.available_ma / 1000:.1f} A left on {link.phase} by {LIMITS.get(link.limit, link.limit)}"


def _backend(park: ParkView) -> str:
    row = park.backend
    return "backend unknown" if row is None else f"backend {row.state}, queue {row.queue_depth or 0}"


def _lists(scene: Scene, lines: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    table.add_column("transactions in its ledger", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column("what happens", no_wrap=True, overflow="ellipsis", ratio=1)
    entries = [_entry(entry) for entry in scene.transactions[:lines]]
    told = [Text(visible(text)) for text in list(scene.told)[-lines:][::-1]]
    for left, right in zip_longest(entries, told, fillvalue=Text()):
        table.add_row(left, right)
    for _ in range(lines - max(len(entries), len(told))):
        table.add_row("", "")
    return table


def _entry(entry: LedgerEntry) -> Text:
    clock = entry.at[11:19]
    number = f"{clock} #{entry.transaction_id} "
    if entry.action == "StartTransaction":
        where = f" connector {entry.payload.get('connectorId')} at {entry.payload.get('meterStart')} Wh"
        return Text.assemble(number, ("start", "green"), where)
    how = f"  at {entry.payload.get('meterStop')} Wh: {entry.payload.get('reason', 'Local')}"
    return Text.assemble(number, ("stop", "magenta"), how)


def _currents(row: ChargePointRow) -> tuple[int, int, int]:
    return row.measured_ma or (0, 0, 0)


def _energy(energy_wh: int | None) -> str:
    return UNKNOWN if energy_wh is None else f"{energy_wh} Wh"


def _amps(current_ma: int | None) -> str:
    return UNKNOWN if current_ma is None else f"{current_ma / 1000:.1f}"
