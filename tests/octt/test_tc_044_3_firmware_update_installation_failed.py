"""TC_044_3_CS Firmware Update - Installation Failed."""

from __future__ import annotations

import pytest
from support.octt import Case, in_future
from support.octt_station import Station

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt offline")]


def test_what_is_broken_is_not_installed(case: Case, station_under_test: Station):
    where = f"{station_under_test.url}/broken.bin"
    assert case.send("UpdateFirmware", location=where, retrieveDate=in_future(-1)) == {}
    for status in ("Downloading", "Downloaded", "Installing", "InstallationFailed"):
        assert case.expect("FirmwareStatusNotification")["status"] == status
    case.never("BootNotification")
