"""Kinds of values in a configuration file, each refused with a reason a technician can act on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, TypeAlias

from msgspec import Struct
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

LARGEST_INPUT = 64  # digital inputs of a board, as the bench has them
LAST_PORT = 65_535  # RFC 9293: 16 bits
ROUNDING = 1e-6  # what binary fractions do to 0.1
STEP_MA = 100  # finest step of a configured current: 0.1 A, what the best control pilots resolve
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")  # fits a path, a metric label and a DNS-SD instance
_HOST_PATTERN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")


class Section(BaseModel):
    """A table of the file: unknown keys, guessed types, NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class About(Struct, frozen=True):
    """What the configuration reference says of a key. `source`: standard clause, seed rule or `design`."""

    text: str
    unit: str = ""
    source: str = "design"


class Endpoint(Struct, frozen=True):
    """Where something listens or is reached; IPv6 hosts without brackets. `port` 0: any free port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def conflicts_with(self, other: Endpoint) -> bool:
        """Whether both cannot be bound on one machine."""
        if self.port != other.port or self.port == 0:
            return False
        hosts = {_canonical(self.host), _canonical(other.host)}
        return len(hosts) == 1 or bool(hosts & {"0.0.0.0", "::"})  # noqa: S104 compared, not bound


def milliamperes(amperes: float) -> int:
    """Amperes of the file as the integer the domain works with; exact, because files have steps of 0.1 A."""
    return round(amperes * 10) * STEP_MA


def endpoint(text: str) -> Endpoint:
    """HOST:PORT as two values; raises `ValueError` saying what is wrong."""
    host, separator, port = text.rpartition(":")
    if not separator:
        raise ValueError(f"{text!r} has no port; write HOST:PORT, for instance 127.0.0.1:7071")
    if not _HOST_PATTERN.fullmatch(host):
        raise ValueError(f"{host!r} is no host name or address; write HOST:PORT, IPv6 as [::1]:7071")
    if not (port.isascii() and port.isdigit() and int(port) <= LAST_PORT):
        raise ValueError(f"{port!r} is no port; it is a number from 0 to {LAST_PORT}")
    return Endpoint(host.strip("[]"), int(port))


def tcp_endpoint(text: str) -> Endpoint:
    """tcp://HOST:PORT as two values; raises `ValueError` saying what is wrong."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme != "tcp":
        raise ValueError(f"{text!r} is no meter address; write tcp://HOST:PORT, for instance tcp://192.168.1.20:502")
    place = endpoint(rest)
    if place.port == 0:
        raise ValueError("port 0 cannot be connected to; a Modbus meter usually listens on 502")
    return place


def _canonical(host: str) -> str:
    return {"localhost": "127.0.0.1", "::1": "127.0.0.1"}.get(host.lower(), host.lower())


def _in_steps(amperes: float) -> float:
    if abs(amperes * 10 - round(amperes * 10)) > ROUNDING:
        raise ValueError(f"{amperes:g} A is finer than the step of 0.1 A; give {round(amperes, 1):g}")
    return amperes


def _name(text: str) -> str:
    if not NAME_PATTERN.fullmatch(text):
        raise ValueError(
            f"{text!r} is no name; use 1 to 40 letters, digits, '.', '_' or '-', the first a letter or digit"
        )
    return text


def _listening(text: str) -> str:
    if text:
        endpoint(text)
    return text


def reached_at(default_port: int) -> Callable[[str], str]:
    """What makes HOST:PORT of HOST alone, by the port the other side listens on when nobody says another."""

    def completed(text: str) -> str:
        alone = ":" not in text or text.endswith("]")
        return _reached(f"{text}:{default_port}" if text and alone else text)

    return completed


def _reached(text: str) -> str:
    if text and endpoint(text).port == 0:
        raise ValueError("port 0 cannot be connected to; give the port the other side listens on")
    return text


def _tcp(text: str) -> str:
    tcp_endpoint(text)
    return text


Amperes: TypeAlias = Annotated[float, AfterValidator(_in_steps)]
Name: TypeAlias = Annotated[str, AfterValidator(_name)]
InputNumber: TypeAlias = Annotated[int, Field(ge=1, le=LARGEST_INPUT)]
ListenAddress: TypeAlias = Annotated[str, AfterValidator(_listening)]
"""HOST:PORT, or "" for closed."""
RemoteAddress: TypeAlias = Annotated[str, AfterValidator(_reached)]
"""HOST:PORT to connect to, or "" for none."""
TcpAddress: TypeAlias = Annotated[str, AfterValidator(_tcp)]
IdTag: TypeAlias = Annotated[str, Field(min_length=1, max_length=20, pattern=r"^[\x21-\x7e]+$")]
"""OCPP 1.6 §7.28: CiString20, printable, without spaces."""
