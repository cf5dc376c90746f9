"""TLS of the ports between boards, from the key files of a data directory."""

from __future__ import annotations

from pathlib import Path

import grpc

from nodes.pairing import authority, files, identity
from nodes.pairing.certificates import SERVER_NAME
from park.errors import KeysUnusable

CHANNEL_OPTIONS = (
    ("grpc.ssl_target_name_override", SERVER_NAME),  # certificates name roles: addresses of boards change
    ("grpc.enable_http_proxy", 0),  # a proxy of the environment has no business between boards
)


def server_credentials(data_dir: Path) -> grpc.ServerCredentials:
    """For the boards' port: whoever has no certificate of this park's CA does not get through the handshake.

    Call after `open_authority`. Who is admitted is asked again at every call (`BoardsOnly`). Raises KeysUnusable.
    """
    return grpc.ssl_server_credentials(
        [_pair(data_dir)], root_certificates=_needed(data_dir / authority.CA), require_client_auth=True
    )


def pairing_credentials(data_dir: Path) -> grpc.ServerCredentials:
    """For the pairing port: the same server, but boards have no certificate yet. Raises KeysUnusable."""
    return grpc.ssl_server_credentials([_pair(data_dir)])


def channel_credentials(data_dir: Path) -> grpc.ChannelCredentials:
    """For a paired board; use with `CHANNEL_OPTIONS`. Raises KeysUnusable before it is paired."""
    return grpc.ssl_channel_credentials(
        _needed(data_dir / identity.CA), _private(data_dir / identity.KEY), _needed(data_dir / identity.CERTIFICATE)
    )


def peer_credentials(data_dir: Path) -> grpc.ChannelCredentials:
    """For a server that asks another server of its park; use with `CHANNEL_OPTIONS`. Raises KeysUnusable."""
    return grpc.ssl_channel_credentials(_needed(data_dir / authority.CA), *_pair(data_dir))


def _pair(data_dir: Path) -> tuple[bytes, bytes]:
    return _private(data_dir / authority.SERVER_KEY), _needed(data_dir / authority.SERVER)


def _private(path: Path) -> bytes:
    return _there(path, files.read_private(path))


def _needed(path: Path) -> bytes:
    return _there(path, files.read(path))


def _there(path: Path, contents: bytes | None) -> bytes:
    if contents is None:
        raise KeysUnusable(f"{path}: there is no such file; this node is not paired yet, or its data_dir is another")
    return contents
