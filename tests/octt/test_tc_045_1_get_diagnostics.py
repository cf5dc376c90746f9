"""TC_045_1_CS Get Diagnostics."""

from __future__ import annotations

import pytest
from support.octt import Case
from support.octt_station import Station

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt offline")]


def test_they_are_brought(case: Case, station_under_test: Station):
    name = case.send("GetDiagnostics", location=f"{station_under_test.url}/logs/")["fileName"]
    for status in ("Uploading", "Uploaded"):
        assert case.expect("DiagnosticsStatusNotification")["status"] == status
    assert station_under_test.files.uploads[f"/logs/{name}"]
