"""What happens at the demo's park: cars come, charge and go, and the house wants more or less; the same for a seed."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from itertools import count
from operator import itemgetter
from typing import TypeAlias

from msgspec import Struct

from nodes.demo.layout import DOOR, Park, reader
from park.model.electric import PerPhase
from park.physics.vehicle import Behaviour, VehicleSpec

FIRST_AT = 0.5  # seconds; the first car
OPENING_STEP = 1.5  # from one car of the opening to the next
OPENING_SHARE = 0.7  # of the charge points; the others get their first car a little later
OPENING_LEAST = 3  # cars that charge together
FIRST_STAY = 16.0  # the first car leaves early: somebody watches for half a minute and wants to see a session end
STAY = (25.0, 70.0)
FREE = (4.0, 14.0)  # a place stays empty this long
LATE = (8.0, 25.0)  # first car at a place that is not in the opening
CARD_AFTER = 1.2  # the plug is in, the driver turns to the reader
PLUG_AFTER = 2.5  # the card is read, the driver gets the cable
CARD_FIRST = 0.25  # share of drivers
DOOR_SHARE = 0.5  # of the drivers who show their card after they plugged in, where the park has a reader for all
CARD_ENDS = 0.4  # share of drivers who end with their card before they unplug
UNPLUG_AFTER = 3.0  # the card was read, the socket unlocks
HOUSE_FIRST_RISE = 11.0  # while the cars of the opening charge
HOUSE_EVERY = (12.0, 25.0)
HOUSE_LEVELS = (0.5, 0.8, 1.0, 1.3, 1.6)  # of what the house usually draws
HOUSE_PHASES = (1.0, 1.07, 0.93)  # nothing is ever balanced


class Arrive(Struct, frozen=True):
    charge_point: str
    car: str
    vehicle: VehicleSpec


class Leave(Struct, frozen=True):
    charge_point: str


class ShowCard(Struct, frozen=True):
    """`reader`: that of the charge point, or the park's."""

    charge_point: str
    id_tag: str
    reader: str


class HouseDraws(Struct, frozen=True):
    currents_ma: PerPhase


Move: TypeAlias = Arrive | Leave | ShowCard | HouseDraws
Timed: TypeAlias = tuple[float, Move]
"""(seconds since the story began, what happens)"""

OPENING_CARS = (
    ("estate car", VehicleSpec(phases=3, maximum_ma=32_000, energy_wh=60_000)),
    ("van", VehicleSpec(phases=3, maximum_ma=32_000, energy_wh=75_000)),
    ("taxi", VehicleSpec(phases=3, maximum_ma=32_000, energy_wh=50_000)),
)
CARS = (
    *OPENING_CARS,
    ("family car", VehicleSpec(phases=3, maximum_ma=16_000, energy_wh=40_000)),
    ("compact", VehicleSpec(phases=1, maximum_ma=32_000, energy_wh=30_000)),
    ("plug-in hybrid", VehicleSpec(phases=1, maximum_ma=16_000, energy_wh=20, behaviour=Behaviour.TAPER)),
    ("old electric", VehicleSpec(phases=2, maximum_ma=16_000, energy_wh=12_000, behaviour=Behaviour.SLOW)),
    ("nearly full car", VehicleSpec(phases=3, maximum_ma=16_000, energy_wh=60, behaviour=Behaviour.TAPER)),
)


def story(park: Park, seed: int) -> Iterator[Timed]:
    """Everything that happens, without end, in the order of time."""
    opening = max(OPENING_LEAST, round(len(park.charge_points) * OPENING_SHARE))
    doors = bool(park.clients)
    places = (_place(point, place, opening, seed, doors=doors) for place, point in enumerate(park.charge_points))
    return heapq.merge(_house(park, seed), *places, key=itemgetter(0))


def _place(point: str, place: int, opening: int, seed: int, *, doors: bool) -> Iterator[Timed]:
    """One charge point: car after car. The first of all shows its card at the door, if there is one."""
    draw = random.Random(f"{seed} {point}")  # noqa: S311 - a story, no secret
    at = FIRST_AT + place * OPENING_STEP if place < opening else draw.uniform(*LATE)
    for number in count():
        first = number == 0 and place < OPENING_LEAST
        car = OPENING_CARS[place % len(OPENING_CARS)] if first else draw.choice(CARS)
        stay = FIRST_STAY if number == place == 0 else draw.uniform(*STAY)
        card_first = number > 0 and draw.random() < CARD_FIRST
        at_door = doors and not card_first and (number == place == 0 or draw.random() < DOOR_SHARE)
        where = DOOR if at_door else reader(point)
        for move in _visit(point, car, stay, draw, where, card_first=card_first):
            yield at + move[0], move[1]
        at += stay + draw.uniform(*FREE)


def _visit(
    point: str, car: tuple[str, VehicleSpec], stay: float, draw: random.Random, where: str, *, card_first: bool
) -> Iterator[Timed]:
    """One car; its driver comes at 0 and is gone at `stay`."""
    tag = f"04{draw.getrandbits(24):06X}"
    arrive, card = Arrive(point, *car), ShowCard(point, tag, where)
    yield from ((0.0, card), (PLUG_AFTER, arrive)) if card_first else ((0.0, arrive), (CARD_AFTER, card))
    if draw.random() < CARD_ENDS:
        yield stay - UNPLUG_AFTER, card
    yield stay, Leave(point)


def _house(park: Park, seed: int) -> Iterator[Timed]:
    draw = random.Random(f"{seed} house")  # noqa: S311 - a story, no secret
    yield 0.0, _draws(park, 1.0)
    at, level = HOUSE_FIRST_RISE, HOUSE_LEVELS[-2]
    while True:
        yield at, _draws(park, level)
        at += draw.uniform(*HOUSE_EVERY)
        level = draw.choice([other for other in HOUSE_LEVELS if other != level])


def _draws(park: Park, level: float) -> HouseDraws:
    l1, l2, l3 = (round(park.house_amps * level * phase) * 1000 for phase in HOUSE_PHASES)
    return HouseDraws((l1, l2, l3))


def in_words(move: Move) -> str:
    """A move as a sentence, for those who watch."""
    match move:
        case Arrive():
            amps = move.vehicle.maximum_ma // 1000
            phases = "1 phase" if move.vehicle.phases == 1 else f"{move.vehicle.phases} phases"
            return f"{move.charge_point}: {move.car} plugs in ({phases}, up to {amps} A)"
        case Leave():
            return f"{move.charge_point}: car leaves"
        case ShowCard():
            return f"{move.charge_point}: card is shown{' at the door' if move.reader == DOOR else ''}"
        case HouseDraws():
            return "house draws " + ", ".join(f"{current // 1000}" for current in move.currents_ma) + " A"
