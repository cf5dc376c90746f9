"""Names, roles and certificates that more than one board claims: a technician has to see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, groupby
from typing import Literal, TypeAlias

from msgspec import Struct

from park.discovery.announcement import Announcement
from park.discovery.sighting import Sighting
from park.model.alarm import Alarm

Kind: TypeAlias = Literal["node-twice", "server-twice", "certificate-twice"]


class ConflictSeen(Struct, frozen=True):
    """`instances`: who claims the same; `text`: what, where, and what to do."""

    kind: Kind
    park: str
    instances: tuple[str, ...]
    text: str

    @property
    def alarm(self) -> Alarm:
        return Alarm(f"discovery-{self.kind}", self.text)


def conflicts(sightings: Iterable[Sighting]) -> tuple[ConflictSeen, ...]:
    """Every conflict, park by park, whatever the order of the sightings."""
    ordered = sorted(sightings, key=lambda each: (each.park, each.node, each.instance))
    found: list[ConflictSeen] = []
    for _, boards in groupby(ordered, key=lambda each: each.park):
        found += _within(tuple(boards))
    return tuple(found)


def name_taken(announcement: Announcement) -> Alarm:
    """The network refused this node's own name: another board answers to it."""
    node, park = announcement.node, announcement.park
    return Alarm(
        "discovery-name-taken",
        f"park {park}: another board announces itself as {node}; this one goes on under a name with a number; "
        "give each board of the park its own node.name, and restart it",
    )


def _within(boards: tuple[Sighting, ...]) -> Iterator[ConflictSeen]:
    for node, claimants in _by(boards, lambda each: each.node):
        if any(_are_two(one, other) for one, other in combinations(claimants, 2)):
            yield _conflict(
                "node-twice",
                claimants,
                f"two boards call themselves {node}",
                "give each board of the park its own node.name, and restart it",
            )
    leading = tuple(each for each in boards if each.role != "client")
    if len({each.node for each in leading}) > 1:
        yield _conflict(
            "server-twice",
            leading,
            "more than one board leads it",
            "only one may have node.role server; make the others clients or give them another park.name",
        )
    for fingerprint, holders in _by(boards, lambda each: each.fingerprint):
        if fingerprint and len({each.node for each in holders}) > 1:
            yield _conflict(
                "certificate-twice",
                holders,
                f"boards of different names show one certificate ({fingerprint[:16]})",
                "a data_dir was copied, or one is forged: empty the copy's data_dir and pair that board again",
            )


def _by(boards: tuple[Sighting, ...], key: Callable[[Sighting], str]) -> Iterator[tuple[str, tuple[Sighting, ...]]]:
    for name, group in groupby(sorted(boards, key=key), key=key):
        yield name, tuple(group)


def _are_two(one: Sighting, other: Sighting) -> bool:
    """Whether two instances of one node name are two boards, not one that announced itself again."""
    if one.fingerprint and other.fingerprint and one.fingerprint != other.fingerprint:
        return True
    return one.port != other.port or not _places(one) & _places(other)


def _places(board: Sighting) -> set[str]:
    """Without the interface of link-local addresses, which only those have that were heard."""
    return {address.partition("%")[0] for address in board.addresses}


def _conflict(kind: Kind, boards: tuple[Sighting, ...], what: str, remedy: str) -> ConflictSeen:
    where = ", ".join(f"{each.node} at {each.addresses[0]}:{each.port}" for each in boards)
    park = boards[0].park
    return ConflictSeen(kind, park, tuple(each.instance for each in boards), f"park {park}: {what}: {where}; {remedy}")
