"""acnportal's RoundRobin on the crowd it reads as JSON from standard input; run by the interpreter that has it.

In: `[{"min": A, "max": A, "lines": [row, ...]}, ...]` as `cars`, `room` in A, `step` in A, `runs`.
Out: `{"seconds": of a processor, the best run; "amps": of each car}`. All phase angles are 0: a line is one conductor.
"""

import json
import sys
import time

import numpy as np
from acnportal.acnsim.interface import InfrastructureInfo, SessionInfo
from acnportal.algorithms import RoundRobin, first_come_first_served

ENDLESS = 10**9  # what a vehicle still wants: current is what is shared, not energy


class Wishes:
    """As much of their interface as the algorithm looks at."""

    def remaining_amp_periods(self, session):
        return ENDLESS


def main():
    asked = json.load(sys.stdin)
    cars, room = asked["cars"], asked["room"]
    matrix = np.zeros((len(room), len(cars)))
    for place, car in enumerate(cars):
        matrix[car["lines"], place] = 1.0
    loaded = matrix.any(axis=1)  # conductors of nobody cost it time and change nothing
    names = [str(place) for place in range(len(cars))]
    most = np.array([float(car["max"]) for car in cars])
    sessions = [
        SessionInfo(name, name, ENDLESS, 0, 0, 1, min_rates=car["min"], max_rates=car["max"])
        for name, car in zip(names, cars)
    ]
    algorithm = RoundRobin(first_come_first_served, continuous_inc=asked["step"])
    algorithm.register_interface(Wishes())
    best, amps = float("inf"), None
    for _ in range(asked["runs"]):
        grid = InfrastructureInfo(
            matrix[loaded],
            np.array(room)[loaded],
            np.zeros(len(cars)),
            np.full(len(cars), 230.0),
            [str(row) for row in range(int(loaded.sum()))],
            names,
            most,
            np.zeros(len(cars)),
            allowable_pilots=[np.array([0.0])] * len(cars),
            is_continuous=np.ones(len(cars), dtype=bool),
        )
        began = time.process_time()
        amps = algorithm.round_robin(sessions, grid)
        best = min(best, time.process_time() - began)
    json.dump({"seconds": best, "amps": [float(each) for each in amps]}, sys.stdout)


main()
