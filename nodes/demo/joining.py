"""How the demo's boards join: the server makes a single-use token for each, and they find it as a file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from nodes.pairing.orders import PATIENCE_SECONDS, pairing_admin
from nodes.pairing.token_file import write_token
from nodes.rpc import pairing_pb2 as pb
from park.errors import ParkUnreachable

ASK_SECONDS = 0.1  # until the server's socket is there
VALID_SECONDS = 120.0  # a slow machine starts its boards within a minute


async def make_tokens(server_dir: Path, files: Mapping[str, Path]) -> None:
    """Write the token of each board; waits until the server runs, cancel to end. Raises PairingRefused."""
    while True:
        try:
            return await asyncio.to_thread(_write, server_dir, files)
        except ParkUnreachable:
            await asyncio.sleep(ASK_SECONDS)


def _write(server_dir: Path, files: Mapping[str, Path]) -> None:
    with pairing_admin(server_dir) as admin:
        for node, file in files.items():
            request = pb.MakeTokenRequest(node=node, seconds=VALID_SECONDS)
            write_token(file, admin.MakeToken(request, timeout=PATIENCE_SECONDS).token)
