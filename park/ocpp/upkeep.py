"""What the central system knows of connection, security, firmware and log uploads: all that is beside charging."""

from __future__ import annotations

from msgspec import Struct

from park.ocpp.connection import Connections
from park.ocpp.firmware import Update
from park.ocpp.link import LossCause
from park.ocpp.maintenance import TrustKnown
from park.ocpp.notifications import Notifications
from park.ocpp.uploads import Upload
from park.rolling.roll import Roll


class Signing(Struct, frozen=True):
    """A SignedUpdateFirmware whose certificate is being checked before it is answered."""

    unique_id: str
    update: Update
    link: int


class Upkeep(Struct, frozen=True):
    """`connection`: None when somebody else looks after it. `loss`: the last cause, told once in a row.

    `uploaded`, `updated`: the last words about an upload and an update, for who triggers them. `next_job` numbers both.
    `look_at`: mono at which a date of the update may have come. `checks_until`: mono up to which new firmware may
    still check itself. `signing`: by request id. `roll`: of the newest firmware over the other boards, until all of
    them have it; `roll_row`: as it was written last.
    """

    notifications: Notifications
    connection: Connections | None = None
    loss: LossCause = LossCause.NETWORK
    trust: TrustKnown = TrustKnown(0, station_certificate=False, installer=False)
    upload: Upload | None = None
    update: Update | None = None
    uploaded: str = "Idle"
    updated: str = "Idle"
    next_job: int = 1
    look_at: float | None = None
    signing: tuple[Signing, ...] = ()
    roll: Roll | None = None
    roll_row: str = ""
    checks_until: float = 0.0
