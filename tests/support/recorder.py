"""Records what a bench really does, ten times a second, while a test does its worst to the node."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import grpc

from nodes.rpc import bench_pb2 as pb
from nodes.rpc.bench_pb2_grpc import BenchStub
from nodes.virtual.client import OPTIONS

SLACK_SECONDS = 1.0  # safety §3: between the end of a lease and the watchdog's action, sampling included


@dataclass(frozen=True, slots=True)
class Stale:
    """A current above lapse without a fresh word from the node: S2 broken."""

    charge_point: str
    mono: float
    signalled_ma: int
    since: float


class Recorder:
    """Watches until closed. `stale`: where a pilot offered more than its lapse current after the lease had run out."""

    def __init__(self, port: int, lease: float) -> None:
        self.samples = 0
        self.stale: list[Stale] = []
        self.flowed_without_word = 0.0  # longest time a car drew more than lapse since the node's last word
        self._lease = lease
        self._words: dict[str, tuple[int, float]] = {}
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS)
        self._stream = BenchStub(self._channel).WatchBench(pb.WatchBenchRequest())
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stream.cancel()
        self._thread.join(10)
        self._channel.close()

    def _watch(self) -> None:
        try:
            for sample in self._stream:
                self.samples += 1
                for evse in sample.evses:
                    self._look(evse, sample.mono)
        except grpc.RpcError:
            pass  # closed, or the bench is gone: then the test sees too few samples

    def _look(self, evse: pb.EvseSample, mono: float) -> None:
        token, since = self._words.get(evse.charge_point, (-1, mono))
        if evse.token != token:
            since = mono
            self._words[evse.charge_point] = (evse.token, mono)
        if evse.signalled_ma <= evse.lapse_ma:
            return
        if evse.currents.l1_ma:
            self.flowed_without_word = max(self.flowed_without_word, mono - since)
        if mono - since > self._lease + SLACK_SECONDS:
            self.stale.append(Stale(evse.charge_point, mono, evse.signalled_ma, since))
