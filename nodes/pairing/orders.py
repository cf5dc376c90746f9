"""Tells a running server what a person wants of pairing, over the socket in its data directory."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import grpc

from nodes.pairing.admin import SOCKET
from nodes.rpc.pairing_pb2_grpc import PairingAdminStub
from park.errors import PairingRefused, ParkUnreachable

PATIENCE_SECONDS = 15.0  # the server commits before it answers


@contextmanager
def pairing_admin(data_dir: Path) -> Generator[PairingAdminStub]:
    """The administration of a running server. Raises ParkUnreachable, and PairingRefused for what cannot be done."""
    path = (data_dir / SOCKET).absolute()
    with grpc.insecure_channel(f"unix:{path}") as channel:
        try:
            yield PairingAdminStub(channel)
        except grpc.RpcError as error:
            code = error.code() if isinstance(error, grpc.Call) else None
            details = error.details() if isinstance(error, grpc.Call) else str(error)
            if code is grpc.StatusCode.UNAVAILABLE and not path.is_socket():
                raise ParkUnreachable(
                    f"no server runs on {path.parent}: there is no {SOCKET}; start it, or come to the directory it was "
                    "started in"
                ) from error
            if code is grpc.StatusCode.UNAVAILABLE:
                raise ParkUnreachable(f"no server answers at {path}; is it running, and may you open it?") from error
            raise PairingRefused(details or str(code)) from error
