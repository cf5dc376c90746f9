"""Runs on a host of the lab: prints what its bench really does, ten times a second, and carries out verbs from stdin.

`python bench_observer.py BENCH ENERGY` (HOST:PORT each). A line on stdin is {"call": "Plug", "request": {…}}, a verb
of the bench, or {"view": true}, what the node says of the park. Each line on stdout has `sample` or `answer`.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict, ParseDict

from nodes.energy.client import fetch
from nodes.rpc import bench_pb2 as pb
from nodes.rpc.bench_pb2_grpc import BenchStub
from nodes.virtual.client import OPTIONS, PATIENCE_SECONDS
from park.errors import ChargeparkError
from park.view import to_json

_printing = threading.Lock()


def say(**line: object) -> None:
    with _printing:
        print(json.dumps(line), flush=True)  # noqa: T201 what the test reads


def watch(stub: BenchStub) -> None:
    for sample in stub.WatchBench(pb.WatchBenchRequest(), wait_for_ready=True):
        points = {
            each.charge_point: [each.signalled_ma, max(each.currents.l1_ma, 0), each.energy_wh] for each in sample.evses
        }
        say(sample=points, mono=sample.mono)


def answered(stub: BenchStub, energy: str, order: dict[str, Any]) -> dict[str, Any]:
    if "view" in order:
        return to_json(fetch(energy))
    verb = order["call"]
    request = ParseDict(order["request"], getattr(pb, f"{verb}Request")())
    answer = getattr(stub, verb)(request, timeout=PATIENCE_SECONDS, wait_for_ready=True)
    return MessageToDict(answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def main(bench: str, energy: str) -> None:
    with grpc.insecure_channel(bench, options=OPTIONS) as channel:
        stub = BenchStub(channel)
        threading.Thread(target=watch, args=(stub,), daemon=True).start()
        for line in sys.stdin:
            try:
                say(answer=answered(stub, energy, json.loads(line)))
            except (grpc.RpcError, ChargeparkError) as error:
                say(answer={"error": str(error)})


if __name__ == "__main__":
    main(*sys.argv[1:])
