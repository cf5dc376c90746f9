"""TC_070_CS Sampled Meter Values."""

from __future__ import annotations

from datetime import datetime

import pytest
from support.octt import VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]

INTERVAL = 1  # seconds
MEASURANDS = "Energy.Active.Import.Register,Current.Import"


def test_readings_of_the_session_come_at_the_interval(case: Case):
    case.configure(OCPPViaLocalNetwork=True, MeterValueSampleInterval=INTERVAL, MeterValuesSampledData=MEASURANDS)
    transaction = case.charging_session(VALID)
    times: list[datetime] = []
    while len(times) < 3:
        reading = case.expect("MeterValues", connectorId=case.connector, transactionId=transaction.number)
        (sampled,) = reading["meterValue"]
        values = sampled["sampledValue"]
        if values[0]["context"] == "Sample.Periodic":
            times.append(datetime.fromisoformat(sampled["timestamp"]))
            assert {each["measurand"] for each in values} == set(MEASURANDS.split(","))
            assert {each["context"] for each in values} == {"Sample.Periodic"}
    assert times == sorted(set(times))
    assert INTERVAL < (times[-1] - times[0]).total_seconds() < 4 * INTERVAL
