"""TC_071_CS Clock-aligned Meter Values."""

from __future__ import annotations

from datetime import datetime

import pytest
from support.octt import VALID, Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]

INTERVAL = 10  # seconds, the shortest there is
LATE = 1.5  # seconds after the clock's multiple: a reading is as old as the meter's last answer


def test_readings_are_at_multiples_of_the_interval(case: Case):
    case.configure(ClockAlignedDataInterval=INTERVAL, MeterValuesAlignedData="Energy.Active.Import.Register")
    transaction = case.charging_session(VALID)
    while True:
        reading = case.expect("MeterValues", connectorId=case.connector, transactionId=transaction.number)
        (sampled,) = reading["meterValue"]
        (value, *others) = sampled["sampledValue"]
        if value["context"] == "Sample.Clock":
            break
    assert (value["measurand"], others) == ("Energy.Active.Import.Register", [])
    at = datetime.fromisoformat(sampled["timestamp"]).timestamp()
    assert at % INTERVAL < LATE
