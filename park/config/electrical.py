"""Tables about conductors: circuits with their fuses, load management, and where boards' charge points hang."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from park.config.quantities import About, Amperes, Name, Section
from park.load.poles import SWITCH_SECONDS

WiringName: TypeAlias = Literal["RST", "RTS", "STR", "SRT", "TSR", "TRS", "unknown"]
Fuse: TypeAlias = Annotated[Amperes, Field(gt=0, le=6300)]  # IEC 60947-2: largest usual circuit-breaker 6300 A
Load: TypeAlias = Annotated[Amperes, Field(ge=0, le=6300)]
ConnectorId: TypeAlias = Annotated[int, Field(ge=1, le=9999)]


def _on_a_board(text: str) -> str:
    node, separator, point = text.partition("/")
    if not separator or not node or not point or "/" in point:
        raise ValueError(f"{text!r} names no charge point of a board; write NODE/CHARGE_POINT")
    return text


GREENFLUX_UNUSED_SECONDS = 900.0  # B-159: "no energy demand anymore for 15 minutes"


class LoadSection(Section):
    """Load management: how fast currents are dealt out, and how long a grant holds without renewal."""

    algorithm: Annotated[
        Literal["fair", "greenflux-local"],
        About(
            "How currents are shared. `fair`: by weight and class, each phase for itself. `greenflux-local`: one "
            "current for all below a full circuit, in steps of 0.1 A, then turns; `priority`, `weight` count nothing.",
            source="B-155 to B-158",
        ),
    ] = "fair"
    interval_seconds: Annotated[
        float, Field(ge=1, le=300), About("Raises come at most this often; reductions are immediate.", "s", "B-095")
    ] = 2
    lease_seconds: Annotated[
        float,
        Field(ge=4, le=600),
        About("A grant not renewed for this long lapses.", "s", "design; KEBA failsafe 10–600 s"),
    ] = 10
    renew_seconds: Annotated[
        float, Field(ge=0.5, le=300), About("Grants are renewed this often; at most half the lease.", "s")
    ] = 3
    rotation_seconds: Annotated[
        float,
        Field(ge=120, le=86_400),
        About("Where not all can charge at once, those who wait get their turn at the end of such a slice.", "s"),
    ] = 900
    unused_seconds: Annotated[
        float,
        Field(ge=10, le=3600),
        About(
            "What a vehicle has not drawn for so long goes to others; with `greenflux-local` 900 unless it is given.",
            "s",
            "design; B-159",
        ),
    ] = 60
    phase_switch_seconds: Annotated[
        float,
        Field(ge=10, le=3600),
        About(
            "So long another number of phases must be better before a vehicle that charges is switched.",
            "s",
            "WARP: 210; EVerest: 600",
        ),
    ] = SWITCH_SECONDS

    def seconds_unused(self) -> float:
        """`unused_seconds`, or what the algorithm has where the file does not say."""
        preset = self.algorithm == "greenflux-local" and "unused_seconds" not in self.model_fields_set
        return GREENFLUX_UNUSED_SECONDS if preset else self.unused_seconds


class CircuitSection(Section):
    """A conductor protected by a fuse. The one without `parent` is the grid connection."""

    name: Annotated[Name, About("Name of the circuit, unique in the park.")]
    parent: Annotated[Name | None, About("Circuit this one hangs on; absent: grid connection.")] = None
    limit_amps: Annotated[
        tuple[Fuse, Fuse, Fuse],
        Field(strict=False),
        About("Design current of L1, L2, L3; choose it below the nominal current of the fuse.", "A", "B-403"),
    ]
    limit_watts: Annotated[
        int | None,
        Field(ge=1, le=5_000_000),  # 3 x 6300 A at 253 V
        About(
            "Design power of all phases together, foreign load included; counted with 253 V; absent: not limited.",
            "W",
            "IEC 60038: 230 V + 10 %",
        ),
    ] = None
    headroom_amps: Annotated[Load, About("Kept free below the limit on each phase.", "A", "B-088")] = 0
    meter: Annotated[
        Name | None, About("Meter whose currents tell the external load of this circuit.", source="B-405")
    ] = None
    meter_sees_charging: Annotated[
        bool, About("The meter is in line and sees the charge points too; false: it sees only the other loads.")
    ] = True
    external_fallback_amps: Annotated[
        tuple[Load, Load, Load],
        Field(strict=False),
        About("External load assumed while the meter is silent or implausible; required with a meter.", "A", "B-092"),
    ] = (0, 0, 0)
    external_window_seconds: Annotated[
        float,
        Field(ge=0, le=600),
        About("External load is averaged over this time before currents are raised.", "s", "B-089"),
    ] = 10
    expired_limit_amps: Annotated[
        tuple[Load, Load, Load] | None,
        Field(strict=False),
        About(
            "Limit of L1, L2, L3 from when an energy manager's limit ran out until it is set again or cleared; absent: "
            "none.",
            "A",
            "B-084",
        ),
    ] = None
    imbalance_amps: Annotated[
        Load | None,
        About(
            "Largest difference between phases caused by charging; absent: not limited.",
            "A",
            "B-091, 20 A in VDE-AR-N 4100",
        ),
    ] = None
    imbalance_includes_external: Annotated[
        bool, About("The difference is that of all that flows; false: of what the charge points draw.")
    ] = False


class PlacementSection(Section):
    """Where a board's charge point hangs in the park; on a server."""

    charge_point: Annotated[str, AfterValidator(_on_a_board), About("NODE/CHARGE_POINT.")]
    connector: Annotated[ConnectorId, About("OCPP connector id, unique in the park.", source="B-354")]
    circuit: Annotated[Name, About("Circuit that feeds it.")]
    wiring: Annotated[
        WiringName,
        About(
            "Grid phases on the connector's L1, L2, L3; `unknown` counts on all, for `imbalance_amps` on the fullest.",
            source="OCPP 1.6 ConnectorPhaseRotation",
        ),
    ] = "RST"
    phases: Annotated[int, Field(ge=1, le=3), About("Phases the point is connected with.")] = 3
    min_amps: Annotated[
        Amperes, Field(ge=6, le=80), About("Smallest current to charge with.", "A", "IEC 61851-1 A.5")
    ] = 6
    max_amps: Annotated[Amperes, Field(ge=6, le=80), About("Largest current of the point.", "A", "IEC 61851-1 A.5")] = (
        32
    )
    priority: Annotated[int, Field(ge=0, le=9), About("Higher classes are served first.")] = 0
    weight: Annotated[int, Field(ge=1, le=100), About("Share within its class.")] = 1
    metered: Annotated[bool, About("The charge point has a meter of its own.")] = True
    calibrated: Annotated[bool, About("That meter is certified for billing (calibration law).", source="B-030")] = False
    phase_switching: Annotated[
        bool, About("Its board has `phase_switching` for it: what the backend is told.", source="OCPP 1.6 §9.4.4")
    ] = False
    fallback_amps: Annotated[
        Amperes,
        Field(ge=0, le=80),
        About("Counted while the board is unknown, and its highest lapse current.", "A", "B-090"),
    ] = 0
    boot_amps: Annotated[Amperes, Field(ge=0, le=80), About("Current before the first grant after a start.", "A")] = 0
    expired_limit_amps: Annotated[
        Amperes | None,
        Field(ge=0, le=80),
        About("Limit from when an energy manager's ran out until it is set again or cleared; absent: none.", "A"),
    ] = None
