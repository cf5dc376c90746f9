"""Numbers of a backend as its frames have them: tenths are exact, what is no number is refused and harms nothing."""

from __future__ import annotations

import json

import pytest

from nodes.ocpp import frames
from nodes.ocpp.frames import Garbage
from park.ocpp.link import BackendCalled, SendResult

PROFILE = (
    '{"chargingProfileId":1,"stackLevel":0,"chargingProfilePurpose":"TxDefaultProfile","chargingProfileKind":"Relative",'
    '"chargingSchedule":{"chargingRateUnit":"A","chargingSchedulePeriod":[{"startPeriod":0,"limit":LIMIT}]}}'
)


def call(limit: str) -> str:
    payload = PROFILE.replace("LIMIT", limit)
    return f'[2,"u1","SetChargingProfile",{{"connectorId":1,"csChargingProfiles":{payload}}}]'


@pytest.mark.parametrize("limit", ["Infinity", "-Infinity", "NaN", "1e400", "1e300", "-1e300", "0.05", '"6"', "null"])
async def test_a_limit_that_is_no_number_of_tenths_is_answered_with_an_error(limit: str):
    read = await frames.read(call(limit), {})
    assert isinstance(read, Garbage)
    assert read.answer is not None
    kind, unique_id, code, *_ = json.loads(read.answer)
    assert (kind, unique_id) == (4, "u1")
    assert code in {"PropertyConstraintViolation", "TypeConstraintViolation"}


async def test_every_tenth_of_an_ampere_comes_in_and_goes_out():
    for tenths in (1, 3, 7, 61, 81, 129, 161, 327, 639):
        assert isinstance(await frames.read(call(str(tenths / 10)), {}), BackendCalled)
        schedule = {
            "duration": 60,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": tenths * 100 / 1_000, "numberPhases": 3}],
        }
        payload = {"status": "Accepted", "connectorId": 1, "chargingSchedule": schedule}
        sent = json.loads(await frames.result_frame(SendResult("u1", "GetCompositeSchedule", payload, 1)))
        assert sent[0] == 3
