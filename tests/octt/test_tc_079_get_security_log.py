"""TC_079_CS Get Security Log."""

from __future__ import annotations

import pytest
from support.octt_security import Secured

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt security")]

REQUEST = 79


def test_it_is_brought(tls: Secured):
    where = {"remoteLocation": f"http://localhost:{tls.files.port}/logs"}
    answer = tls.send("GetLog", logType="SecurityLog", requestId=REQUEST, log=where)
    assert answer["status"] == "Accepted"
    for status in ("Uploading", "Uploaded"):
        told = tls.expect("LogStatusNotification")
        assert (told["status"], told["requestId"]) == (status, REQUEST)
    assert tls.files.uploads[f"/logs/{answer['filename']}"]
