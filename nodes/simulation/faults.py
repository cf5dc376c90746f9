"""What goes wrong in a simulated park, drawn from a seed: how often, how long, to whom."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from random import Random

from msgspec import Struct

HOUR = 3600.0


class Kind(Enum):
    PARTITION = "partition"  # some boards and the server do not hear each other; nobody is told
    ONE_WAY = "one-way partition"  # the one hears the other, but is not heard
    RESET = "connection reset"
    WEATHER = "bad network"  # frames are late, lost, doubled, out of order
    BOARD_KILL = "client board killed"
    SERVER_KILL = "server killed"
    PAUSE = "process stopped"  # SIGSTOP, SIGCONT
    CLOCK = "clock jump"  # of a board's wall clock
    BACKEND = "backend outage"
    METER = "circuit meter silent"
    DISK = "disk full"  # of a client board or the server
    DATABASE = "database of a client board lost"
    ACTOR = "actor failed"


PER_HOUR = {
    Kind.PARTITION: 6.0,
    Kind.ONE_WAY: 3.0,
    Kind.RESET: 6.0,
    Kind.WEATHER: 8.0,
    Kind.BOARD_KILL: 6.0,
    Kind.SERVER_KILL: 3.0,
    Kind.PAUSE: 4.0,
    Kind.CLOCK: 8.0,
    Kind.BACKEND: 4.0,
    Kind.METER: 4.0,
    Kind.DISK: 3.0,
    Kind.DATABASE: 1.5,
    Kind.ACTOR: 24.0,
}
"""How often each happens in a park, on average."""

SECONDS = {
    Kind.PARTITION: (0.5, 90.0),
    Kind.ONE_WAY: (0.5, 60.0),
    Kind.RESET: (0.0, 0.0),
    Kind.WEATHER: (10.0, 120.0),
    Kind.BOARD_KILL: (1.0, 60.0),
    Kind.SERVER_KILL: (1.0, 60.0),
    Kind.PAUSE: (0.2, 45.0),
    Kind.CLOCK: (0.0, 0.0),
    Kind.BACKEND: (5.0, 240.0),
    Kind.METER: (2.0, 60.0),
    Kind.DISK: (2.0, 120.0),
    Kind.DATABASE: (1.0, 60.0),
    Kind.ACTOR: (0.0, 0.0),
}
"""How long each lasts: least and most, the logarithm drawn evenly."""

ALWAYS = ((Kind.PARTITION, Kind.ONE_WAY), (Kind.BOARD_KILL, Kind.SERVER_KILL), (Kind.CLOCK,))
"""Of each group at least one in every run."""

JUMP_SECONDS = (1.0, 7200.0)
QUIET_SECONDS = 60.0  # at the beginning: boards connect, the first cars come
WORST_DELAY = 1.0  # seconds a frame takes in the worst weather
WORST_SHARE = 0.3  # of frames that are lost, or doubled


class Fault(Struct, frozen=True):
    """`nodes`: whom it befalls. `strength`: seconds of a jump; 0 to 1 of bad weather; below 0.5 a kill is silent."""

    at: float
    kind: Kind
    seconds: float
    nodes: tuple[str, ...]
    strength: float


def fault_plan(
    random: Random, seconds: float, server: str, clients: Sequence[str], meters: Sequence[str]
) -> tuple[Fault, ...]:
    """All faults of a run of so many seconds, in order of time; the rates of `PER_HOUR`, and of `ALWAYS` each group."""
    kinds: list[Kind] = []
    for kind, rate in PER_HOUR.items():
        kinds += [kind] * _often(random, rate * seconds / HOUR)
    for group in ALWAYS:
        if not any(kind in group for kind in kinds):
            kinds.append(random.choice(group))
    faults = [_fault(random, kind, seconds, server, clients, meters) for kind in kinds]
    return tuple(sorted((fault for fault in faults if fault.nodes), key=lambda fault: fault.at))


def _often(random: Random, expected: float) -> int:
    """How often something happens that happens so often on average (Poisson)."""
    count, passed = 0, random.expovariate(1.0)
    while passed < expected:
        count += 1
        passed += random.expovariate(1.0)
    return count


def _fault(
    random: Random, kind: Kind, seconds: float, server: str, clients: Sequence[str], meters: Sequence[str]
) -> Fault:
    at = random.uniform(min(QUIET_SECONDS, seconds / 4), seconds * 0.95)
    least, most = SECONDS[kind]
    lasts = least * (most / least) ** random.random() if least else 0.0
    return Fault(
        at, kind, min(lasts, seconds - at), _whom(random, kind, server, clients, meters), _strength(random, kind)
    )


def _whom(random: Random, kind: Kind, server: str, clients: Sequence[str], meters: Sequence[str]) -> tuple[str, ...]:
    match kind:
        case Kind.SERVER_KILL | Kind.BACKEND:
            return (server,)
        case Kind.METER:
            return (random.choice(meters),) if meters else ()
        case Kind.PARTITION | Kind.ONE_WAY | Kind.WEATHER:
            return tuple(sorted(random.sample(clients, random.choice((1, 1, (len(clients) + 1) // 2, len(clients))))))
        case Kind.PAUSE | Kind.CLOCK | Kind.DISK | Kind.ACTOR:
            return (random.choice((server, *clients)),)
        case Kind.RESET | Kind.BOARD_KILL | Kind.DATABASE:
            return (random.choice(clients),)


def _strength(random: Random, kind: Kind) -> float:
    if kind is Kind.CLOCK:
        least, most = JUMP_SECONDS
        return random.choice((-1.0, 1.0)) * least * (most / least) ** random.random()
    return random.random()
