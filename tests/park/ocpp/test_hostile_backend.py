"""A backend that says anything within the schemas: each call is answered once, and a restart reads what was kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from park.model.limit import LimitKind
from park.model.standing_limits import HoldLimits
from park.ocpp.link import BackendCalled, SendError, SendResult
from tests.support.facts import started
from tests.support.station import Station, started_answer

extreme = st.sampled_from([0, 1, -1, 2, 5, 7, 255, 2**31 - 1, -(2**31), 2**63, 10**30])
small = st.integers(-1, 4)
numbers = st.one_of(small, extreme)
limits = st.one_of(st.integers(0, 600).map(lambda tenths: tenths / 10), st.sampled_from([-1.0, 1e12, 1e300]))
instants = st.sampled_from(
    ["2026-12-01T12:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+00:00", "2026-12-01T13:00:00.5+14:00", "soon"]
)
tags = st.sampled_from(["04A1B2C3", "", "x" * 20, "ß", "İ", "TEAM"])


def some(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=optional)


periods = st.lists(some({"startPeriod": numbers, "limit": limits}, {"numberPhases": numbers}), max_size=4)
schedules = some(
    {"chargingRateUnit": st.sampled_from("AW"), "chargingSchedulePeriod": periods},
    {"duration": numbers, "startSchedule": instants, "minChargingRate": limits},
)
profiles = some(
    {
        "chargingProfileId": numbers,
        "stackLevel": numbers,
        "chargingProfilePurpose": st.sampled_from(["ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"]),
        "chargingProfileKind": st.sampled_from(["Absolute", "Recurring", "Relative"]),
        "chargingSchedule": schedules,
    },
    {
        "transactionId": numbers,
        "recurrencyKind": st.sampled_from(["Daily", "Weekly"]),
        "validFrom": instants,
        "validTo": instants,
    },
)
infos = some(
    {"status": st.sampled_from(["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"])},
    {"expiryDate": instants, "parentIdTag": tags},
)
entries = st.lists(some({"idTag": tags}, {"idTagInfo": infos}), max_size=3)
calls = st.one_of(
    st.tuples(st.just("SetChargingProfile"), some({"connectorId": small, "csChargingProfiles": profiles}, {})),
    st.tuples(
        st.just("ClearChargingProfile"),
        some({}, {"id": numbers, "connectorId": small, "stackLevel": numbers}),
    ),
    st.tuples(
        st.just("GetCompositeSchedule"),
        some({"connectorId": small, "duration": numbers}, {"chargingRateUnit": st.sampled_from("AW")}),
    ),
    st.tuples(st.just("RemoteStartTransaction"), some({"idTag": tags}, {"chargingProfile": profiles})),
    st.tuples(
        st.just("ReserveNow"),
        some(
            {"connectorId": small, "expiryDate": instants, "idTag": tags, "reservationId": numbers},
            {"parentIdTag": tags},
        ),
    ),
    st.tuples(st.just("CancelReservation"), some({"reservationId": numbers}, {})),
    st.tuples(
        st.just("SendLocalList"),
        some(
            {"listVersion": numbers, "updateType": st.sampled_from(["Full", "Differential"])},
            {"localAuthorizationList": entries},
        ),
    ),
)


@settings(max_examples=100, deadline=None)
@given(asked=st.lists(st.tuples(calls, st.sampled_from([0.0, 1.0, 3_600.0, 1e6])), max_size=8))
def test_every_call_gets_one_answer_and_a_restart_reads_what_was_kept(
    asked: list[tuple[tuple[str, dict[str, Any]], float]],
):
    here = Station()
    here.wall = datetime(2026, 12, 1, 12, tzinfo=UTC)
    here.online()
    here.offer(started("s1", "board/cp1"))
    here.answer(started_answer(5))
    for number, ((action, payload), seconds) in enumerate(asked):
        if here.state.link is None:  # it left our own calls unanswered
            here.connect()
        told = here.tell(BackendCalled(f"b{number}", action, payload))
        answers = [each for each in told if isinstance(each, SendResult | SendError)]
        assert len(answers) == (0 if action == "RemoteStartTransaction" and not answers else 1)
        here.pass_time(seconds)
    before = [held.limits for held in here.of(HoldLimits) if held.kind is LimitKind.PROFILE][-1]
    here.clear()
    here.restart()
    assert here.alarms() == []
    assert [held.limits for held in here.of(HoldLimits) if held.kind is LimitKind.PROFILE][-1] == before
    assert all(0 <= max(limit.limit_ma or (0,)) <= 1_000_000_000 for limit in before)
