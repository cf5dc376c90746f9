"""The ports of a demo: a block of them from a base on, so that several demos can run beside each other."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

from park.errors import AddressUnusable

HOST = "127.0.0.1"
FIRST_BASE = 7000  # its energy and bench ports are the presets of `chargepark status` and `chargepark bench`
BASE_STEP = 1000  # from one base that is tried to the next
BASES_TRIED = 10
LARGEST_BASE = 65_000  # the block must end below 65 536
OFFSETS = {"meters": 20, "energy": 71, "bench": 79, "backend": 90, "metrics": 94}
"""Added to the base; boards further on take the same offsets from base + 100, base + 200, …"""
OPTION = "--port-base"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each part of the demo listens."""

    base: int

    def __getitem__(self, part: str) -> int:
        return self.base + OFFSETS[part]

    def address(self, part: str) -> str:
        """HOST:PORT of a part."""
        return f"{HOST}:{self[part]}"


def choose(base: int | None) -> Ports:
    """The block from this base on, or (None) the first that is free. Raises AddressUnusable naming the port in use."""
    if base is not None:
        ports = Ports(base)
        for part, why in _taken(ports):
            raise AddressUnusable(
                f"the demo's {part} port {ports.address(part)} cannot be used: {why}; choose other ports with "
                f"{OPTION} (it uses {_block(ports)})"
            )
        return ports
    for number in range(BASES_TRIED):
        ports = Ports(FIRST_BASE + number * BASE_STEP)
        if not any(_taken(ports)):
            return ports
    last = FIRST_BASE + (BASES_TRIED - 1) * BASE_STEP
    raise AddressUnusable(
        f"every block of ports from {FIRST_BASE} to {last} has one in use; end other demos or choose with {OPTION}"
    )


def _block(ports: Ports) -> str:
    numbers = sorted(ports[part] for part in OFFSETS)
    return f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def _taken(ports: Ports) -> Iterator[tuple[str, str]]:
    for part in OFFSETS:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((HOST, ports[part]))
            except OSError as error:
                yield part, (error.strerror or str(error)).lower()
