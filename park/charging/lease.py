"""The grant a charge point holds: which one it takes, how long it holds, and what holds after it (safety: leases)."""

from __future__ import annotations

import math
from typing import Protocol

from msgspec import Struct

from park.charging.settings import ChargePointSettings
from park.model.grant import Grant

FOREVER = math.inf


class Holder(Protocol):
    """Who may hold a grant: a charge point, or one phase of a group. As in `ChargePointSettings`."""

    @property
    def name(self) -> str: ...

    @property
    def boot_id(self) -> str: ...

    @property
    def fallback_ma(self) -> int: ...


class Lease(Struct, frozen=True):
    """The newest grant taken. `ends`: mono at which it runs out. `lapse_ma`: what holds without a valid grant.

    `refused`: why the newest grant that was not taken was refused, None once one is taken.
    """

    lapse_ma: int
    grant: Grant | None = None
    ends: float = -math.inf
    refused: str | None = None

    @property
    def fence(self) -> tuple[int, int]:
        """(epoch, sequence) of the newest grant taken; (0, 0): none since boot."""
        grant = self.grant
        return (0, 0) if grant is None else (grant.epoch, grant.sequence)

    def allows(self, mono: float) -> int:
        """Milliamperes per phase that may be signalled now (S2)."""
        if self.grant is not None and mono < self.ends:
            return self.grant.amps_ma
        return self.lapse_ma

    def until(self, mono: float) -> float:
        """When that changes by itself: the end of the lease, or never."""
        return self.ends if mono < self.ends else FOREVER


def boot_lease(settings: ChargePointSettings) -> Lease:
    """Before the first grant the boot current holds."""
    return Lease(lapse_ma=settings.boot_ma)


def refusal(lease: Lease, grant: Grant, settings: Holder, mono: float) -> str | None:
    """Why this grant must not be taken, or None: fenced by (epoch, server id), ordered by sequence."""
    held = lease.grant
    if grant.charge_point != settings.name:
        return f"it is for {grant.charge_point}"
    if grant.stamp.boot_id != settings.boot_id:
        return f"its stamp is of boot {grant.stamp.boot_id}, this is {settings.boot_id}"
    if not (math.isfinite(grant.valid_for) and math.isfinite(grant.stamp.mono)):
        return "its validity is not a time"
    if held is not None:
        if grant.epoch < held.epoch:
            return f"epoch {grant.epoch} is older than {held.epoch}"
        if grant.epoch == held.epoch and grant.server_id != held.server_id:
            return f"epoch {grant.epoch} belongs to server {held.server_id}, not {grant.server_id}"
        if grant.epoch == held.epoch and grant.sequence <= held.sequence:
            return f"sequence {grant.sequence} is not newer than {held.sequence}"
    if grant.stamp.mono + grant.valid_for <= mono:
        return "it ran out before it came"
    return None


def take(lease: Lease, grant: Grant, settings: Holder, mono: float) -> Lease:
    """The lease after a grant arrived. A stamp from the future counts as now: it cannot stretch the validity."""
    reason = refusal(lease, grant, settings, mono)
    if reason is not None:
        return Lease(lapse_ma=lease.lapse_ma, grant=lease.grant, ends=lease.ends, refused=reason)
    return Lease(
        lapse_ma=max(0, min(grant.lapse_ma, settings.fallback_ma)),
        grant=grant,
        ends=min(grant.stamp.mono, mono) + grant.valid_for,
    )
