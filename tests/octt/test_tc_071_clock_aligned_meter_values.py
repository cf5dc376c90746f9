"""TC_071_CS Clock-aligned Meter Values."""

from __future__ import annotations

from datetime import datetime

import pytest
from support.octt import VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]

INTERVAL = 10  # seconds, the shortest there is
WITHIN = 1.0  # the time of a reading, told to the second, is a multiple


def test_readings_are_at_multiples_of_the_interval(case: Case):
    case.configure(
        MeterValueSampleInterval=0,
        ClockAlignedDataInterval=INTERVAL,
        MeterValuesAlignedData="Energy.Active.Import.Register",
    )
    transaction = case.charging_session(VALID)
    while True:
        reading = case.expect("MeterValues", connectorId=case.connector, transactionId=transaction.number)
        (sampled,) = reading["meterValue"]
        (value, *others) = sampled["sampledValue"]
        if value["context"] == "Sample.Clock":
            break
    assert (value["measurand"], others) == ("Energy.Active.Import.Register", [])
    at = datetime.fromisoformat(sampled["timestamp"]).timestamp()
    assert at % INTERVAL < WITHIN
