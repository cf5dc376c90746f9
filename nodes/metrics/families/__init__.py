"""Every metric chargepark exports. Names are public: add freely, never rename.

Labels are node, charge_point, connector, circuit, phase and source (a meter, a limit, a fault), plus `state` where a
family has one series per state, and `actor`. Never an id tag.
"""

from nodes.metrics.families.actors import ACTORS
from nodes.metrics.families.backend import BACKEND
from nodes.metrics.families.charge_points import CHARGE_POINTS
from nodes.metrics.families.circuits import CIRCUITS
from nodes.metrics.families.meters import METERS
from nodes.metrics.families.park import NODES, park
from nodes.metrics.family import Family


def families(version: str, python: str) -> tuple[Family, ...]:
    """All families of the park view; `version` and `python` go into the build information."""
    return (*park(version, python), *NODES, *CHARGE_POINTS, *CIRCUITS, *METERS, *BACKEND, *ACTORS)


__all__ = ["families"]
