"""Reads configuration files from disk."""

from __future__ import annotations

from pathlib import Path

from park.config.node_config import NodeConfig
from park.config.parsing import parse
from park.errors import ConfigurationInvalid

LARGEST_FILE = 4 * 1024 * 1024  # bytes; a park of a thousand boards stays below, a wrong file given by mistake may not


def read_config(path: Path) -> NodeConfig:
    """The configuration in a file. Raises `ConfigurationInvalid`, also for a file that cannot be read."""
    return parse(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, a byte order mark left out. Raises `ConfigurationInvalid` with the remedy."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise _unreadable(path, f"more than {LARGEST_FILE} bytes", "name the TOML file of the node")
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise _unreadable(path, "there is no such file", "check the path; examples/ has files to start from") from None
    except IsADirectoryError:
        raise _unreadable(path, "is a directory", "name the file in it") from None
    except PermissionError:
        raise _unreadable(path, "may not be read", "give the user that runs the node the right to read it") from None
    except UnicodeDecodeError as wrong:
        reason = f"byte {wrong.start} is not UTF-8"
        raise _unreadable(path, reason, "save the file as UTF-8 text") from None
    except (OSError, ValueError) as wrong:  # ValueError: a NUL in the path
        raise _unreadable(path, str(wrong), "check the path and the disk") from None


def _unreadable(path: Path, reason: str, remedy: str) -> ConfigurationInvalid:
    return ConfigurationInvalid((f"{path}: {reason}; {remedy}",))
