"""The profiles a backend has installed: which replace which, and which a request to clear means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from park.ocpp.link import Payload
from park.ocpp.profiles.profile import Profile, Purpose
from park.ocpp.wire import integer_of, text_of

PROFILES_A_CONNECTOR = 8  # B-140; MaxChargingProfilesInstalled counts connector 0 and each of the others


class Installed(Struct, frozen=True):
    """`payload`: as the backend sent it, which is what is kept on disk. `at`: when it came (ms).

    `session`: of a TxProfile, which goes with it.
    """

    connector: int
    profile: Profile
    payload: Payload
    at: int
    session: str | None = None

    @property
    def name(self) -> str:
        """For people: where a limit comes from."""
        return f"backend profile {self.profile.id} ({self.profile.purpose.value}, level {self.profile.stack_level})"


class Profiles(Struct, frozen=True):
    """By chargingProfileId, unique within one identity."""

    by_id: Mapping[int, Installed] = field(default_factory=dict[int, Installed])

    def __len__(self) -> int:
        return len(self.by_id)

    def replaced_by(self, new: Installed) -> tuple[int, ...]:
        """Ids that go: the same id, or the same purpose and stack level on the same connector (OCPP 1.6 §5.16.2)."""
        return tuple(number for number, old in self.by_id.items() if number == new.profile.id or _same_place(old, new))

    def changed(self, added: Iterable[Installed], removed: Iterable[int]) -> Profiles:
        gone = frozenset(removed)
        left = {number: old for number, old in self.by_id.items() if number not in gone}
        return Profiles({**left, **{new.profile.id: new for new in added}})

    def cleared_by(self, request: Payload) -> tuple[int, ...]:
        """Ids that match all that a ClearChargingProfile names; nothing named: all (OCPP 1.6 §5.2)."""
        return tuple(number for number, old in self.by_id.items() if _is_meant(request, old))

    def of(self, connector: int, purpose: Purpose) -> tuple[Installed, ...]:
        """Those of a connector, the highest stack level first."""
        found = [old for old in self.by_id.values() if (old.connector, old.profile.purpose) == (connector, purpose)]
        return tuple(sorted(found, key=lambda old: -old.profile.stack_level))


def _same_place(old: Installed, new: Installed) -> bool:
    one, other = old.profile, new.profile
    return (old.connector, one.purpose, one.stack_level) == (new.connector, other.purpose, other.stack_level)


def _is_meant(request: Payload, old: Installed) -> bool:
    named = {
        "id": old.profile.id,
        "connectorId": old.connector,
        "stackLevel": old.profile.stack_level,
    }
    wanted = all(integer_of(request, name) == value for name, value in named.items() if name in request)
    purpose = text_of(request, "chargingProfilePurpose")
    return wanted and purpose in {None, old.profile.purpose.value}
