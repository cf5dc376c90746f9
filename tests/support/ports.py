"""Free ports for the processes of a test, of those that no outgoing connection takes in between.

A port that the kernel chose (`bind` to 0) is one of its ephemeral range: until the process that is to listen on it has
started, any connection of any other test may get it.
"""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator

FIRST, BEHIND = 20_000, 32_000  # below Linux's ephemeral range, net.ipv4.ip_local_port_range: 32768 to 60999
WORKERS = 16
PORTS = (BEHIND - FIRST) // WORKERS  # of each worker


def _numbers() -> Iterator[int]:
    """Ports of this worker of xdist alone, round and round; another run beside this one begins elsewhere."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    at = os.getpid() * 37
    while True:
        yield FIRST + worker * PORTS + at % PORTS
        at += 1


_NUMBERS = _numbers()


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 nobody listens on now, all different."""
    found: list[int] = []
    for number in itertools.islice(_NUMBERS, PORTS):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                continue
        found.append(number)
        if len(found) == count:
            return found
    raise AssertionError(f"not {count} free ports among the {PORTS} of this worker: is 127.0.0.1 up?")


def free_port() -> int:
    (port,) = free_ports(1)
    return port
