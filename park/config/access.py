"""Tables about who may charge: the rules of authorization, the whitelist, and the backend."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AwareDatetime, Field

from park.authorization.settings import AUTOCHARGE_PREFIX, LARGEST_WHITELIST, LONGEST_AUTOCHARGE_PREFIX
from park.config.quantities import LARGEST_INPUT, About, IdTag, Section, endpoint

LONGEST_WAIT_SECONDS = 3600  # design: of a card for a vehicle, or a vehicle for a card
PROXY_PORT = 80  # B-003
_PREFIX_PATTERN = re.compile(r"[\x21-\x7e]*")
_ID_TAG_OR_NONE = re.compile(r"[\x21-\x7e]{0,20}")  # OCPP 1.6 §7.28: CiString20
_IDENTITY_PATTERN = re.compile(r"[A-Za-z0-9*_=+|@.-]{1,48}")


class WhitelistSection(Section):
    """An id tag the park knows by itself."""

    tag: Annotated[IdTag, About("Id tag, compared without regard to case.", source="OCPP 1.6 §7.28")]
    name: Annotated[str, Field(max_length=100), About("Whose card it is; shown to administrators only.")] = ""
    expires: Annotated[
        AwareDatetime | None,
        About("Refused after this moment; with offset, e.g. `2027-01-01T00:00:00Z`.", source="B-400"),
    ] = None
    allowed: Annotated[bool, About("`false` blocks the tag, whatever the mode.", source="B-401")] = True


def _autocharge_prefix(text: str) -> str:
    if len(text) > LONGEST_AUTOCHARGE_PREFIX:
        raise ValueError(
            f"{text!r} is too long: with the 12 digits of a MAC it is an id tag, and OCPP allows 20 characters; "
            f"give at most {LONGEST_AUTOCHARGE_PREFIX}"
        )
    if not _PREFIX_PATTERN.fullmatch(text):
        raise ValueError(f"{text!r} is no beginning of an id tag; use printable ASCII characters without spaces")
    return text


def _autocharge_id(text: str) -> str:
    if not _ID_TAG_OR_NONE.fullmatch(text):
        raise ValueError(f"{text!r} is no id tag; use 1 to 20 printable ASCII characters without spaces")
    return text


class AuthorizationSection(Section):
    """Who decides whether a vehicle may charge."""

    mode: Annotated[
        Literal["free", "whitelist", "backend"],
        About(
            "`free`: every vehicle that is plugged in. `whitelist`: tags below. `backend`: the backend is asked.",
            source="B-053, B-350",
        ),
    ] = "whitelist"
    offline: Annotated[
        Literal["refuse", "whitelist", "accept", "plugged"],
        About(
            "Decides in backend mode while the backend does not answer; `plugged`: accept, and without a card too. A "
            "tag known to be refused never starts.",
            source="B-051, B-115",
        ),
    ] = "whitelist"
    free_tag: Annotated[IdTag, About("Id tag of sessions in free mode.", source="B-052, B-384")] = "FREE"
    stop_with_card: Annotated[
        bool,
        About("The same card presented again ends its session, at readers that allow it too.", source="B-280, B-393"),
    ] = True
    plug_timeout_seconds: Annotated[
        float,
        Field(ge=0, le=LONGEST_WAIT_SECONDS),
        About(
            "A card accepted before the vehicle is plugged in is forgotten after this time; 0: never.",
            "s",
            "B-057, B-353, OCPP 1.6 ConnectionTimeOut",
        ),
    ] = 60
    card_timeout_seconds: Annotated[
        float,
        Field(ge=0, le=LONGEST_WAIT_SECONDS),
        About(
            "A plugged-in vehicle waits this long for a card, then the point shows that it gave up; 0: for ever.", "s"
        ),
    ] = 60
    autocharge: Annotated[
        Literal["off", "mac", "fixed-id"],
        About(
            "Vehicles need no card where the electronics learn their MAC. `mac`: prefix and MAC are the id tag, judged "
            "like a card's. `fixed-id`: the same, and a vehicle that cannot tell its MAC has `autocharge_id`.",
            source="B-063",
        ),
    ] = "off"
    autocharge_prefix: Annotated[
        str,
        AfterValidator(_autocharge_prefix),
        About("Goes before the MAC, which is 12 upper-case digits without separators.", source="B-063, B-294"),
    ] = AUTOCHARGE_PREFIX
    autocharge_id: Annotated[
        str,
        AfterValidator(_autocharge_id),
        About("Id tag of vehicles that cannot tell their MAC; empty: none.", source="B-063"),
    ] = ""
    whitelist: Annotated[
        tuple[WhitelistSection, ...],
        Field(strict=False, max_length=LARGEST_WHITELIST),
        About("Tags known to the park.", source="B-398"),
    ] = ()


class AuthorizationInputSection(Section):
    """A digital input that authorizes at a charge point, as a card with the id tag `input_auth` would."""

    number: Annotated[int, Field(ge=1, le=LARGEST_INPUT), About("Digital input of this node.")]
    charge_point: Annotated[str, About("Where a session begins: its name, or NODE/CHARGE_POINT.", source="B-060")]
    active: Annotated[
        Literal["high", "low"],
        About("Level it authorizes at, when it changes.", source="B-060"),
    ] = "high"
    stops: Annotated[
        bool, About("Becoming active again, it ends the session it began; else it only begins them.", source="B-061")
    ] = False


def _backend_url(text: str) -> str:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as wrong:
        raise ValueError(f"{text!r} is no URL ({wrong}); write ws://HOST:PORT/PATH or wss://…") from None
    if url.scheme not in {"ws", "wss"}:
        raise ValueError(f"scheme {url.scheme!r} is not served; OCPP-J needs ws:// or wss://")
    if not url.hostname or port == 0:
        raise ValueError(f"{text!r} names no host to connect to; write ws://HOST:PORT/PATH")
    if url.username is not None or url.password is not None:
        raise ValueError("credentials do not belong into the URL; use identity and password_file")
    if url.query or url.fragment:
        raise ValueError("the identity is appended to the URL, so it may have no ? or # part")
    return text


def _proxy(text: str) -> str:
    """HOST:PORT; port 80 when it is missing (B-003)."""
    if not text:
        return ""
    place = text if text.rpartition(":")[2].isdigit() or text.endswith("]:") else f"{text}:{PROXY_PORT}"
    if endpoint(place).port == 0:
        raise ValueError("port 0 cannot be connected to; give the port the proxy listens on")
    return place


def _identity(text: str) -> str:
    if not _IDENTITY_PATTERN.fullmatch(text):
        raise ValueError(f"{text!r} is no identity; use 1 to 48 letters, digits or * - _ = + | @ .")
    return text


class BackendSection(Section):
    """The OCPP 1.6J backend (CSMS)."""

    url: Annotated[
        str, AfterValidator(_backend_url), About("ws:// or wss:// address; the identity is appended.", source="B-001")
    ]
    identity: Annotated[
        str,
        AfterValidator(_identity),
        About("Charge point identity of the park; user name of HTTP Basic.", source="B-002"),
    ]
    security_profile: Annotated[
        int,
        Field(ge=0, le=3),
        About(
            "0: none (closed networks only). 1: password. 2: TLS and password. 3: TLS with client certificate.",
            source="OCPP 1.6 security white paper §3",
        ),
    ] = 0
    password_file: Annotated[
        str, About("File whose first line is the AuthorizationKey, relative to this file; empty: none.", source="B-002")
    ] = ""
    ca_file: Annotated[
        str,
        About(
            "PEM file of the authorities the backend's certificate may come from, relative to this file; empty: those "
            "a backend installed, else the system's.",
            source="B-006, OCPP 1.6 security white paper §3",
        ),
    ] = ""
    certificate_file: Annotated[
        str,
        About(
            "PEM file of the station's certificate chain, for security profile 3; one that a backend signed later goes "
            "before it.",
            source="OCPP 1.6 security white paper §3",
        ),
    ] = ""
    key_file: Annotated[str, About("PEM file of its key, mode 0600.")] = ""
    tls: Annotated[
        Literal["secure", "any"],
        About("`secure`: TLS 1.2 or newer with secure ciphers. `any`: whatever an old backend offers.", source="B-005"),
    ] = "secure"
    check_host_name: Annotated[
        bool, About("`false`: the certificate may be of another host, for URLs with an address.", source="B-006")
    ] = True
    server_name: Annotated[
        str, About("Host name to ask for and to check instead of the URL's (SNI); empty: the URL's.")
    ] = ""
    http_proxy: Annotated[
        str, AfterValidator(_proxy), About("HTTP proxy HOST:PORT, port 80 when missing; empty: none.", source="B-003")
    ] = ""
    reconnect_seconds: Annotated[
        float,
        Field(ge=1, le=43_200),
        About("Longest wait between two attempts to connect; it doubles from 1 s, ± 20 %.", "s", "B-009"),
    ] = 120
    ping_timeout_seconds: Annotated[
        float,
        Field(ge=1, le=3600),
        About("A pong that takes longer ends the connection; it is made anew.", "s", "B-201, B-390"),
    ] = 20
    watchdog_seconds: Annotated[
        float,
        Field(ge=0, le=86_400),
        About(
            "After so long without a sign of the backend the link must prove that it lives or is made anew from its "
            "beginning; the board never reboots for it; 0: off.",
            "s",
            "B-012",
        ),
    ] = 600
    fallback_seconds: Annotated[
        float,
        Field(ge=0, le=86_400),
        About(
            "New settings with which the backend has not registered this park after so long are given up for the last "
            "that worked; 0: never.",
            "s",
            "B-033",
        ),
    ] = 600
