"""Smart charging, reservations and the local list before a strict central system by other people, in real processes."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.rig import eventually, rig
from support.strict_park import Park

ADA, BOB, LISTED = "04A1B2C3", "04D4E5F6", "04115736"

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("strict profiles")]


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Generator[Park]:
    with rig(tmp_path_factory.mktemp("profiles"), points=3, backend_process=False) as made:
        park = Park(made)
        yield park
        assert made.end("node") == 0


def profile(number: int, purpose: str, limit: float, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any member
    return {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]},
        **more,
    }


def put(park: Park, connector: int, payload: dict[str, Any]) -> str:
    answer = park.csms.ask("SetChargingProfile", {"connectorId": connector, "csChargingProfiles": payload})
    return str(answer["result"]["status"])


def signalled(park: Park, point: str) -> int:
    return int(park.rig.evse(point).levels.signalled_ma)


def soon(hours: float = 1.0) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.rule("B-184")
def test_profiles_limit_what_the_vehicle_is_offered(park: Park):
    park.rig.plug("cp1")
    brought = profile(1, "TxProfile", 10.0)
    order = {"connectorId": 1, "idTag": ADA, "chargingProfile": brought}
    eventually("the car is there", lambda: park.statuses(1)[-1] == "Preparing")
    assert park.csms.ask("RemoteStartTransaction", order)["result"] == {"status": "Accepted"}
    eventually("the profile of the start holds", lambda: signalled(park, "cp1") == 10_000)
    transaction = park.transaction(1)
    assert put(park, 1, profile(1, "TxProfile", 12.5, transactionId=transaction)) == "Accepted"
    eventually("its successor holds", lambda: signalled(park, "cp1") == 12_500)
    assert put(park, 2, profile(2, "TxProfile", 12.0)) == "Rejected"
    assert put(park, 1, profile(2, "TxProfile", 12.0, transactionId=transaction + 1)) == "Rejected"
    assert put(park, 0, profile(3, "ChargePointMaxProfile", 8.0)) == "Accepted"
    eventually("the station's limit holds", lambda: signalled(park, "cp1") == 8_000)
    answer = park.csms.ask("GetCompositeSchedule", {"connectorId": 1, "duration": 60})["result"]
    periods = answer["chargingSchedule"]["chargingSchedulePeriod"]
    assert (answer["status"], periods) == ("Accepted", [{"startPeriod": 0, "limit": 8, "numberPhases": 3}])
    watts = {"connectorId": 0, "duration": 60, "chargingRateUnit": "W"}
    answer = park.csms.ask("GetCompositeSchedule", watts)["result"]
    assert answer["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == 5520
    park.rig.kill("node")
    park.rig.start_node()
    eventually("the node is online", park.rig.online)
    eventually("both hold after kill -9", lambda: signalled(park, "cp1") == 8_000)
    assert park.csms.ask("ClearChargingProfile", {"id": 3})["result"] == {"status": "Accepted"}
    eventually("the session's limit is the least again", lambda: signalled(park, "cp1") == 12_500)
    assert park.csms.ask("ClearChargingProfile", {"id": 3})["result"] == {"status": "Unknown"}
    park.rig.unplug("cp1")
    park.stop(transaction)
    park.free(1)
    answer = park.csms.ask("ClearChargingProfile", {})["result"]
    assert answer == {"status": "Unknown"}  # it went with its transaction
    assert park.csms.complaints() == []


def test_a_reserved_connector_is_for_whom_it_was_reserved(park: Park):
    order = {"connectorId": 2, "expiryDate": soon(), "idTag": BOB, "reservationId": 77}
    assert park.csms.ask("ReserveNow", order)["result"] == {"status": "Accepted"}
    eventually("the connector says so", lambda: park.statuses(2)[-1] == "Reserved")
    assert park.csms.ask("ReserveNow", {**order, "reservationId": 78})["result"] == {"status": "Occupied"}
    park.rig.swipe(ADA, "cp2-reader")
    eventually("another card is refused", lambda: park.rig.feedback("cp2-reader") == "REFUSED")
    start = {"connectorId": 2, "idTag": ADA}
    assert park.csms.ask("RemoteStartTransaction", start)["result"] == {"status": "Rejected"}
    park.rig.plug("cp2")
    park.rig.swipe(BOB, "cp2-reader")
    eventually("the start uses it up", lambda: park.csms.calls("StartTransaction", reservationId=77))
    assert park.csms.ask("CancelReservation", {"reservationId": 77})["result"] == {"status": "Rejected"}
    park.rig.unplug("cp2")
    park.free(2)
    assert park.csms.ask("ReserveNow", {**order, "connectorId": 0})["result"] == {"status": "Accepted"}
    assert park.csms.ask("CancelReservation", {"reservationId": 77})["result"] == {"status": "Accepted"}
    late = {**order, "expiryDate": soon(-1)}
    assert park.csms.ask("ReserveNow", late)["result"] == {"status": "Rejected"}
    assert park.csms.complaints() == []


def test_a_listed_card_starts_without_a_question(park: Park):
    assert park.csms.ask("GetLocalListVersion", {})["result"] == {"listVersion": 0}
    entry = {"idTag": LISTED, "idTagInfo": {"status": "Accepted", "expiryDate": soon(24), "parentIdTag": "TEAM"}}
    full = {"listVersion": 5, "updateType": "Full", "localAuthorizationList": [entry]}
    assert park.csms.ask("SendLocalList", full)["result"] == {"status": "Accepted"}
    older = {"listVersion": 5, "updateType": "Differential", "localAuthorizationList": [{"idTag": LISTED}]}
    assert park.csms.ask("SendLocalList", older)["result"] == {"status": "VersionMismatch"}
    assert park.csms.ask("GetLocalListVersion", {})["result"] == {"listVersion": 5}
    change = {"key": "LocalPreAuthorize", "value": "true"}
    assert park.csms.ask("ChangeConfiguration", change)["result"] == {"status": "Accepted"}
    park.rig.plug("cp3")
    eventually("the car is there", lambda: park.statuses(3)[-1] == "Preparing")
    park.rig.swipe(LISTED, "cp3-reader")
    eventually("it starts", lambda: park.csms.calls("StartTransaction", idTag=LISTED))
    assert park.csms.calls("Authorize", idTag=LISTED) == []
    park.rig.unplug("cp3")
    park.free(3)
    assert park.csms.complaints() == []
