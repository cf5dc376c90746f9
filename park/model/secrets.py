"""Secrets in messages: a crash writes what it was about to the log, which must not hold a password."""

from __future__ import annotations

from msgspec import Struct


def without(value: Struct, *hidden: str) -> str:
    """What `repr` shall say of `value`: all its fields but the hidden ones."""
    told = (f"{name}={getattr(value, name)!r}" for name in value.__struct_fields__ if name not in hidden)
    return f"{type(value).__name__}({', '.join(told)})"
