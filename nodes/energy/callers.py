"""Who calls the port for energy managers: by the certificate of a TLS connection, or by a token in the metadata."""

from __future__ import annotations

from typing import Any

import grpc.aio

from nodes.energy.managers import CERTIFICATE, TOKEN, EnergyManagers, token_digest
from nodes.pairing import certificates as certs
from nodes.pairing.admission import peer_identity

METADATA, SCHEME = "authorization", "Bearer "
Context = grpc.aio.ServicerContext[Any, Any]


def caller(context: Context, managers: EnergyManagers) -> str | None:
    """The name of the manager that calls; None for everybody else."""
    identity = peer_identity(context)
    if identity is not None:
        return managers.known_by(CERTIFICATE, identity.fingerprint) if identity.role == certs.ENERGY else None
    for key, value in context.invocation_metadata() or ():
        if key == METADATA and isinstance(value, str) and value.startswith(SCHEME):
            return managers.known_by(TOKEN, token_digest(value.removeprefix(SCHEME)).hex())
    return None
