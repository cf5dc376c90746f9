"""TC_044_1_CS Firmware Update - Download and Install."""

from __future__ import annotations

import pytest
from support.octt import Case, in_future
from support.octt_station import FIRMWARE, Station

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt offline")]


def test_it_is_fetched_installed_and_started(case: Case, station_under_test: Station):
    where = f"{station_under_test.url}/firmware.bin"
    assert case.send("UpdateFirmware", location=where, retrieveDate=in_future(-1)) == {}
    for status in ("Downloading", "Downloaded", "Installing"):
        assert case.expect("FirmwareStatusNotification")["status"] == status
    case.expect("BootNotification")
    assert case.expect("FirmwareStatusNotification")["status"] == "Installed"
    assert (station_under_test.folder / "installed.bin").read_bytes() == FIRMWARE
    case.until("the station is online", case.tool.online)
