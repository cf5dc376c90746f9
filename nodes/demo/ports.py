"""The ports of a demo: a block of them from a base on, so that several demos can run beside each other."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from msgspec import Struct

from park.errors import AddressUnusable

HOST = "127.0.0.1"
FIRST_BASE = 7000  # its energy and bench ports are the presets of `chargepark status` and `chargepark bench`
BASE_STEP = 1000  # from one base that is tried to the next
BASES_TRIED = 10
BOARD_STEP = 100  # from the ports of one board to those of the next
LARGEST_BASE = 64_500  # the block, with those of the client boards, must end below 65 536
OFFSETS = {"meters": 20, "boards": 70, "energy": 71, "pairing": 72, "bench": 79, "backend": 90, "metrics": 94}
"""Added to the base; client board 1 takes its offsets from base + 100, board 2 from base + 200, …"""
OF_A_CLIENT = ("meters", "energy", "metrics")
OPTION = "--port-base"


class Ports(Struct, frozen=True):
    """Where each part of a demo with this many client boards listens."""

    base: int
    clients: int = 0

    def __getitem__(self, part: str) -> int:
        return self.of_board(part)

    def of_board(self, part: str, board: int = 0) -> int:
        """The port of a part; client boards are numbered from 1."""
        return self.base + board * BOARD_STEP + OFFSETS[part]

    def address(self, part: str, board: int = 0) -> str:
        """HOST:PORT of a part."""
        return f"{HOST}:{self.of_board(part, board)}"

    def all(self) -> Iterator[tuple[str, int]]:
        """Every part, with the number of its board."""
        yield from ((part, 0) for part in OFFSETS)
        yield from ((part, board) for board in range(1, self.clients + 1) for part in OF_A_CLIENT)


def choose(base: int | None, clients: int = 0) -> Ports:
    """The block from this base on, or (None) the first that is free. Raises AddressUnusable naming the port in use."""
    if base is not None:
        ports = Ports(base, clients)
        for part, board, why in _taken(ports):
            raise AddressUnusable(
                f"the demo's {part} port {ports.address(part, board)} cannot be used: {why}; choose other ports with "
                f"{OPTION} (it uses {_block(ports)})"
            )
        return ports
    for number in range(BASES_TRIED):
        ports = Ports(FIRST_BASE + number * BASE_STEP, clients)
        if not any(_taken(ports)):
            return ports
    last = FIRST_BASE + (BASES_TRIED - 1) * BASE_STEP
    raise AddressUnusable(
        f"every block of ports from {FIRST_BASE} to {last} has one in use; end other demos or choose with {OPTION}"
    )


def _block(ports: Ports) -> str:
    numbers = sorted(ports.of_board(part, board) for part, board in ports.all())
    return f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def _taken(ports: Ports) -> Iterator[tuple[str, int, str]]:
    for part, board in ports.all():
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((HOST, ports.of_board(part, board)))
            except OSError as error:
                yield part, board, (error.strerror or str(error)).lower()
