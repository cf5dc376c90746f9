"""Tables about hardware on this board: charge points, meters, card readers."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from park.authorization.id_tags import normalised
from park.authorization.settings import EVERY_CHARGE_POINT, LAST_PLUGGED_SECONDS
from park.charging.phase_switching import LONGEST_PAUSE, SHORTEST_PAUSE, USUAL_PAUSE
from park.config.access import LONGEST_WAIT_SECONDS
from park.config.electrical import ConnectorId, WiringName
from park.config.quantities import NAME_PATTERN, About, Amperes, Name, Section, TcpAddress

Driver: TypeAlias = Literal["virtual"]
PilotCurrent: TypeAlias = Annotated[Amperes, Field(ge=6, le=80)]  # IEC 61851-1 A.5: what a control pilot can offer
LapseCurrent: TypeAlias = Annotated[Amperes, Field(ge=0, le=80)]


def _served(text: str) -> str:
    if text != EVERY_CHARGE_POINT and not all(NAME_PATTERN.fullmatch(part) for part in text.split("/", 1)):
        raise ValueError(f"{text!r} is no charge point; give its name, NODE/CHARGE_POINT, or '*' for all")
    return text


def _service_tag(text: str) -> str:
    tag = normalised(text)
    if text and tag is None:
        raise ValueError(f"{text!r} is no number of a card; write 1 to 20 hexadecimal digits")
    return tag or ""


class ChargePointSection(Section):
    """A charge point of this board: one connector."""

    name: Annotated[Name, About("Name of the charge point, unique on the board.")]
    driver: Annotated[Driver, About("How the node talks to its electronics; `virtual`: the bench.")]
    connector: Annotated[
        ConnectorId | None,
        About("OCPP connector id, unique in the park; required unless the role is client.", source="B-354"),
    ] = None
    circuit: Annotated[Name | None, About("Circuit that feeds it; required unless the role is client.")] = None
    wiring: Annotated[
        WiringName,
        About(
            "Grid phases on the connector's L1, L2, L3; `unknown` counts on all, for `imbalance_amps` on the fullest.",
            source="OCPP 1.6 ConnectorPhaseRotation",
        ),
    ] = "RST"
    phases: Annotated[int, Field(ge=1, le=3), About("Phases the point is connected with.")] = 3
    min_amps: Annotated[
        PilotCurrent,
        About("Smallest current to charge with; some vehicles need more than 6 A.", "A", "IEC 61851-1 A.5"),
    ] = 6
    max_amps: Annotated[PilotCurrent, About("Largest current of the point.", "A", "IEC 61851-1 A.5")] = 32
    fallback_amps: Annotated[
        LapseCurrent,
        About("Highest current the point falls to when its grant lapses; 0 or at least `min_amps`.", "A", "B-090"),
    ] = 0
    boot_amps: Annotated[
        LapseCurrent, About("Current before the first grant after a start; 0 or at least `min_amps`.", "A")
    ] = 0
    expired_limit_amps: Annotated[
        LapseCurrent | None,
        About("Limit from when an energy manager's ran out until it is set again or cleared; absent: none.", "A"),
    ] = None
    outlet: Annotated[
        Literal["socket", "cable"], About("`socket`: drivers bring a cable, it is locked. `cable`: tethered.")
    ] = "socket"
    cable_amps: Annotated[
        PilotCurrent | None, About("Rating of the tethered cable; absent: `max_amps`.", "A", "B-270")
    ] = None
    reject_cables_below_amps: Annotated[
        Literal[0, 20, 32],
        About("Smaller plugs are not served; 0: every plug is.", "A", "B-339, IEC 61851-1 Table B.2"),
    ] = 0
    recloser: Annotated[
        bool,
        About("Its residual current device can be switched by the backend; so far on the bench only.", source="B-215"),
    ] = False
    accept_ventilation: Annotated[bool, About("Serve vehicles that ask for ventilation (state D).", source="B-282")] = (
        False
    )
    phase_switching: Annotated[
        bool,
        About(
            "L2 and L3 have a contactor of their own: where one phase serves a vehicle better, it gets one. Needs "
            "three phases, known wiring and no ventilation.",
            source="B-285",
        ),
    ] = False
    slac_seconds: Annotated[
        float,
        Field(ge=0, le=60),
        About(
            "For vehicles that tell who they are (Autocharge): so long after plug-in 5 % is signalled, or until the "
            "modem knows the vehicle; only then current is offered. 0: there is no modem. 20 is usual.",
            "s",
            "B-064, B-293",
        ),
    ] = 0
    wake_up_seconds: Annotated[
        float,
        Field(ge=0, le=600),
        About(
            "A vehicle that takes no current so long after it was offered some is woken, once, by 0 V on the pilot for "
            "5 s. For old ones that fall asleep while they wait. 0: none is. 30 is usual.",
            "s",
            "B-281",
        ),
    ] = 0
    phase_switching_pause_seconds: Annotated[
        float,
        Field(ge=SHORTEST_PAUSE, le=LONGEST_PAUSE),
        About("From the first contactor off until current is offered on the new number of phases.", "s", "B-288"),
    ] = USUAL_PAUSE
    stop_mode: Annotated[
        Literal["normal", "after unplugging", "card or remote"],
        About(
            "What ends a session at the station: vehicle or card; only unplugging here; only card or backend.",
            source="B-059",
        ),
    ] = "normal"
    meter: Annotated[Name | None, About("The point's own meter; absent: energy is not measured here.")] = None
    priority: Annotated[int, Field(ge=0, le=9), About("Higher classes are served first.")] = 0
    weight: Annotated[int, Field(ge=1, le=100), About("Share within its class.")] = 1


class MeterSection(Section):
    """A Modbus TCP meter this node polls."""

    name: Annotated[Name, About("Name of the meter, unique on the board.")]
    map: Annotated[str, About("Register map, by meter type.")]
    address: Annotated[TcpAddress, About("tcp://HOST:PORT; meters behind one gateway share a connection.")]
    unit: Annotated[int, Field(ge=1, le=255), About("Modbus unit identifier.", source="Modbus TCP §4.4.2.2")] = 1
    poll_seconds: Annotated[float, Field(ge=0.2, le=60), About("Time from poll to poll.", "s")] = 1
    timeout_seconds: Annotated[
        float,
        Field(ge=0.1, le=10),
        About("An answer that takes longer is a failed poll; the connection is renewed.", "s"),
    ] = 1
    stale_after_seconds: Annotated[
        float,
        Field(ge=1, le=300),
        About("Readings older than this are not believed.", "s", "design S3; B-227 has 2 s and 10 s"),
    ] = 5
    max_amps: Annotated[
        Amperes | None, Field(gt=0, le=10_000), About("Largest plausible current; absent: the meter type's own.", "A")
    ] = None
    calibrated: Annotated[bool, About("It is certified for billing (calibration law).", source="B-030")] = False
    frozen_after_polls: Annotated[
        int,
        Field(ge=0, le=3600),
        About(
            "So many identical answers under load mean that the meter stands still; 0: never. 30 suits real meters; "
            "simulated ones may truly be constant."
        ),
    ] = 0


class ReaderSection(Section):
    """A card reader of this board. What is absent follows from the preset."""

    name: Annotated[Name, About("Name of the reader, unique on the board.")]
    driver: Annotated[Driver, About("How the node talks to it; `virtual`: the bench.")]
    serves: Annotated[
        tuple[Annotated[str, AfterValidator(_served)], ...],
        Field(strict=False, min_length=1),
        About("Charge points its cards may be meant for; `*`: all of the park.", source="B-134, B-352"),
    ]
    preset: Annotated[
        Literal["default", "chargebyte", "charx", "greenflux", "bender"],
        About(
            "Whose reader it behaves like. `chargebyte`, shared: a vehicle first, cards do not stop. `charx`, "
            "`greenflux`, `bender`: a card may come first.",
            source="B-272, B-280, B-353, B-057",
        ),
    ] = "default"
    stop_with_card: Annotated[
        bool | None,
        About("The same card ends its session here, where `[authorization]` allows it.", source="B-280, B-393"),
    ] = None
    needs_vehicle: Annotated[
        bool | None, About("A card counts only when a vehicle waits for it.", source="B-272, B-280")
    ] = None
    remember_seconds: Annotated[
        float | None,
        Field(ge=0, le=LONGEST_WAIT_SECONDS),
        About(
            "Serving several charge points: a card shown before any vehicle waits so long for the first that comes; "
            "0: it is ignored. Presets where a card may come first: `authorization.plug_timeout_seconds`.",
            "s",
            "B-274, B-353, B-385",
        ),
    ] = None
    last_plugged_seconds: Annotated[
        float,
        Field(ge=0, le=LONGEST_WAIT_SECONDS),
        About("Of several vehicles, a card is for the one plugged in last, so long after that.", "s", "B-277"),
    ] = LAST_PLUGGED_SECONDS
    reboot_tag: Annotated[
        str,
        AfterValidator(_service_tag),
        About("Held to the reader for 30 s it restarts this board; it charges nothing; empty: none.", source="B-045"),
    ] = ""
    defaults_tags: Annotated[
        tuple[Annotated[str, AfterValidator(_service_tag)], ...],
        Field(strict=False, max_length=2),
        About(
            "Held for 120 s one of these makes every configuration key what this file says; they charge nothing. Not "
            "on a client.",
            source="B-046",
        ),
    ] = ()
    several: Annotated[
        Literal["none", "last"],
        About(
            "When all have waited longer, a card is for `none`, and the reader says so, or still for the `last`.",
            source="B-278",
        ),
    ] = "none"
