"""Bring a file to a URL, or fetch one from it; blocking, for a thread of its own."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nodes.maintenance import ftp, http
from nodes.maintenance.partial import Partial, Stop
from nodes.maintenance.places import Rules


def upload(rules: Rules, url: str, file: Path, name: str, stop: Stop) -> None:
    """Raises OSError saying why it did not come about."""
    place = rules.place(url)
    (http if place.is_http else ftp).upload(rules, place, file, name, stop)


def download(rules: Rules, url: str, path: Path, most_bytes: int, stop: Stop) -> str:
    """Fetch into `path`, on from where an earlier try ended; returns SHA-256 as hex. Raises OSError."""
    partial, place = Partial(path), rules.place(url)
    if place.is_http:
        http.download(rules, url, partial, most_bytes, stop)
    else:
        ftp.download(rules, place, partial, most_bytes, stop)
    return digest(path)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
