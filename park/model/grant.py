"""A grant is a lease on current: what a charge point may signal, how long, and what it falls to after."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from park.model.delivery import Delivery
from park.model.electric import Phases


class Stamp(Struct, frozen=True):
    """A board's own monotonic clock reading, told to the server and echoed in grants (safety: Clock)."""

    node: str
    boot_id: str
    mono: float


class Reason(Struct, frozen=True):
    """One link of the chain that explains a current: which limit bound it, from which source, on which circuit.

    `limit`: fuse, external_load, headroom, external_fallback, power, imbalance, own_maximum, minimum, share, lapse or
    waiting; of a limit somebody set its `LimitKind`, or expired.
    """

    limit: str
    source: str
    circuit: str | None = None
    phase: str | None = None
    available_ma: int | None = None


class Grant(Struct, frozen=True):
    """What the coordinator allows one charge point. `amps_ma` is 0 (pause) or at least the point's minimum.

    Valid until `stamp.mono + valid_for` on the clock of the board that made the stamp; then `lapse_ma` holds.
    Fenced by (`epoch`, `server_id`), ordered by `sequence` within them.
    """

    delivery: ClassVar[Delivery] = Delivery.GRANT

    charge_point: str
    amps_ma: int
    phases: Phases
    epoch: int
    server_id: str
    sequence: int
    valid_for: float
    lapse_ma: int
    stamp: Stamp
    reason: tuple[Reason, ...] = ()


class ApplyGrant(Struct, frozen=True):
    delivery: ClassVar[Delivery] = Delivery.GRANT

    grant: Grant
