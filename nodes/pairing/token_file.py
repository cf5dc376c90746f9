"""The join token as a file: made on the server for its bearer only, read by the board that joins."""

from __future__ import annotations

from pathlib import Path

from nodes.pairing import files
from park.errors import KeysUnusable, PairingRefused
from park.pairing.token import JoinToken, parse_token


def write_token(path: Path, text: str) -> None:
    """Readable for its owner only. Raises KeysUnusable."""
    files.write(path, f"{text}\n".encode(), files.PRIVATE)


def read_token(path: Path) -> JoinToken:
    """Raises PairingRefused naming file, reason and remedy."""
    try:
        contents = files.read(path)
    except KeysUnusable as error:
        raise PairingRefused(str(error)) from error
    if contents is None:
        text = f"{path}: there is no such file; put the token there, or remove server.join_token_file"
        raise PairingRefused(text)
    try:
        return parse_token(contents.decode("ascii", "replace"))
    except ValueError as error:
        raise PairingRefused(f"{path}: {error}") from error
