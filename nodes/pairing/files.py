"""Key files: for their owner only, whole or not there, and on disk when the call returns."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from park.errors import KeysUnusable

PRIVATE_DIRECTORY = 0o700
PRIVATE = 0o600
PUBLIC = 0o644
_OTHERS = 0o077


def private_directory(directory: Path) -> None:
    """Make it, or take the rights of others from it. Raises KeysUnusable."""
    try:
        directory.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        if directory.stat().st_mode & _OTHERS:
            directory.chmod(PRIVATE_DIRECTORY)
    except OSError as error:
        raise KeysUnusable(
            f"{directory}: cannot be made private ({error}); give the directory to the user that runs the node"
        ) from error


def write(path: Path, contents: bytes, mode: int) -> None:
    """Replace the file as a whole: after a power cut it is the old one or the new one. Raises KeysUnusable."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(contents)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
        _sync_directory(path.parent)
    except OSError as error:
        raise KeysUnusable(f"{path}: cannot be written ({error}); check the disk and node.data_dir") from error


def read(path: Path) -> bytes | None:
    """The contents; None when there is no such file. Raises KeysUnusable."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeysUnusable(f"{path}: cannot be read ({error}); give it to the user that runs the node") from error


def read_private(path: Path) -> bytes | None:
    """The same for a private key, which is refused when others may read it. Raises KeysUnusable."""
    contents = read(path)
    if contents is not None and path.stat().st_mode & _OTHERS:
        raise KeysUnusable(f"{path}: others may read this private key; say: chmod 600 {path}")
    return contents


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
