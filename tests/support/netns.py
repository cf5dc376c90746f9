"""Hosts on a bridge of their own, each in a network namespace: cables pulled, parks partitioned, packets lost one way.

Nothing is made in the machine's own network. The namespaces live as long as a `cat` that reads a pipe of this process:
they and all their interfaces vanish with it, however it ends. Needs Linux with `ip`, `unshare` and `nsenter`, and root
or the right to make user namespaces.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

SUBNET = "10.99.0"
INTERFACE = "eth0"
NOBODY = "02:00:00:00:00:01"  # a locally administered address that no interface here has
HOLD = "mount -t sysfs sysfs /sys 2>/dev/null; ip link set lo up && echo ready && exec cat"
ROOTLESS = () if os.geteuid() == 0 else ("--user", "--map-root-user")
END_SECONDS = 10.0


class LabUnusable(Exception):
    """Namespaces cannot be made here; the text says what to do."""


@contextlib.contextmanager
def lab_or_skip() -> Iterator[Lab]:
    """A lab for a fixture; where namespaces cannot be made the test is skipped, with CI=true it fails."""
    try:
        made = Lab()
    except LabUnusable as unusable:
        if os.environ.get("CI") == "true":
            pytest.fail(str(unusable), pytrace=False)
        pytest.skip(str(unusable))
    with made:
        yield made


class _Namespace:
    """A network and a mount namespace, held by a process that ends with its pipe."""

    def __init__(self, within: tuple[str, ...] = (), options: tuple[str, ...] = ROOTLESS) -> None:
        command = [*within, "unshare", *options, "--net", "--mount", "--", "sh", "-c", HOLD]
        self._holder = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._holder.stdout is not None
        assert self._holder.stderr is not None
        if self._holder.stdout.readline() != "ready\n":
            problem = self._holder.stderr.read().strip()
            self.close()
            raise LabUnusable(f"no network namespaces here ({problem}); run as root, with CAP_SYS_ADMIN in a container")

    @property
    def pid(self) -> int:
        return self._holder.pid

    @property
    def entry(self) -> tuple[str, ...]:
        """What stands before a command that is to run in here."""
        user = ("--user", "--preserve-credentials") if ROOTLESS else ()
        return ("nsenter", f"--target={self.pid}", *user, "--net", "--mount", f"--wd={Path.cwd()}", "--")

    def ip(self, *words: object) -> None:
        """Run `ip WORDS`; raises AssertionError with what it says."""
        done = subprocess.run(
            [*self.entry, "ip", *map(str, words)], capture_output=True, text=True, check=False, timeout=END_SECONDS
        )
        assert done.returncode == 0, f"ip {' '.join(map(str, words))}: {done.stderr}"

    def close(self) -> None:
        for pipe in (self._holder.stdin, self._holder.stdout, self._holder.stderr):
            if pipe is not None:
                pipe.close()
        try:
            self._holder.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._holder.kill()
            self._holder.wait()


class Host:
    """One machine on the bridge; made by `Lab.add`. `ip`: its address on `eth0`."""

    def __init__(self, name: str, number: int, switch: _Namespace) -> None:
        self.name = name
        self.ip = f"{SUBNET}.{number}"
        self._port = f"port{number}"
        self._switch = switch
        within = (*switch.entry,)
        self._space = _Namespace(within, options=())
        switch.ip("link", "add", self._port, "type", "veth", "peer", "name", INTERFACE, "netns", self._space.pid)
        switch.ip("link", "set", self._port, "up")
        self._space.ip("link", "set", INTERFACE, "up")
        self._configure()
        self._running: list[subprocess.Popen[Any]] = []

    def _configure(self) -> None:
        self._space.ip("address", "add", f"{self.ip}/24", "dev", INTERFACE)
        self._space.ip("route", "replace", "default", "dev", INTERFACE)  # multicast wants a way out

    def run(self, argv: Sequence[object], **popen: Any) -> subprocess.Popen[Any]:  # noqa: ANN401 as Popen has it
        """Start a program on this host, `popen` as for `subprocess.Popen`; what still runs is killed with the lab."""
        process = subprocess.Popen([*self._space.entry, *map(str, argv)], **popen)
        self._running.append(process)
        return process

    def say(self, argv: Sequence[object], seconds: float = END_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run a program to its end; what it printed, as text."""
        command = [*self._space.entry, *map(str, argv)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)

    def down(self) -> None:
        """Pull the cable: the host loses its carrier, and everybody else waits in vain."""
        self._switch.ip("link", "set", self._port, "down")

    def up(self) -> None:
        """Plug the cable in again."""
        self._switch.ip("link", "set", self._port, "up")

    def readdress(self, ip: str) -> None:
        """Give the host another address, as DHCP would."""
        self._space.ip("address", "del", f"{self.ip}/24", "dev", INTERFACE)
        self.ip = ip
        self._configure()

    def blackhole(self, other: Host) -> None:
        """Sending from here to the other fails at once, with an error; what the other sends still arrives."""
        self._space.ip("route", "replace", "blackhole", f"{other.ip}/32")

    def lose(self, other: Host) -> None:
        """What is sent from here to the other is lost without an error; what the other sends still arrives."""
        self._space.ip("neigh", "replace", other.ip, "lladdr", NOBODY, "dev", INTERFACE, "nud", "permanent")

    def heal(self, other: Host) -> None:
        """End `blackhole` and `lose`."""
        for words in (("route", "del", "blackhole", f"{other.ip}/32"), ("neigh", "del", other.ip, "dev", INTERFACE)):
            self.say(["ip", *words])  # refused where there is nothing to end

    def move(self, island: str) -> None:
        """Plug the cable into another bridge."""
        self._switch.ip("link", "set", self._port, "master", island)

    def close(self) -> None:
        for process in self._running:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        self._space.close()


class Lab:
    """A bridge; `with Lab() as lab: a, b = lab.add("a"), lab.add("b")`. Raises LabUnusable."""

    MAINLAND = "bridge0"

    def __init__(self) -> None:
        self.hosts: list[Host] = []
        self._switch = _Namespace()
        self._islands = 0
        try:
            self._bridge(self.MAINLAND)
        except BaseException:
            self._switch.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        for host in self.hosts:
            host.close()
        self._switch.close()

    def add(self, name: str) -> Host:
        """Another host, with the next address."""
        host = Host(name, len(self.hosts) + 1, self._switch)
        self.hosts.append(host)
        host.move(self.MAINLAND)
        return host

    def partition(self, *groups: Sequence[Host]) -> None:
        """Cut the network between the groups, multicast included; within a group all goes on, and all carriers stay."""
        for group in groups:
            self._islands += 1
            self._bridge(f"island{self._islands}")
            for host in group:
                host.move(f"island{self._islands}")

    def heal(self) -> None:
        """End every partition."""
        for host in self.hosts:
            host.move(self.MAINLAND)

    def _bridge(self, name: str) -> None:
        # Without snooping: it would hold multicast back until somebody has asked who wants it.
        self._switch.ip("link", "add", name, "type", "bridge", "mcast_snooping", "0", "forward_delay", "0")
        self._switch.ip("link", "set", name, "up")
