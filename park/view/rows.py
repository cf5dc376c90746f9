"""The rows of the park view. None means unknown and is shown as unknown, never as 0.

Monotonic times are on the clock of `ParkView.now`: whoever shows a row computes ages against it, so that a row stays
the same object while nothing is reported. No row holds an id tag.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from park.charging.report import ReportedFault, ReportedGrant, ReportedSession
from park.load.report import LimitReported, ShareReported
from park.model.access import ConnectorStatus
from park.model.delivery import Delivery
from park.model.electric import PerPhase, Phases
from park.model.evse import PilotState
from park.model.metering import Quality
from park.model.time import Now


class NodeReported(Struct, frozen=True):
    """Told to the view as it stands. `last_seen`: mono of the newest sign of life; None: never heard of.

    A node reports itself with `last_seen` infinity: it is alive whenever it is looked at. `lag_seconds`: how long the
    oldest word to it waits to be acknowledged: rules, settings and placements are there but for that; None: no link.
    `standing`: of a server beside others (the words of `Standing`). `why`: explains whatever is not as it should be.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    name: str
    role: str  # single | server | client
    state: str  # alive | suspect | gone
    last_seen: float | None = None
    version: str | None = None
    restarts: int | None = None
    lag_seconds: float | None = None
    standing: str | None = None
    why: str | None = None


class CircuitPhase(Struct, frozen=True):
    """One conductor of a circuit. `bound_by`: the limit that leaves no more available (the names of `Reason.limit`)."""

    limit_ma: int | None = None
    available_ma: int | None = None
    committed_ma: int | None = None
    measured_ma: int | None = None
    external_ma: int | None = None
    bound_by: str | None = None


class CircuitRow(Struct, frozen=True):
    """`phases`: L1, L2, L3. `holding`: the coordinator has just started and grants nothing yet.

    `unconfirmed`, `silent`: charge points whose newest grant is not read back, whose board does not speak.
    One named NODE/CIRCUIT is a group, led by that board: what is available to it is its budget.
    """

    name: str
    parent: str | None = None
    meter: str | None = None
    phases: tuple[CircuitPhase, CircuitPhase, CircuitPhase] = (CircuitPhase(), CircuitPhase(), CircuitPhase())
    holding: bool | None = None
    unconfirmed: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


class ChargePointRow(Struct, frozen=True):
    """`name` is NODE/CHARGE_POINT. `grant` is what the point holds, `share` what the coordinator plans and counts.

    `phases`: grid phases it may load. `measured_ma`: on grid phases L1, L2, L3. `rated_ma`: the smallest of what it and
    the circuits above it are built for, as the file says. `physical_ma`: that, and what the cable in it carries; no
    limit that changes by itself counts (B-268).
    """

    name: str
    node: str
    connector: int | None = None
    circuit: str | None = None
    phases: Phases = (1, 2, 3)
    state: PilotState | None = None
    ocpp_status: ConnectorStatus | None = None
    grant: ReportedGrant | None = None
    contactor_closed: bool | None = None
    signalled_ma: int | None = None
    measured_ma: PerPhase | None = None
    fallback_ma: int | None = None
    energy_wh: int | None = None  # the point's own import register
    session: ReportedSession | None = None
    faults: tuple[ReportedFault, ...] = ()
    share: ShareReported | None = None
    rated_ma: int | None = None
    physical_ma: int | None = None

    def with_cable(self, cable_ma: int | None) -> ChargePointRow:
        """The same with this cable; None: none is in it."""
        known = [limit for limit in (self.rated_ma, cable_ma) if limit is not None]
        return replace(self, physical_ma=min(known, default=None))


class MeterRow(Struct, frozen=True):
    """`taken`: mono of the newest good sample; its values stay here, labelled by `quality`, when it is stale.

    `failures`: polls without a usable answer since the node began; `problem`: why the newest one was not usable.
    """

    name: str
    node: str
    quality: Quality = Quality.STALE
    taken: float | None = None
    currents_ma: PerPhase | None = None
    power_w: int | None = None
    energy_wh: int | None = None
    failures: int | None = None
    problem: str | None = None


class BackendRow(Struct, frozen=True):
    """`why` explains every state but online. `oldest_at`: when the oldest queued fact happened.

    `wire_repeats`: transmissions after the first of a message; `unanswered`: transmissions without an answer. A repeat
    follows only an attempt without an answer, so there are never more of them. Both count since the node began.
    """

    state: str  # online | pending | rejected | offline | disabled
    why: str | None = None
    queue_depth: int | None = None
    oldest_at: datetime | None = None
    dead_letters: int | None = None
    wire_repeats: int | None = None
    unanswered: int | None = None


class ActorRow(Struct, frozen=True):
    """One supervised actor; counts since its node began."""

    name: str
    node: str
    state: str
    restarts: int
    dropped: int
    quarantined: int
    mailbox: int


class ParkView(Struct, frozen=True):
    """All that is known of the park at `now`. Rows are in the order of the configuration, then of first report.

    `limits`: those in force beside the design, by target.
    """

    park: str
    now: Now
    epoch: int | None = None
    nodes: tuple[NodeReported, ...] = ()
    circuits: tuple[CircuitRow, ...] = ()
    charge_points: tuple[ChargePointRow, ...] = ()
    meters: tuple[MeterRow, ...] = ()
    backend: BackendRow | None = None
    actors: tuple[ActorRow, ...] = ()
    limits: tuple[LimitReported, ...] = ()
