"""What the authorizer is told by the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from msgspec import Struct, field

EVERY_CHARGE_POINT = "*"
LARGEST_WHITELIST = 500  # B-398: entries of the file and taught ones together
LAST_PLUGGED_SECONDS = 60.0  # B-277
AUTOCHARGE_PREFIX = "VID:"  # B-294: Autocharge of the Open Fast Charging Alliance; Bender's table gives no default
LONGEST_AUTOCHARGE_PREFIX = 8  # OCPP 1.6 §7.28 CiString20, less the 12 digits of a MAC


class Mode(Enum):
    """Who decides about an id tag."""

    FREE = "free"  # nobody: a vehicle that is plugged in charges (B-053)
    WHITELIST = "whitelist"
    BACKEND = "backend"


class OfflineRule(Enum):
    """What decides in backend mode when the backend cannot be asked or does not answer (B-115)."""

    REFUSE = "refuse"
    WHITELIST = "whitelist"
    ACCEPT = "accept"  # anybody not known to be refused
    PLUGGED = "plugged"  # the same, and a vehicle that is plugged in needs no card (B-051)


class LetterCase(Enum):
    """How the letters of a card's number are told to the backend; values are the words of `idTagLetterCase`."""

    AS_READ = "AsRead"
    UPPER = "Upper"
    LOWER = "Lower"


class Several(Enum):
    """Which vehicle a card is for when several have waited longer than the window of the last plugged."""

    NONE = "none"  # none, and the reader says that it is not clear which (B-278)
    LAST = "last"  # the last plugged, however long ago


class WhitelistEntry(Struct, frozen=True):
    """`expires`: refused after this time (B-400), None: never. `allowed` False: blocked, whoever is asked (B-401)."""

    tag: str
    name: str = ""
    expires: datetime | None = None
    allowed: bool = True


class ReaderSettings(Struct, frozen=True):
    """`serves`: the charge points its cards may be meant for; `EVERY_CHARGE_POINT` stands for all (B-134, B-352).

    `stop_with_card`: a card ends its own session here (B-280). `needs_vehicle`: a card counts only when a vehicle
    waits (B-272, B-280). `remember_seconds`: a card shown before any vehicle is kept for the first one that comes
    to one of several charge points (B-353); 0: it is ignored (B-274). `last_plugged_seconds`: so long after it was
    plugged in, the last of several vehicles is the one a card is for (B-277); later `several` decides (B-278).
    """

    name: str
    serves: tuple[str, ...]
    stop_with_card: bool = True
    needs_vehicle: bool = False
    remember_seconds: float = 0.0
    last_plugged_seconds: float = LAST_PLUGGED_SECONDS
    several: Several = Several.NONE


class AuthorizingInput(Struct, frozen=True):
    """A digital input of a node that authorizes at one charge point; `stops`: activated again it ends that session."""

    node: str
    number: int
    charge_point: str
    active_high: bool = True
    stops: bool = False


class AutochargeMode(Enum):
    """Whether vehicles are authorized without a card (B-063)."""

    OFF = "off"
    MAC = "mac"
    FIXED_ID = "fixed-id"  # the same, and one that cannot tell its MAC has a configured id tag


class Autocharge(Struct, frozen=True):
    """`prefix`: goes before the MAC of a vehicle in its id tag. `fixed_id`: of one without; empty: there is none."""

    mode: AutochargeMode = AutochargeMode.OFF
    prefix: str = AUTOCHARGE_PREFIX
    fixed_id: str = ""


class AuthorizerSettings(Struct, frozen=True):
    """`free_tag`: the id tag of sessions in free mode (B-052). `stop_with_card`: readers may allow it (B-280).

    `needs_registration`: nobody starts without a backend that never registered this park (B-195).
    `tagless`: that of one connector where it has its own (B-133), by number.
    `answer_seconds`: how long the backend may take before the offline rule decides. `boot_patience_seconds`: so long
    after the start that rule waits for a backend that has not been there yet (B-221). `node`: name of this board.
    `charge_points`: full names of all of the park, as far as the configuration knows them. `with_cards`: the mode when
    charging is not free. `pre_authorize`: known cards do not wait for the backend (B-056). `cache`: cards it accepted
    are known (B-055). `contracts`: vehicles may show theirs (Plug & Charge); `contracts_offline`: also while nobody
    asks the backend. `known_offline`: what `offline` says of known cards when it says nothing of unknown ones.
    """

    mode: Mode
    offline: OfflineRule = OfflineRule.WHITELIST
    whitelist: tuple[WhitelistEntry, ...] = ()
    readers: tuple[ReaderSettings, ...] = ()
    free_tag: str = "FREE"
    stop_with_card: bool = True
    answer_seconds: float = 10.0  # architecture §2: a command is answered within 10 s
    boot_patience_seconds: float = 0.0
    node: str = ""
    charge_points: tuple[str, ...] = ()
    with_cards: Mode = Mode.BACKEND
    pre_authorize: bool = False
    cache: bool = False
    known_offline: bool = True
    needs_registration: bool = False
    letter_case: LetterCase = LetterCase.AS_READ
    tagless: Mapping[int, str] = field(default_factory=dict[int, str])
    inputs: tuple[AuthorizingInput, ...] = ()
    contracts: bool = False
    contracts_offline: bool = False
    autocharge: Autocharge = Autocharge()

    def tag_without_card(self, connector: int) -> str:
        """The id tag of sessions without a card at this connector."""
        return self.tagless.get(connector) or self.free_tag
