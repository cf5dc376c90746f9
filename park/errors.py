"""The few exceptions of the domain; refusals that are part of the job are values (`Refused(reason)`).

ChargeparkError
├── ConfigurationInvalid     file, key, reason: shown by `check`, exit 2
├── ScenarioInvalid          the same for scenario files
├── StoreUnusable            database of a newer version, damaged, not writable
├── RegisterMapUnknown       a meter names a map that does not exist
├── BenchUnusable            the virtual hardware cannot be reached or knows no such thing
├── BenchRefused             what was asked of the virtual hardware is impossible in its world
├── AddressUnusable          an address to listen on is taken, not of this machine, or not allowed
├── NodeUnusable             a part no node can do without failed too often: the process ends, exit 1
├── NetworkUnusable          no interface to look for boards on, or multicast is refused there
├── PlotUnusable             matplotlib is not installed, or the picture cannot be written
├── KeysUnusable             a key or certificate file is missing, damaged, or readable by others
├── PairingRefused           what a person asked of pairing cannot be done
├── WhitelistRefused         what a person asked of the whitelist cannot be done
├── KeyRefused               a configuration key is unknown, or does not take this value
├── LimitRefused             what a person asked of limits cannot be done
├── NothingToExplain         there is no charge point of that name
├── NoBackendHere            a board without a link to a backend is asked what passed over it
├── RoleRefused              the node cannot take another role now
└── ParkUnreachable          no node answers where `status` asks
"""

from __future__ import annotations


class ChargeparkError(Exception):
    """Root: its text is written for the person who has to act on it."""


class ConfigurationInvalid(ChargeparkError):
    """What is wrong in a configuration file: every finding as `file: key: reason`."""

    def __init__(self, findings: tuple[str, ...]) -> None:
        super().__init__("\n".join(findings))
        self.findings = findings


class ScenarioInvalid(ConfigurationInvalid):
    """The same for a scenario file."""


class StoreUnusable(ChargeparkError):
    """The database cannot be used; the text names file, reason and remedy."""


class RegisterMapUnknown(ChargeparkError):
    """A meter names a register map that does not exist; the text lists those that do."""


class BenchUnusable(ChargeparkError):
    """The bench process cannot be reached, or knows no charge point, meter or reader of that name."""


class BenchRefused(ChargeparkError):
    """A person asked the virtual hardware for the impossible (two cars on one plug, say); the text says why."""


class AddressUnusable(ChargeparkError):
    """Nothing can listen there; the text names address, reason and remedy."""


class PlotUnusable(ChargeparkError):
    """No picture can be drawn or written; the text says what to install or where to write."""


class KeysUnusable(ChargeparkError):
    """A key or a certificate cannot be used; the text names file, reason and remedy."""


class PairingRefused(ChargeparkError):
    """A board, a token or an order of a person was refused; the text says why and what to do."""


class WhitelistRefused(ChargeparkError):
    """A card was not added or removed; the text says why and what to do."""


class KeyRefused(ChargeparkError):
    """A configuration key was not read or set; the text says why and what it takes."""


class LimitRefused(ChargeparkError):
    """A limit was not set or cleared; the text says why and what to do."""


class NothingToExplain(ChargeparkError):
    """No charge point, or several, have the name that was asked for; the text lists those that are there."""


class NoBackendHere(ChargeparkError):
    """This board has no link to a backend; the text says whom to ask."""


class RoleRefused(ChargeparkError):
    """A node keeps its role; the text says what would be lost and what to do."""


class ParkUnreachable(ChargeparkError):
    """No node answers at the given address; the text says what to look at."""


class NodeUnusable(ChargeparkError):
    """The node ended because of itself; the text names the part and what to do."""


class NetworkUnusable(ChargeparkError):
    """Boards cannot be looked for here; the text names interface, reason and remedy."""
