"""How the demo's boards join: the server makes a single-use token for each, and they find it as a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nodes.pairing.orders import PATIENCE_SECONDS, pairing_admin
from nodes.pairing.token_file import write_token
from nodes.rpc import pairing_pb2 as pb
from park.errors import ParkUnreachable

ASK_SECONDS = 0.1  # until the server's socket is there
VALID_SECONDS = 120.0  # a slow machine starts a board within a minute


async def make_token(server_dir: Path, node: str, file: Path) -> None:
    """Write the token of one board; waits until the server runs, cancel to end. Raises PairingRefused."""
    while True:
        try:
            token = await asyncio.to_thread(_token, server_dir, node)
        except ParkUnreachable:
            await asyncio.sleep(ASK_SECONDS)
        else:
            write_token(file, token)
            return


def _token(server_dir: Path, node: str) -> str:
    with pairing_admin(server_dir) as admin:
        request = pb.MakeTokenRequest(node=node, seconds=VALID_SECONDS)
        return admin.MakeToken(request, timeout=PATIENCE_SECONDS).token
