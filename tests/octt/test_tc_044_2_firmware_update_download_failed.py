"""TC_044_2_CS Firmware Update - Download Failed."""

from __future__ import annotations

import pytest
from support.octt import Case, in_future
from support.octt_station import Station

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt offline")]


def test_what_is_not_there_is_not_fetched(case: Case, station_under_test: Station):
    where = f"{station_under_test.url}/nothing.bin"
    assert case.send("UpdateFirmware", location=where, retrieveDate=in_future(-1), retries=1) == {}
    for status in ("Downloading", "DownloadFailed"):
        assert case.expect("FirmwareStatusNotification")["status"] == status
    case.never("BootNotification")
