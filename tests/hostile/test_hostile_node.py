"""A backend does its worst to a running board: local limits hold, metering and logging go on, and nothing crashes."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from support.hostile import HostileBackend, hostile_backend
from support.orders import orders, profile
from support.rig import Rig, eventually, rig

from nodes.rpc import bench_pb2 as pb
from nodes.virtual.client import bench
from tests.fuzz.frames import Frames

LIMIT_MA, HEADROOM_MA = 63_000, 1_000  # as the rig's configuration has it
HOUSE_AMPS = 40
FUZZED = 400
SETTLED = 130  # samples of the bench, ten a second: longer than S3 gives a limit's step
SEED = 20_261_126
LAPSE_MA = 6_000  # each point's, as the rig's configuration has it
DEEP = "[" * 50_000
CODES = [
    ('[2,"u1","Coffee",{}]', "NotImplemented"),
    ('[2,"u1"]', "FormationViolation"),
    ('[2,"u1","Reset"', "FormationViolation"),
    ('[2,"u1","Reset",[]]', "FormationViolation"),
    ('[2,"u1",7,{}]', "FormationViolation"),
    ('[2,"u1","Reset",{"type":"Soft","x":1}]', "FormationViolation"),
    ('[2,"u1","Reset",{"type":"\\ud800"}]', "FormationViolation"),
    ('[2,"u1","Reset",{"type":' + DEEP, "FormationViolation"),
    ('[2,"u1","DataTransfer",{"vendorId":"v","data":"' + "x" * 1_100_000 + '"}]', "FormationViolation"),
    ('[2,"u1","Reset",{}]', "ProtocolError"),
    ('[2,"u1","Reset",{"type":1}]', "TypeConstraintViolation"),
    ('[2,"u1","RemoteStartTransaction",{"idTag":"' + "x" * 21 + '"}]', "TypeConstraintViolation"),
    ('[2,"u1","Reset",{"type":"Firm"}]', "PropertyConstraintViolation"),
    ('[2,"u1","GetConfiguration",{"key":[' + ",".join(['"k"'] * 1_000) + "]}]", "OccurenceConstraintViolation"),
]
UNANSWERABLE: list[str | bytes] = [
    "garbage", "", "{}", "[]", "null", "[5,7,8]", '[2,7,"Reset",{}]', '[3,"nobody",{}]', '[4,"nobody","x","y",{}]',
    DEEP, "9" * 6_000, b"\x00\xff",
]  # fmt: skip


class Watch:
    """Every sample of the bench while it runs: the largest phase current of the grid, and how many samples."""

    def __init__(self, address: str) -> None:
        self.samples = 0
        self.highest_ma = 0
        self._address = address
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._ended = False

    @contextmanager
    def running(self) -> Generator[Watch]:
        self._thread.start()
        yield self
        self._ended = True
        self._thread.join()

    def on(self) -> None:
        """Wait as long as anything takes to show in currents."""
        until = self.samples + SETTLED
        eventually("the bench goes on", lambda: self.samples >= until)

    def _watch(self) -> None:
        with bench(self._address) as stub:
            try:
                for sample in stub.WatchBench(pb.WatchBenchRequest()):
                    (grid,) = (each.currents for each in sample.circuits if each.circuit == "grid")
                    self.highest_ma = max(self.highest_ma, grid.l1_ma, grid.l2_ma, grid.l3_ma)
                    self.samples += 1
                    if self._ended:
                        return
            except grpc.RpcError:  # the bench is gone, and with it the test
                return


def is_well(park: Rig) -> None:
    """The node lives, has crashed nowhere, reads its meters and writes its log."""
    assert not park.died(), park.log("node")[-3_000:]
    eventually("the meters are read", park.online)
    log = park.log("node")
    assert "Traceback" not in log
    assert "crash" not in log.lower()


def flowing_ma(park: Rig) -> int:
    return sum(park.evse(name).currents.l1_ma for name in ("cp1", "cp2"))


@pytest.mark.slow
@pytest.mark.rule("B-378")
def test_every_order_with_every_extreme_raises_nothing_and_stops_nothing(
    tmp_path: Path, record_property: Callable[[str, object], None]
):
    with rig(tmp_path, mode="free", backend_process=False) as park, hostile_backend(park.config.ocpp) as backend:
        park.load("grid-meter", HOUSE_AMPS)
        park.start_node()
        eventually("the node is online", park.online)
        park.plug("cp1")
        park.plug("cp2")
        share = LIMIT_MA - HEADROOM_MA - HOUSE_AMPS * 1_000
        eventually("the cars share what is left", lambda: share - 2_000 < flowing_ma(park) <= share)
        with Watch(f"127.0.0.1:{park.config.bench}").running() as watch:
            given = give_all(backend)
            refuses_what_is_malformed(backend)
            watch.on()
            is_well(park)
            bears_anything(backend)
            watch.on()
            is_well(park)
            wants_everything(park, backend)
            eventually("the cars share what is left again", lambda: share - 2_000 < flowing_ma(park) <= share)
            watch.on()
        assert watch.highest_ma <= LIMIT_MA
        falls_back(park)
        record_property(
            "figure",
            f"hostile backend: {given} orders and {FUZZED} mutated frames; most on the grid {watch.highest_ma} mA of "
            f"{LIMIT_MA} in {watch.samples} samples",
        )


def give_all(backend: HostileBackend) -> int:
    """Each order has one answer, the second time too."""
    asked = [(action, backend.begin(action, payload)) for action, payload in orders()]
    kinds = {action: backend.answer(unique_id)[0] for action, unique_id in asked}
    assert set(kinds.values()) <= {3, 4}
    frame = json.dumps([2, "twice", "SetChargingProfile", {
        "connectorId": 0, "csChargingProfiles": profile("ChargePointMaxProfile", 1e6)
    }])  # fmt: skip
    for _ in range(3):
        backend.send(frame)
        assert backend.answer("twice")[0] == 3
    return len(asked)


def refuses_what_is_malformed(backend: HostileBackend) -> None:
    for frame in UNANSWERABLE:
        backend.send(frame)
    found = [(frame[:60], backend.code(frame, "u1")) for frame, _ in CODES]
    assert found == [(frame[:60], code) for frame, code in CODES]
    assert backend.ask("GetLocalListVersion", {})[0] == 3


def bears_anything(backend: HostileBackend) -> None:
    """Nobody waits for answers, and a reset may be among them."""
    frames = Frames(random.Random(SEED))
    for _ in range(FUZZED):
        frame = frames.next({})
        if "CentralSystemURI" not in str(frame):  # it would lead the station to another backend
            backend.send(frame if isinstance(frame, bytes) else frame.encode(errors="replace").decode())


def wants_everything(park: Rig, backend: HostileBackend) -> None:
    """The largest values of all that may raise a current; every limit of the backend's own is gone."""
    raised = {f"DlmOperatorPhase{phase}Limit": "6300" for phase in (1, 2, 3)}
    raised |= {"OperatorCurrentLimit": "80", "ChargePointCurrentLimit": "6300", "FreeCharging": "true"}
    raised |= {"MeterValueSampleMode": "WholeTransaction", "LocalAuthorizeOffline": "true"}
    for name, value in raised.items():
        assert backend.ask("ChangeConfiguration", {"key": name, "value": value})[0] == 3
    backend.ask("ClearChargingProfile", {})
    backend.ask("ChangeAvailability", {"connectorId": 0, "type": "Operative"})
    for number in (1, 2):
        park.unplug(f"cp{number}")
        eventually("the connector is free", lambda number=number: park.pilot(f"cp{number}") == "A")
        backend.ask("ChangeAvailability", {"connectorId": number, "type": "Operative"})
        wild = {"connectorId": number, "csChargingProfiles": profile("TxDefaultProfile", 1e6)}
        assert backend.ask("SetChargingProfile", wild)[2] == {"status": "Accepted"}
        park.plug(f"cp{number}")


def falls_back(park: Rig) -> None:
    """What the electronics fall to without the node is what the configuration says."""
    park.kill("node")
    eventually(
        "the pilots lapse", lambda: all(park.evse(name).levels.signalled_ma <= LAPSE_MA for name in ("cp1", "cp2"))
    )
