"""TC_045_2_CS Get Diagnostics - Upload Failed."""

from __future__ import annotations

import pytest
from support.octt import Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt offline")]

NOWHERE = "http://localhost:1/logs/"  # nobody listens on port 1


def test_where_nobody_takes_them(case: Case):
    assert case.send("GetDiagnostics", location=NOWHERE, retries=1)["fileName"]
    for status in ("Uploading", "UploadFailed"):
        assert case.expect("DiagnosticsStatusNotification")["status"] == status
