"""The backend switches the residual current device of a charge point off and on again, over the whole wire (B-215)."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest
from support.rig import Rig, bare_rig, eventually

POINT = 'name = "cp1"\nconnector = 1\n'

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def park(tmp_path: Path) -> Generator[Rig]:
    with bare_rig(tmp_path) as made:
        text = made.config.path.read_text()
        assert POINT in text
        made.config.path.write_text(text.replace(POINT, f"{POINT}recloser = true\n"))
        made.start_bench()
        made.start_backend()
        yield made


def transfer(park: Rig, message: str, data: str) -> dict[str, str]:
    """The station's answer."""

    def answers() -> list[dict[str, str]]:
        lines = [json.loads(line) for line in park.log("backend").splitlines() if line.startswith("{")]
        return [line["frame"][2] for line in lines if line.get("action") == "DataTransfer"]

    before = len(answers())
    payload = {"vendorId": "com.in-tech.smartcharging", "messageId": message, "data": data}
    park.tell_backend(json.dumps({"call": "DataTransfer", "payload": payload}))
    eventually("an answer", lambda: len(answers()) > before)
    return answers()[-1]


@pytest.mark.rule("B-215")
def test_off_and_on_again(park: Rig) -> None:
    park.start_node()
    eventually("online", park.online)
    assert transfer(park, "rcdRecloserGetState", "1") == {"status": "Accepted", "data": "close"}
    assert transfer(park, "rcdRecloserChangeState", "1, open") == {"status": "Accepted", "data": "open"}
    assert park.evse("cp1").levels.faults == ["rcd"]
    assert transfer(park, "rcdRecloserGetState", "1") == {"status": "Accepted", "data": "open"}
    assert transfer(park, "rcdRecloserChangeState", "1, close") == {"status": "Accepted", "data": "close"}
    assert park.evse("cp1").levels.faults == []
    assert transfer(park, "rcdRecloserGetState", "2") == {"status": "Rejected", "data": "notPresent"}
