"""A service on site, the whole node, and a strict backend by other people: DataTransfer over real sockets."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import grpc
import pytest
from support.rig import PATIENCE, Rig, bare_rig, eventually
from support.strict import StrictBackend

from nodes.administration.port import SOCKET
from nodes.rpc import services_pb2 as pb
from nodes.rpc.services_pb2_grpc import LocalServicesStub

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.timeout(180)]
VENDOR = "org.example.signs"


@pytest.fixture
def park(tmp_path: Path) -> Generator[tuple[Rig, StrictBackend]]:
    with bare_rig(tmp_path, points=1) as made:
        made.start_bench()
        backend = StrictBackend(made)
        made.start_node()
        eventually("online", made.online)
        yield made, backend


class Attached:
    """A program that has attached; `says` what it is told."""

    def __init__(self, says: Iterator[pb.ToService], outgoing: SimpleQueue[pb.FromService | None]) -> None:
        self._says, self._outgoing = says, outgoing

    def send(self, message: pb.FromService) -> None:
        self._outgoing.put(message)

    def hears(self) -> pb.ToService:
        return next(self._says)


@contextmanager
def attached(park: Rig, vendor: str = VENDOR, seconds: float | None = 10.0) -> Generator[Attached]:
    outgoing: SimpleQueue[pb.FromService | None] = SimpleQueue()
    outgoing.put(pb.FromService(attach=pb.AttachService(vendor_id=vendor, answer_seconds=seconds)))
    socket = park.directory / "data" / SOCKET
    with grpc.insecure_channel(f"unix:{socket}") as channel:
        call = LocalServicesStub(channel).Attach(iter(outgoing.get, None), timeout=PATIENCE)
        try:
            yield Attached(call, outgoing)
        finally:
            outgoing.put(None)
            call.cancel()


@pytest.mark.rule("B-212", "B-214")
def test_a_service_and_the_backend_talk_through_the_node(park: tuple[Rig, StrictBackend]) -> None:
    rig, backend = park
    with attached(rig) as service, ThreadPoolExecutor(1) as pool:
        assert service.hears().WhichOneof("message") == "attached"
        asked = pool.submit(backend.ask, "DataTransfer", {"vendorId": VENDOR, "messageId": "show", "data": "7 free"})
        question = service.hears().transfer
        assert (question.message_id, question.data) == ("show", "7 free")
        answer = pb.TransferAnswer(request_id=question.request_id, status="Accepted", data="shown")
        service.send(pb.FromService(answer=answer))
        assert asked.result(PATIENCE)["result"] == {"status": "Accepted", "data": "shown"}

        service.send(pb.FromService(transfer=pb.Transfer(request_id="s-1", message_id="pressed")))
        told = service.hears().unanswered  # this backend knows no transfer
        assert (told.request_id, "NotImplemented" in told.reason) == ("s-1", True)
        assert backend.calls("DataTransfer", vendorId=VENDOR, messageId="pressed")
    assert backend.complaints() == []
    other = backend.ask("DataTransfer", {"vendorId": "org.example.other"})
    assert other["result"] == {"status": "UnknownVendorId"}
    assert "Traceback" not in rig.log("node")


@pytest.mark.rule("B-213")
def test_who_cannot_attach_is_told_why(park: tuple[Rig, StrictBackend]) -> None:
    rig, _ = park

    def refused(vendor: str, seconds: float = 1.0) -> tuple[grpc.StatusCode, str]:
        with attached(rig, vendor, seconds) as service, pytest.raises(grpc.RpcError) as error:
            service.hears()
        return error.value.code(), error.value.details() or ""

    assert "control character" in refused("a b")[1]
    assert "own vendor id" in refused("chargepark")[1]
    assert "1 to 60" in refused(VENDOR, 61.0)[1]
    with attached(rig) as service:
        service.hears()
        assert refused(VENDOR)[0] is grpc.StatusCode.ALREADY_EXISTS
