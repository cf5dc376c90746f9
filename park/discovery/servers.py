"""Which announced servers are others of our own park: they have the same CA, and a voice this database never had."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from park.discovery.sighting import Sighting
from park.load.rivalry import OtherServer, Voice


def other_servers(sightings: Iterable[Sighting], authority: str, lives: Collection[str]) -> tuple[Sighting, ...]:
    """Those to be dialled, for an announcement proves nothing. Our own of an earlier life may linger in the network.

    A server of another CA is none: boards refuse it by its certificate.
    """
    return tuple(
        each
        for each in sightings
        if each.role == "server" and each.fingerprint == authority and voice_of(each).server_id not in lives
    )


def as_other(sighting: Sighting) -> OtherServer:
    """Of one that answered with a certificate of the park."""
    voice = voice_of(sighting) if sighting.voice else None
    return OtherServer(sighting.node, str(sighting.endpoints[0]), voice, sighting.leads)


def voice_of(sighting: Sighting) -> Voice:
    """Epoch 0 of nobody for an older version, which does not say."""
    epoch, _, server_id = sighting.voice.partition("/")
    return Voice(int(epoch or 0), server_id)
