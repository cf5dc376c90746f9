"""What both ends of a link share: one connection at a time, its frames, its beat and its end."""

from __future__ import annotations

import math
from typing import TypeAlias

from msgspec import Struct

from park.exchange.crossing import HASTE, dated, key_of
from park.exchange.messages import COMMAND_SECONDS, EndLink, FrameArrived, LinkDown, LinkUp, SendFrame
from park.exchange.session import Arrived, Entry, Haste, Session
from park.model.delivery import Delivery
from park.model.session import FactOffered
from park.model.signals import WakeAt
from park.model.time import Now

BEGUN_ANEW = "this end of the link has begun anew"
LinkEffect: TypeAlias = SendFrame | EndLink | WakeAt
Expired: TypeAlias = Arrived
"""A command that came too late to be executed."""


class Connection(Struct):
    """Mutable, owned by one link. `greeted`: the other side said who it is, and was taken."""

    name: str = ""
    session: Session | None = None
    greeted: bool = False
    dropped: int = 0

    def begin(self, up: LinkUp, now: Now) -> None:
        self.name, self.session, self.greeted = up.connection, Session(now.mono), False

    def ends(self, down: LinkDown) -> bool:
        """True: it was the present one, and is over."""
        if self.session is None or down.connection != self.name:
            return False
        self.session, self.greeted = None, False
        return True

    def say(self, target: str, message: object, now: Now) -> bool:
        """Put a message on its way; false where there is nobody to hear it."""
        if self.session is None:
            self.dropped += 1
            return False
        haste = HASTE.get(type(message), Haste.USUAL)
        self.session.push(Entry(target, now.mono, message), key_of(target, message), haste)
        return True

    def take(self, arrived: FrameArrived, now: Now) -> list[Arrived]:
        """The entries of a frame of this connection, once and in order; none of an earlier connection."""
        if self.session is None or arrived.connection != self.name:
            return []
        return self.session.receive(arrived.frame, now.mono)

    def stray(self, arrived: FrameArrived) -> list[LinkEffect]:
        """End a connection nobody here knows: this link began anew, and the other side must greet it again."""
        if self.session is not None and arrived.connection == self.name:
            return []
        return [EndLink(arrived.connection, BEGUN_ANEW)]

    def settle(self, now: Now) -> list[LinkEffect]:
        """Frames that are due, the end of a silent connection, and when to look again."""
        session = self.session
        if session is None:
            return []
        due = session.due()
        if now.mono < due:
            return [WakeAt(due)]
        if session.is_silent(now.mono):
            self.session, self.greeted = None, False
            return [EndLink(self.name, "nothing was heard for too long")]
        effects: list[LinkEffect] = [SendFrame(self.name, frame) for frame in session.frames(now.mono)]
        due = session.due()
        if due < math.inf:
            effects.append(WakeAt(due))
        return effects

    def refuse(self, reason: str, now: Now) -> list[LinkEffect]:
        """Send what waits, then end the connection."""
        effects = self.settle(now)
        self.session, self.greeted = None, False
        return [*(effect for effect in effects if not isinstance(effect, WakeAt)), EndLink(self.name, reason)]


def in_time(arrived: Arrived, now: Now) -> object | None:
    """The message with its times on our clock; None for a command that is too old, or of unknown age.

    None too for a fact without a date before the clocks are compared: its journal offers it again.
    """
    delivery = getattr(arrived.message, "delivery", Delivery.STATE)
    if delivery is Delivery.COMMAND and arrived.age(now.mono) > COMMAND_SECONDS:
        return None
    if arrived.offset is None:
        fact = arrived.message.fact if isinstance(arrived.message, FactOffered) else None
        return arrived.message if fact is None or fact.undated is None else None
    return dated(arrived.message, arrived.offset, now.boot)
