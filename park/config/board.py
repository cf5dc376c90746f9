"""Tables about the board itself: who it is, where it keeps its rows, what it opens and whom it talks to."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from park.config.quantities import About, InputNumber, ListenAddress, Name, RemoteAddress, Section, reached_at
from park.pairing.fingerprint import parse_fingerprint

Role: TypeAlias = Literal["single", "server", "client"]
KeyFingerprint: TypeAlias = Annotated[str, AfterValidator(parse_fingerprint)]
BOARDS_PORT = 7070  # ours, for boards; 7071 is for energy managers
PAIRING_PORT = 7072  # ours, beside 7070 and 7071


class NodeSection(Section):
    """This node."""

    name: Annotated[Name, About("Name of the node, unique in the park; part of its charge points' names.")]
    role: Annotated[
        Role, About("`single`: one board is the park. `server`: leads a park of boards. `client`: joins a server.")
    ]
    data_dir: Annotated[
        str,
        Field(min_length=1, max_length=4096),
        About("Directory of the database and keys, relative to where the node is started; created with mode 0700."),
    ]


class ListenSection(Section):
    """Where the node listens; each key is HOST:PORT, or empty for closed. A role opens only what it needs."""

    boards: Annotated[ListenAddress, About("gRPC for client boards; server only.")] = f"0.0.0.0:{BOARDS_PORT}"
    pairing: Annotated[
        ListenAddress, About("gRPC for boards that want to join, bound only while pairing is open; server only.")
    ] = f"0.0.0.0:{PAIRING_PORT}"
    energy: Annotated[
        ListenAddress,
        About("gRPC for energy managers and `chargepark status`, health, reflection; a client shows what is its own."),
    ] = "127.0.0.1:7071"
    energy_tls: Annotated[
        ListenAddress,
        About(
            "The same behind mutual TLS, for energy managers with a certificate of this park "
            "(`chargepark pair energy`), for instance on port 7073; not on a client."
        ),
    ] = ""
    metrics: Annotated[ListenAddress, About("HTTP for Prometheus.")] = "127.0.0.1:9470"


class MaintenanceSection(Section):
    """What backends may do to this board: its logs, and its firmware."""

    log_mb: Annotated[
        float,
        Field(ge=0, le=10_000),
        About("Space for logs in the data directory, the oldest go first; 0: none are kept.", "MB"),
    ] = 20
    hosts: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        Field(strict=False),
        About(
            "Hosts logs may be brought to and firmware be fetched from; empty: any but this machine and its own link."
        ),
    ] = ()
    ca_file: Annotated[
        str, About("PEM file of authorities for https and ftps, relative to this file; empty: the system's.")
    ] = ""
    maker_file: Annotated[
        str,
        About(
            "PEM file of the authorities that may certify signers of firmware, beside those a backend installs; "
            "relative to this file.",
            source="OCPP 1.6 security white paper §5.11",
        ),
    ] = ""
    installer: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        Field(strict=False),
        About(
            "Program and arguments that install a firmware file; its path is added. Exit code 0: installed; a last "
            "line `version=…` says what will run. Empty: firmware is fetched and checked, and not installed.",
            source="B-309",
        ),
    ] = ()
    installer_seconds: Annotated[
        float, Field(ge=1, le=86_400), About("An installer that runs longer is ended and has failed.", "s")
    ] = 1800
    boards: Annotated[
        Literal["all", "own"],
        About(
            "Of a server. `all`: firmware goes to the boards of the `[[placement]]`s too, one after the other, to its "
            "own board last; each board needs an `installer`. `own`: to its own board alone.",
            source="B-309",
        ),
    ] = "all"
    firmware_mb: Annotated[float, Field(ge=1, le=100_000), About("A larger firmware is refused.", "MB")] = 512
    restart_with_sessions: Annotated[
        bool,
        About("Restart after an installation although vehicles charge; their sessions stay open.", source="B-386"),
    ] = False


class BenchSection(Section):
    """The virtual hardware this node's `virtual` drivers talk to (`chargepark bench serve`)."""

    address: Annotated[RemoteAddress, Field(min_length=1), About("HOST:PORT of the bench.")] = "127.0.0.1:7079"


class DiscoverySection(Section):
    """Finding boards in the local network by DNS-SD. Discovery never grants trust (B-094)."""

    enabled: Annotated[bool, About("Announce this node and look for others.")] = False
    interfaces: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        Field(strict=False),
        About("Addresses or names of the network interfaces to use; empty: all."),
    ] = ()


class JoinSection(Section):
    """A park that a board joins, and where its server is."""

    park: Annotated[Name, About("Name of the park to join.")]
    address: Annotated[
        str,
        AfterValidator(reached_at(BOARDS_PORT)),
        About(
            "Fixed HOST or HOST:PORT of the server instead of discovery; port 7070 unless it says another.", "", "B-083"
        ),
    ] = ""
    pairing_address: Annotated[
        str,
        AfterValidator(reached_at(PAIRING_PORT)),
        About("HOST or HOST:PORT of the server's pairing port, 7072; empty: where the server was found, on port 7072."),
    ] = ""
    join_token_file: Annotated[str, About("File with a single-use join token; empty: approval on the server.")] = ""


class ServerSection(JoinSection):
    """The server a client board joins."""

    inputs: Annotated[
        tuple[InputNumber, ...],
        Field(strict=False),
        About(
            "Digital inputs of this board whose levels it tells the server, which limits by them (`[[input]]` there)."
        ),
    ] = ()


class PairingSection(Section):
    """Which boards a server lets join."""

    open: Annotated[bool, About("Take requests to join from the start on; normally opened for a while by command.")] = (
        False
    )
    fingerprints: Annotated[
        tuple[KeyFingerprint, ...],
        Field(strict=False),
        About(
            "SHA-256 fingerprints of board keys (`chargepark pair show` on the board) that may join without further "
            "approval, while pairing is open."
        ),
    ] = ()
