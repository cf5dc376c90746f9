"""How a signal keeps its deadline on a device whose clock is not ours: the device's newest stamp, sent back to it."""

from __future__ import annotations

from msgspec import Struct

from nodes.rpc import bench_pb2 as pb
from nodes.rpc.bench_codec import LONGEST_VALIDITY_SECONDS
from park.model.evse import Signal


class Echo(Struct):
    """`stamp`: newest reading of the device's monotonic clock, None before any. `heard_at`: our mono when it was here.

    The stamp is older than `heard_at` says, by its way here. So a validity counted from it ends at its deadline or
    earlier, never later, however long stamp or signal were under way.
    """

    stamp: float | None = None
    heard_at: float = 0.0

    def hear(self, message: pb.BenchToDriver, mono: float) -> None:
        """Take note of the clock; a device of an older version tells none."""
        if message.HasField("stamp"):
            self.stamp, self.heard_at = message.stamp, mono

    def valid_for(self, signal: Signal, mono: float) -> float:
        """Seconds for which the signal holds: from `stamp`, without one from now; 0: it is over."""
        left = min(signal.valid_for, signal.until - mono)
        since = 0.0 if self.stamp is None else mono - self.heard_at
        return min(max(0.0, left + since), LONGEST_VALIDITY_SECONDS)
