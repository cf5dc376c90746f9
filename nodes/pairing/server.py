"""Everything a server needs for pairing, put together: CA, enrolment actor, pairing port, administration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import grpc.aio
from msgspec import Struct

from actors.address import Address, Nowhere
from actors.enrolment import EnrolmentWires
from actors.messages import AdmissionMessage, Alarm, EnrolmentMessage, StoreMessage
from actors.supervisor import Supervisor
from actors.world import World
from nodes.administration.port import AdminServer
from nodes.bridge import Outbox
from nodes.pairing.admin import pairing_service
from nodes.pairing.admission import AdmittedBoards
from nodes.pairing.authority import Authority, open_authority
from nodes.pairing.credentials import pairing_credentials
from nodes.pairing.port import PairingPort
from nodes.pairing.service import CertificateDesk, PairingService, RenewalService
from nodes.wiring import declare_enrolment
from park.config.node_config import NodeConfig
from park.model.time import Now
from park.pairing.events import PairingPortWanted
from park.pairing.state import EnrolmentSettings


class ServerPairing(Struct, frozen=True):
    """`port.run` is an edge to keep running; `admin` is started and stopped; the boards' port uses the other two."""

    authority: Authority
    enrolment: Address[EnrolmentMessage]
    port: PairingPort
    admin: AdminServer
    admitted: AdmittedBoards
    renewal: RenewalService


def declare_pairing(
    config: NodeConfig,
    world: World,
    root: Supervisor,
    store: Address[StoreMessage],
    alarms: Address[Alarm],
    now: Callable[[], Now],
    onwards: Address[AdmissionMessage] = Nowhere(),
    also: Iterable[Callable[[grpc.aio.Server], None]] = (),
) -> ServerPairing:
    """Declare the actor and make its edges, on the event loop, before `root` starts. `onwards`: who else is told.

    `also`: what people may order beside pairing, on the same socket.
    Raises KeysUnusable and AddressUnusable.
    """
    data_dir = Path(config.node.data_dir)
    park = config.park.name if config.park else config.node.name
    authority = open_authority(data_dir, park, config.node.name, now().wall)
    admitted = AdmittedBoards(onwards)
    wanted: Outbox[PairingPortWanted] = Outbox(asyncio.get_running_loop(), key=type)
    wires = EnrolmentWires(store, admitted, wanted, alarms)
    enrolment = declare_enrolment(world, root, _settings(config), wires)
    desk = CertificateDesk(authority, enrolment, now)
    return ServerPairing(
        authority,
        enrolment,
        PairingPort(
            config.listeners.get("pairing"), partial(pairing_credentials, data_dir), PairingService(desk), wanted
        ),
        AdminServer(data_dir, pairing_service(authority, enrolment), *also),
        admitted,
        RenewalService(desk, admitted),
    )


def _settings(config: NodeConfig) -> EnrolmentSettings:
    pairing = config.pairing
    if pairing is None:
        return EnrolmentSettings(config.node.name)
    return EnrolmentSettings(config.node.name, pairing.open, frozenset(pairing.fingerprints))
