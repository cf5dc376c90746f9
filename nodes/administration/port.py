"""The socket in the data directory: who may open that file may order."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import grpc.aio

from park.errors import AddressUnusable

SOCKET = "admin.sock"
OPTIONS = (("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 16_384))
LONGEST_PATH = 107  # unix(7): sun_path has 108 bytes with its end
_PRIVATE = 0o177  # umask: the socket is for its owner


class AdminServer:
    """Made on the event loop; listens from construction on. `services` add themselves. Raises AddressUnusable."""

    def __init__(self, data_dir: Path, *services: Callable[[grpc.aio.Server], None]) -> None:
        self.path = (data_dir / SOCKET).absolute()
        self._server = grpc.aio.server(options=OPTIONS)
        for add in services:
            add(self._server)
        if len(os.fsencode(self.path)) > LONGEST_PATH:
            raise AddressUnusable(f"{self.path}: longer than a socket's path may be; shorten node.data_dir")
        before = os.umask(_PRIVATE)
        try:
            self._server.add_insecure_port(f"unix:{self.path}")
        except RuntimeError as error:
            text = f"{self.path}: cannot listen there; remove the file if it is no socket, and check the directory"
            raise AddressUnusable(text) from error
        finally:
            os.umask(before)

    async def start(self) -> None:
        await self._server.start()

    async def stop(self, grace: float = 1.0) -> None:
        await self._server.stop(grace)
