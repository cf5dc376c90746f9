"""Tells a running node what a person wants, over the socket in its data directory."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import grpc

from nodes.administration.port import SOCKET
from nodes.rpc.configuration_pb2_grpc import ConfigurationAdminStub
from nodes.rpc.whitelist_pb2_grpc import WhitelistAdminStub
from park.errors import ChargeparkError, KeyRefused, ParkUnreachable, WhitelistRefused

PATIENCE_SECONDS = 15.0  # the node commits before it answers


@contextmanager
def admin_channel(data_dir: Path, refused: type[ChargeparkError]) -> Generator[grpc.Channel]:
    """To a running node. Raises ParkUnreachable, and `refused` with the node's reason for what cannot be done."""
    path = (data_dir / SOCKET).absolute()
    with grpc.insecure_channel(f"unix:{path}") as channel:
        try:
            yield channel
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
            raise refused(details or str(code)) from error


@contextmanager
def configuration_admin(data_dir: Path) -> Generator[ConfigurationAdminStub]:
    """The configuration keys of a running node. Raises ParkUnreachable and KeyRefused."""
    with admin_channel(data_dir, KeyRefused) as channel:
        yield ConfigurationAdminStub(channel)


@contextmanager
def whitelist_admin(data_dir: Path) -> Generator[WhitelistAdminStub]:
    """The whitelist of a running node. Raises ParkUnreachable and WhitelistRefused."""
    with admin_channel(data_dir, WhitelistRefused) as channel:
        yield WhitelistAdminStub(channel)
