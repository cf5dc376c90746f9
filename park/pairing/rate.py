"""How often strangers may ask: a token bucket a peer, and one for all of them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

PEER_BURST, PEER_PER_SECOND = 20.0, 1.0  # ours: many boards behind one address translation ask each few seconds
ALL_BURST, ALL_PER_SECOND = 60.0, 10.0  # ours: a signature check costs a board a few milliseconds
PEERS = 256  # remembered; beyond it the one with the most left is forgotten, which gives the least away


class Bucket(Struct, frozen=True):
    """`left` requests at `at` (mono)."""

    left: float
    at: float

    def filled(self, burst: float, per_second: float, mono: float) -> Bucket:
        return Bucket(min(burst, self.left + max(0.0, mono - self.at) * per_second), max(mono, self.at))

    def wait(self, per_second: float) -> float:
        """Seconds until one request is left."""
        return max(0.0, (1.0 - self.left) / per_second)

    def taken(self) -> Bucket:
        return Bucket(self.left - 1.0, self.at)


class Rate(Struct, frozen=True):
    all: Bucket = Bucket(ALL_BURST, 0.0)
    peers: Mapping[str, Bucket] = field(default_factory=dict[str, Bucket])


def asked(rate: Rate, peer: str, mono: float) -> tuple[Rate, float]:
    """Count a request; the seconds to wait are 0 when it may be answered. A refused request costs nothing."""
    own = rate.peers.get(peer, Bucket(PEER_BURST, mono)).filled(PEER_BURST, PEER_PER_SECOND, mono)
    everybody = rate.all.filled(ALL_BURST, ALL_PER_SECOND, mono)
    wait = max(own.wait(PEER_PER_SECOND), everybody.wait(ALL_PER_SECOND))
    if wait > 0.0:
        return rate, wait
    return Rate(everybody.taken(), _remembered(rate.peers, peer, own.taken())), 0.0


def _remembered(peers: Mapping[str, Bucket], peer: str, bucket: Bucket) -> Mapping[str, Bucket]:
    known = {**peers, peer: bucket}
    if len(known) > PEERS:
        fullest = max((each for each in known if each != peer), key=lambda each: (known[each].left, -known[each].at))
        del known[fullest]
    return known
