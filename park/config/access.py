"""Tables about who may charge: the rules of authorization, the whitelist, and the backend."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AwareDatetime, Field

from park.authorization.settings import LARGEST_WHITELIST
from park.config.quantities import About, IdTag, Section

LONGEST_WAIT_SECONDS = 3600  # design: of a card for a vehicle, or a vehicle for a card
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
    whitelist: Annotated[
        tuple[WhitelistSection, ...],
        Field(strict=False, max_length=LARGEST_WHITELIST),
        About("Tags known to the park.", source="B-398"),
    ] = ()


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
