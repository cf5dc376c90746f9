"""What is seen in the network now: the boards of the own park, strangers apart, and conflicts told once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias, assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from park.discovery.announcement import Announcement
from park.discovery.conflicts import ConflictSeen, conflicts
from park.discovery.sighting import Record, Sighting, Unreadable, in_order, read
from park.model.time import Now

MOST_KEPT = 256  # instances of a park, and of all others together: whoever floods the network fills no memory
MOST_PINNED = 8
RENEWED_SECONDS = 30.0  # how exact the times are that are told: a board heard again and again is no news


class Heard(Struct, frozen=True):
    """Discovery edge: an instance with what it says, at every change; `heard_at`: mono, when the wire last had it."""

    instance: str
    record: Record
    addresses: tuple[str, ...]
    port: int
    heard_at: float


class Announced(Struct, frozen=True):
    """Discovery edge: this node announces itself so from now on."""

    instance: str
    announcement: Announcement
    addresses: tuple[str, ...]


class Gone(Struct, frozen=True):
    """Discovery edge: the instance said goodbye, or was not heard until its time to live was over."""

    instance: str


class SightingsChanged(Struct, frozen=True):
    """All that is seen, by name. `others`: boards of other parks. This node itself is among `sightings`."""

    sightings: tuple[Sighting, ...]
    others: tuple[Sighting, ...] = ()


SightingsEvent: TypeAlias = Announced | Heard | Gone
SightingsEffect: TypeAlias = SightingsChanged | ConflictSeen | Unreadable


class Sightings(Struct, frozen=True):
    """`park` "": no park is the own one, all boards are alike. `announced`: this node. `told`: conflicts that last."""

    park: str
    pinned: str = ""
    announced: Sighting | None = None
    seen: Mapping[str, Sighting] = field(default_factory=dict[str, Sighting])
    refused: frozenset[str] = frozenset()
    told: frozenset[ConflictSeen] = frozenset()

    @property
    def own(self) -> tuple[Sighting, ...]:
        return _ordered(each for each in self.seen.values() if self.is_own(each))

    @property
    def others(self) -> tuple[Sighting, ...]:
        return _ordered(each for each in self.seen.values() if not self.is_own(each))

    def is_own(self, sighting: Sighting) -> bool:
        return not self.park or sighting.park == self.park


def step(state: Sightings, event: SightingsEvent, now: Now) -> tuple[Sightings, tuple[SightingsEffect, ...]]:
    """Tell `SightingsChanged` at each change and now and then; a conflict of the own park and an `Unreadable` once."""
    match event:
        case Announced():
            itself = _itself(event, now.mono)
            return _seen(replace(state, announced=itself), itself)
        case Heard():
            found = read(event.instance, event.record, event.addresses, event.port, min(event.heard_at, now.mono))
            if isinstance(found, Unreadable):
                return _refused(state, found)
            return _seen(state, found)
        case Gone():
            return _without(replace(state, refused=state.refused - {event.instance}), event.instance)
        case _:
            assert_never(event)


def _itself(event: Announced, mono: float) -> Sighting:
    says = event.announcement
    return Sighting(
        instance=event.instance,
        node=says.node,
        park=says.park,
        role=says.role,
        proto=says.proto,
        fingerprint=says.fingerprint,
        addresses=in_order(event.addresses),
        port=says.port,
        pairing_port=says.pairing_port,
        seen=mono,
        voice=says.voice,
        leads=says.leads,
    )


def _seen(state: Sightings, found: Sighting) -> tuple[Sightings, tuple[SightingsEffect, ...]]:
    before = state.seen.get(found.instance)
    if before is None and not _has_room(state, found):
        return _refused(state, Unreadable(found.instance, f"more than {MOST_KEPT} boards are announced"))
    if before is not None and _alike(before, found) and found.seen < before.seen + RENEWED_SECONDS:
        return state, ()
    return _told(replace(state, seen={**state.seen, found.instance: found}, refused=state.refused - {found.instance}))


def _has_room(state: Sightings, found: Sighting) -> bool:
    """A few that claim the pinned fingerprint always have: the server may not be shut out by who was first."""
    if state.pinned and found.fingerprint == state.pinned:
        return sum(each.fingerprint == state.pinned for each in state.seen.values()) < MOST_PINNED
    return len(state.own if state.is_own(found) else state.others) < MOST_KEPT


def _refused(state: Sightings, found: Unreadable) -> tuple[Sightings, tuple[SightingsEffect, ...]]:
    fresh = found.instance not in state.refused and len(state.refused) < MOST_KEPT
    if fresh:
        state = replace(state, refused=state.refused | {found.instance})
    state, effects = _without(state, found.instance)
    return state, (*effects, found) if fresh else effects


def _without(state: Sightings, instance: str) -> tuple[Sightings, tuple[SightingsEffect, ...]]:
    if instance not in state.seen:
        return state, ()
    return _told(replace(state, seen={name: each for name, each in state.seen.items() if name != instance}))


def _told(state: Sightings) -> tuple[Sightings, tuple[SightingsEffect, ...]]:
    # Whoever took the name of this node's instance later has replaced it in `seen`: it counts beside that one.
    itself = state.announced
    if itself is None or any(_alike(itself, each) for each in state.own):
        lasting = conflicts(state.own)
    else:
        lasting = conflicts((*state.own, itself))
    fresh = tuple(each for each in lasting if each not in state.told)
    return replace(state, told=frozenset(lasting)), (SightingsChanged(state.own, state.others), *fresh)


def _ordered(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    return tuple(sorted(sightings, key=lambda each: (each.park, each.node, each.instance)))


def _alike(one: Sighting, other: Sighting) -> bool:
    """But for the time."""
    return replace(one, seen=other.seen) == other
