"""The field: real clocks, real threads; the dispatcher is chosen when a node starts."""

from nodes.field.pool import PoolWorld
from nodes.field.threads import ThreadWorld

__all__ = ["PoolWorld", "ThreadWorld"]
