"""Tells a running server what a person wants of pairing, over the socket in its data directory."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from nodes.administration.orders import PATIENCE_SECONDS, admin_channel
from nodes.rpc.pairing_pb2_grpc import PairingAdminStub
from park.errors import PairingRefused

__all__ = ["PATIENCE_SECONDS", "pairing_admin"]


@contextmanager
def pairing_admin(data_dir: Path) -> Generator[PairingAdminStub]:
    """The administration of a running server. Raises ParkUnreachable, and PairingRefused for what cannot be done."""
    with admin_channel(data_dir, PairingRefused) as channel:
        yield PairingAdminStub(channel)
