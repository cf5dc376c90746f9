"""An energy manager by other people sets a limit over mutual TLS, sees it take effect within a cycle, and lapse."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.cli import chargepark
from support.ports import free_ports
from support.rig import Rig, bare_rig, eventually

CLIENT = Path(__file__).parent / "limit_client.js"
PROTOS = Path(__file__).parents[2] / "proto"
PATIENCE = 90.0
LIMIT_MA, VALID_SECONDS = 10_000, 4

pytestmark = pytest.mark.peer("grpc-js")


def with_energy_tls(park: Rig) -> int:
    """The node of this file also listens behind mutual TLS."""
    (port,) = free_ports(1)
    text = park.config.path.read_text(encoding="utf-8")
    text = text.replace("[bench]", f'energy_tls = "127.0.0.1:{port}"\n[bench]')
    text = re.sub(r'mode = "\w+"', 'mode = "free"', text)
    text = re.sub(r"\[backend\][^\[]*", "", text)
    text = text.replace("[20, 20, 20]", "[0, 0, 0]")  # else it is remembered for a while, and the car pauses
    park.config.path.write_text(text, encoding="utf-8")
    return port


def manager(park: Rig, port: int, *request: str) -> dict[str, Any]:
    files = [str(park.directory / name) for name in ("hems-ca.pem", "hems.key", "hems.pem")]
    command = ["node", str(CLIENT), f"127.0.0.1:{port}", str(PROTOS), *files, *request]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_limit_is_set_takes_effect_and_lapses(tmp_path: Path) -> None:
    with bare_rig(tmp_path) as park:
        port = with_energy_tls(park)
        park.start_bench()
        park.start_node()
        eventually("the node is online", park.online)
        let_in = chargepark("pair", "energy", "add", str(park.config.path), "hems", "--out", str(tmp_path))
        assert let_in.returncode == 0, let_in.stderr
        park.plug("cp2", maximum_ma=32_000)

        told = manager(park, port, "grid", "board/cp2", str(LIMIT_MA), str(VALID_SECONDS))
        explain = chargepark("explain", "cp2", "--target", f"127.0.0.1:{park.config.energy}")

        assert told["effect"]["binds"], told
        assert told["effect"]["stored"]
        assert {phase["source"] for phase in told["effect"]["phases"]} == {"hems"}
        seen = told["seen"]
        first = next(number for number, each in enumerate(seen) if each["limit"] == LIMIT_MA)
        # Limit and grants are told once a cycle, one after the other: a look may fall between them.
        assert min(each["granted"] for each in seen[first : first + 2]) <= LIMIT_MA
        assert seen[-1]["limit"] == 63_000
        assert seen[-1]["granted"] > LIMIT_MA
        assert "limit    grid: 10.0 A by hems (a limit set by an energy manager)" in told["explained"]["text"]
        assert told["explained"]["path"] == ["grid"]
        assert "hems" not in explain.stdout

        out = chargepark("pair", "energy", "remove", str(park.config.path), "hems")
        assert out.returncode == 0, out.stderr
        refusal = manager(park, port, "grid", "board/cp2", str(LIMIT_MA), "1")
        assert refusal["code"] == "UNAUTHENTICATED"
        assert park.end("node") == 0
        assert "Traceback" not in park.log("node")
