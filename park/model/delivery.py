"""How a message type travels, declared once and obeyed on every link, local ones included."""

from __future__ import annotations

from enum import Enum


class Delivery(Enum):
    """Each message class carries one of these as `delivery` (architecture, table of deliveries)."""

    STATE = "state"  # keyed, latest wins, may be conflated
    GRANT = "grant"  # a lease: stale ones are refused by (epoch, sequence)
    COMMAND = "command"  # at most once within its deadline, answered
    FACT = "fact"  # at least once with an id, resent until persisted
