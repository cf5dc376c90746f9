"""What one charge point is told about itself: hardware, currents, timeouts, behaviour at the end of a session."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from msgspec import Struct

from park.charging.phase_switching import USUAL_PAUSE
from park.model.access import BackendQueue
from park.model.electric import MINIMUM_CURRENT_MA, Wiring
from park.model.evse import EvseTraits

LARGEST_PILOT_MA = 80_000  # IEC 61851-1 A.5: what a control pilot can offer


class Outlet(Enum):
    """How the vehicle's cable meets the station."""

    SOCKET = "socket"  # the driver brings the cable: proximity coding, lock
    CABLE = "cable"  # tethered


class StopMode(Enum):
    """What ends a session at the station (B-059). A backend, a fault or a refused id tag always end it."""

    NORMAL = "normal"  # the vehicle leaves, or the same card
    AFTER_UNPLUGGING = "after unplugging"  # only the plug leaving the socket (the vehicle, with a fixed cable)
    CARD_OR_REMOTE = "card or remote"  # only the card, or the plug leaving the socket


class SampleMode(Enum):
    """When periodic readings are taken (B-067); values are the words of `MeterValueSampleMode`."""

    WHOLE_TRANSACTION = "WholeTransaction"
    CONTACTOR_CLOSED = "ContactorClosed"
    CURRENT_FLOW = "CurrentFlow"


class ChargePointSettings(Struct, frozen=True):
    """Configuration of one charge point. Currents per phase.

    `name`: NODE/CHARGE_POINT, unique in the park. `boot_id`: identity of this board's monotonic clock; grants stamped
    with another are refused. `new_session_id`: a new unique id at each call. `fallback_ma`: highest lapse current.
    `boot_ma`: current before the first grant since the start. `cable_rating_ma`: of a fixed cable, None: `maximum_ma`.
    `reject_cables_below_ma`: a smaller plug is not served (B-339). `meter`: name of the point's own meter, or None.
    Timeouts of 0 never end, intervals of 0 take no samples. `temperature_limit_ma`: derating by the device's °C.
    `operative`: the availability; without it no session begins (B-211). `operator_ma`: ceiling set at run time (B-075).
    `prepares_with_both`: Preparing needs plug and card (B-039). `clock_spread_seconds`: B-069.
    `energy_on_invalid_id_wh`: what a session may still take after its card was refused (B-119).
    `backend_queue`: whether the messages of one more session may wait for the backend.
    `pilot_off`: vehicles are shown state F (B-387). `temperature_delta_c`, `residual_delta`: changes
    that are told (B-038), the latter in tenths of a milliampere (B-037); 0: none.
    `phase_pause_seconds`: from the first contactor off to an offer on another number of phases (B-288).
    `slac_seconds`: so long after plug-in a vehicle may tell who it is, before any current is offered (B-064); 0: none.
    `wake_up_seconds`: a vehicle that takes no current so long after it was offered some is woken (B-281); 0: none is.
    `service_restart`: a vehicle found without a session after a start charges under `service_tag` (B-383).
    """

    name: str
    node: str
    connector: int
    circuit: str
    boot_id: str
    traits: EvseTraits
    new_session_id: Callable[[], str]
    wiring: Wiring = Wiring.RST
    phases: int = 3
    minimum_ma: int = MINIMUM_CURRENT_MA
    maximum_ma: int = 32_000
    fallback_ma: int = MINIMUM_CURRENT_MA
    boot_ma: int = 0
    outlet: Outlet = Outlet.SOCKET
    cable_rating_ma: int | None = None
    reject_cables_below_ma: int = 0
    meter: str | None = None
    plug_timeout_seconds: float = 60.0
    card_timeout_seconds: float = 60.0
    sample_interval_seconds: int = 0
    clock_interval_seconds: int = 0
    accept_state_d: bool = False
    open_contactor_on_pause: bool = True
    slac_seconds: float = 0.0
    wake_up_seconds: float = 0.0
    stop_mode: StopMode = StopMode.NORMAL
    stop_on_ev_disconnect: bool = True
    unlock_on_ev_disconnect: bool = True
    stop_on_invalid_id: bool = True
    resume_after_power_loss: bool = True
    temperature_limit_ma: Callable[[float], int] | None = None
    operative: bool = True
    operator_ma: int = LARGEST_PILOT_MA
    lock_if_authorized: bool = False
    lock_permanently: bool = False
    prepares_with_both: bool = False
    sample_mode: SampleMode = SampleMode.WHOLE_TRANSACTION
    clock_spread_seconds: int = 0
    energy_on_invalid_id_wh: int = 0
    backend_queue: BackendQueue = BackendQueue.ROOM
    pilot_off: bool = False
    temperature_delta_c: float = 0.0
    residual_delta: int = 0
    service_restart: bool = False
    phase_pause_seconds: float = USUAL_PAUSE
    service_tag: str = ""

    @property
    def has_lock(self) -> bool:
        return self.outlet is Outlet.SOCKET and self.traits.has_lock
