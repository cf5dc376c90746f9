"""What the demo builds: boards with charge points, their circuits, and the names and numbers that lead to them."""

from __future__ import annotations

from msgspec import Struct

FUSES = (63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250)  # IEC 60269: usual nominal currents
BOARD_FUSES = (16, 20, 25, 32, 35, 40, 50, *FUSES)  # the same for the line to one board
AMPS_PER_POINT = 10  # of the fuse: enough for 6 A each beside the house, far too little for 32 A each
LARGEST_PARK = FUSES[-1] // AMPS_PER_POINT  # charge points
MOST_CLIENTS = 9  # each has a hundred ports, and the next demo begins a thousand further on
HOUSE_SHARE = 0.2  # of the fuse, before the house wants more
GRID, GRID_METER = "grid", "grid-meter"
SERVER, ALONE, BAY = "server", "board-1", "bay"
DOOR = "door"  # the server's card reader, for every charge point of the park


class Board(Struct, frozen=True):
    """A board with charge points, each with a meter and a card reader of its own. `number`: its hundred ports."""

    name: str
    number: int
    charge_points: tuple[str, ...]
    circuit: str
    fuse_amps: int


class Park(Struct, frozen=True):
    """One board alone, or a server without charge points that leads client boards."""

    name: str
    boards: tuple[Board, ...]
    fuse_amps: int

    @property
    def clients(self) -> tuple[Board, ...]:
        """Boards that join; none: the one board is the park."""
        return tuple(board for board in self.boards if board.number)

    @property
    def charge_points(self) -> tuple[str, ...]:
        """All of them; their names are unique in the park, so that a verb of the bench needs no board."""
        return tuple(point for board in self.boards for point in board.charge_points)

    @property
    def identity(self) -> str:
        """OCPP identity of the park."""
        return self.name.upper()

    @property
    def house_amps(self) -> float:
        """What the house draws on each phase, usually."""
        return round(self.fuse_amps * HOUSE_SHARE)

    @property
    def full_names(self) -> tuple[str, ...]:
        """NODE/CHARGE_POINT of all of them."""
        return tuple(f"{board.name}/{point}" for board in self.boards for point in board.charge_points)


def park(name: str, clients: int, count: int) -> Park:
    """A park of `clients` boards, or (0) one alone, each with `count` charge points; `LARGEST_PARK` in all."""
    if not clients:
        fuse = _fuse(FUSES, count)
        return Park(name, (Board(ALONE, 0, _points(1, count), GRID, fuse),), fuse)
    line = _fuse(BOARD_FUSES, count)
    boards = (
        Board(f"{BAY}-{number}", number, _points((number - 1) * count + 1, count), f"line-{number}", line)
        for number in range(1, clients + 1)
    )
    return Park(name, tuple(boards), _fuse(FUSES, clients * count))


def reader(charge_point: str) -> str:
    """Name of the card reader of a charge point of the demo."""
    return f"{charge_point}-reader"


def connector(charge_point: str) -> int:
    """OCPP connector id of a charge point of the demo."""
    return int(charge_point.removeprefix("cp"))


def _points(first: int, count: int) -> tuple[str, ...]:
    return tuple(f"cp{number}" for number in range(first, first + count))


def _fuse(usual: tuple[int, ...], points: int) -> int:
    return next(amps for amps in usual if amps >= points * AMPS_PER_POINT)
