"""What the central system knows of smart charging between two events."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct, field

from park.model.limit import Limit
from park.ocpp.link import Payload
from park.ocpp.profiles.installed import Profiles
from park.ocpp.profiles.profile import Profile
from park.ocpp.profiles.ruling import Rules


class Wired(Struct, frozen=True):
    """A connector as it is built: which charge point it is, its phases, and the most it may carry on each (mA)."""

    charge_point: str
    phases: int
    maximum_ma: int


class Awaited(Struct, frozen=True):
    """A profile of a RemoteStartTransaction, until its session begins. `connector` None: whichever it begins on.

    `before`: sessions that ran already. `deadline`: mono.
    """

    connector: int | None
    id_tag: str
    profile: Profile
    payload: Payload
    before: frozenset[str]
    deadline: float


class Seen(Struct, frozen=True):
    """What limits were worked out from: while it is the same and no time has come, so are they.

    `sessions`: connector and session of each running one. `offset`: of the wall clock from the monotonic one, s.
    """

    profiles: Profiles
    rules: Mapping[int, Rules]
    sessions: tuple[tuple[int, str], ...]
    online: bool
    offset: float


class SmartCharging(Struct, frozen=True):
    """`awaited`: by request of the remote start. `look_at`: mono at which the limits may change by themselves.

    `told`: the limits in force; None: nobody was told yet. `rules`: the values of keys they were last worked out from,
    and they themselves.
    """

    profiles: Profiles = Profiles()
    awaited: Mapping[str, Awaited] = field(default_factory=dict[str, Awaited])
    seen: Seen | None = None
    look_at: float = math.inf
    told: tuple[Limit, ...] | None = None
    rules: tuple[object, Mapping[int, Rules]] | None = None
