"""Whether this server may command: never while another server of its park may, so that two do not share one fuse (S12).

Of two servers that see each other the one with the lower voice stands down, the other waits until it has. A board that
obeyed another server is evidence too. A server that stood down commands again when the other was gone for long, or, if
it cannot see other servers, when every board of the configuration is connected to it: then the other has none.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from enum import Enum
from typing import ClassVar

from msgspec import Struct

from park.load.lease import lease_and_guard
from park.model.delivery import Delivery

FIRST_LOOK_SECONDS = 5.0  # multicast DNS answers within 2 s (RFC 6762 §5.2), and whoever answers is dialled
GONE_SECONDS = 30.0  # beyond a lease and its guard: a server that is being restarted is back by then


class Voice(Struct, frozen=True, order=True):
    """Who commands. `server_id`: of one life of a server: database and start, so that a copy has another."""

    epoch: int
    server_id: str


class OtherServer(Struct, frozen=True):
    """Another server of the park that answers now. `voice` None: an older version, which never stands down."""

    node: str
    where: str
    voice: Voice | None
    leads: bool


class ServersSeen(Struct, frozen=True):
    """Network → coordinator: all other servers of the park that answer now, at every change and every few seconds."""

    delivery: ClassVar[Delivery] = Delivery.STATE

    servers: tuple[OtherServer, ...]


class Standing(Enum):
    LEADS = "leads"
    WAITS = "waits"  # another may still command: no grant above lapse
    DOWN = "stands down"  # another has the higher voice: boards are sent away too


class StandingReported(Struct, frozen=True):
    """For the log, the announcement and the boards' port; `why` says what a technician can do.

    `suspects`: another server is why, not the look for one at the start.
    """

    delivery: ClassVar[Delivery] = Delivery.STATE

    standing: Standing
    voice: Voice
    why: str
    suspects: bool = False


class Rivalry:
    """What is known of other servers. Mutable, owned by the coordinator's state.

    `sees`: other servers would be seen, so that silence means absence. `lives`: server ids of this database's own
    starts, this one among them. Of another database or a copy of this one the ids are others. `suspects`: the start
    before did not lead in the end.
    """

    def __init__(
        self,
        server_id: str,
        lives: Collection[str],
        lease_seconds: float,
        began: float,
        *,
        sees: bool,
        suspects: bool = False,
    ) -> None:
        self._own, self._lives, self._sees = server_id, {"", server_id, *lives}, sees
        self.standing = Standing.WAITS if sees or suspects else Standing.LEADS
        self.why = ""
        if sees:
            self.why = "looks for other servers of the park"
        elif suspects:
            self.why = f"before it was started again it knew of another server of this park; {self._ending()}"
        self._judged = (self.standing, self.why)
        self._lease_and_guard = lease_and_guard(lease_seconds)
        self._servers: tuple[OtherServer, ...] = ()
        self._heard: dict[str, int] = {}  # highest epoch of each other voice
        self._news_at = began  # mono of the newest evidence that another server may command
        self._patience = FIRST_LOOK_SECONDS
        self.suspects = suspects
        self._together_since = math.inf  # since when every board is connected here
        self._obeyed: dict[str, Voice] = {}

    def is_own(self, server_id: str) -> bool:
        return server_id in self._lives

    def obeyed(self, node: str, epoch: int, server_id: str) -> None:
        """The voice a board obeys; "": it speaks for itself, as the server's own board does."""
        self._obeyed[node] = Voice(epoch, server_id)

    def obey(self, node: str, epoch: int) -> bool:
        voice = self._obeyed.get(node)
        return voice is not None and (not voice.server_id or voice == Voice(epoch, self._own))

    def claims(self, now: float) -> bool:
        """It cannot see other servers and all boards were here for long: their obedience makes sure of them."""
        waiting = self.standing is Standing.WAITS and not self._sees
        return waiting and now >= self._together_since + self._lease_and_guard

    @property
    def unsettled(self) -> bool:
        """Whether there is anything to judge."""
        return self.standing is not Standing.LEADS or bool(self._servers)

    @property
    def highest_epoch(self) -> int:
        """Of any other voice that was heard, 0: none was."""
        return max(self._heard.values(), default=0)

    def heard(self, node: str, voice: Voice, epoch: int, now: float) -> None:
        """A board obeyed another voice. What it repeats is no news: until it hears us it says the same for ever."""
        if voice.epoch <= self._heard.get(voice.server_id, -1):
            return
        if voice.server_id in self._heard and self.standing is Standing.LEADS:
            self._sees = False  # it took another epoch, and is not seen: from now on only its boards prove it gone
        self._note(voice)
        self._suspect(voice > Voice(epoch, self._own), now, self._lease_and_guard + GONE_SECONDS)
        self.why = (
            f"board {node} obeyed another server of this park ({voice.server_id}, epoch {voice.epoch}): switch that "
            f"server off, or this one; {self._ending()}"
        )

    def seen(self, servers: tuple[OtherServer, ...]) -> None:
        self._servers = servers
        for server in servers:
            if server.voice is not None:
                self._note(server.voice)

    def look(self, epoch: int, now: float, boards: Collection[str], speaking: Collection[str]) -> bool:
        """Judge what is known now. `boards`: of the configuration; `speaking`: those connected here. True: changed."""
        for server in self._servers:
            self._weigh(server, Voice(epoch, self._own), now)
        if len(speaking) < len(boards):
            self._together_since = math.inf
        elif self._together_since == math.inf:
            self._together_since = now
        certain = self.claims(now) and all(self.obey(node, epoch) for node in boards)
        quiet = self._sees and now >= self._news_at + self._patience
        if self.standing is not Standing.LEADS and (certain or quiet):
            self.standing, self.why, self.suspects = Standing.LEADS, "", False
        before, self._judged = self._judged, (self.standing, self.why)
        return self._judged != before

    def _weigh(self, server: OtherServer, own: Voice, now: float) -> None:
        higher = server.voice is None or server.voice > own
        if not higher and not server.leads:
            return
        self._suspect(higher, now, self._lease_and_guard + (GONE_SECONDS if higher else 0.0))
        self.why = (
            f"{server.node} at {server.where} is another server of this park"
            f"{' and leads it' if server.leads else ''}: switch one of the two off, or make it a client "
            f"(chargepark role); {self._ending()}"
        )

    def _note(self, voice: Voice) -> None:
        self._heard[voice.server_id] = max(voice.epoch, self._heard.get(voice.server_id, 0))

    def _suspect(self, higher: bool, now: float, patience: float) -> None:  # noqa: FBT001
        """Another server may command. Who has stood down stays so, whatever else it hears."""
        self.suspects = True
        if higher and self._sees:
            self.standing = Standing.DOWN
        elif self.standing is Standing.LEADS:
            self.standing = Standing.WAITS
        self._patience = max(patience, self._patience if now < self._news_at + self._patience else 0.0)
        self._news_at = now
        self._together_since = math.inf

    def _ending(self) -> str:
        if self._sees:
            return "this server commands again when the other is gone for a while"
        return (
            "this server commands again when every board of its configuration is connected to it; take the placement "
            "of a board that is gone out"
        )
