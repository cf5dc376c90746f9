"""What keys make of readings: which values, which phases, which message; and of notices of a connector's state."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from park.model.access import ConnectorStatus, ConnectorStatusChanged
from park.model.limit import InputChanged
from park.model.metering import Quality, ReadingTaken, Sample
from park.model.session import ReadingContext
from park.ocpp.effects import ClockOffered
from park.ocpp.keys.metering import MEASURANDS
from park.ocpp.sampled import Manner, sampled
from tests.support.facts import ended, metered, started
from tests.support.station import ACCEPTED, WALL, Station, started_answer

SAMPLE = Sample((16_000, 15_000, 14_000), 10_350, 1_500, (230_000, 231_000, 232_000), 50_000)


def told(**manner: Any) -> dict[tuple[str, str | None], str]:  # noqa: ANN401 - any field
    values = sampled(SAMPLE, 16_000, "Sample.Periodic", Manner(MEASURANDS, **manner))
    assert not any("location" in value for value in values)
    return {(str(value["measurand"]), value.get("phase")): str(value["value"]) for value in values}  # type: ignore[misc]


# ------------------------------------------------------------ values


@pytest.mark.rule("B-070", "B-217")
def test_phases_are_named_where_there_is_more_than_one():
    three, one = told(), told(phases=1)
    assert three["Current.Import", "L2"] == "15.000"
    assert three["Voltage", "L3-N"] == "232.000"
    assert {phase for _, phase in one} == {None}
    assert one["Current.Import", None] == "16.000"
    assert one["Voltage", None] == "230.000"


@pytest.mark.rule("B-071", "B-218")
@pytest.mark.parametrize(
    ("phases", "watts", "amps", "total"), [(1, "3680", "16.000", "16.000"), (3, "11040", "16.000", "48.000")]
)
def test_what_is_offered(phases: int, watts: str, amps: str, total: str):
    assert told(phases=phases)["Power.Offered", None] == watts
    assert told(phases=phases)["Current.Offered", None] == amps
    assert told(phases=phases, offered_is_sum=True)["Current.Offered", None] == total


# ------------------------------------------------------------ StopTransaction


def finished(keys: dict[str, str], *, restart: bool = False) -> Station:
    """A session with a periodic and an aligned reading, up to the sending of its stop."""
    station = Station(keys).online()
    aligned = replace(metered(ordinal=2, energy_wh=1600), context=ReadingContext.SAMPLE_CLOCK)
    station.offer(started(), metered(), aligned)
    if restart:
        station.restart()
        station.connect()
        station.answer(ACCEPTED)
        station.answer({})
    station.answer(started_answer())
    station.answer({})
    station.answer({})
    station.offer(ended(ordinal=3))
    assert station.sent[-1].action == "StopTransaction"
    return station


def contexts(station: Station) -> list[str]:
    repeated: Any = station.sent[-1].payload.get("transactionData", [])
    return [value["context"] for reading in repeated for value in reading["sampledValue"]]


@pytest.mark.rule("B-072")
@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, []),
        ({"StopTxnSampledData": "Energy.Active.Import.Register"}, ["Sample.Periodic"]),
        ({"StopTxnAlignedData": "Energy.Active.Import.Register"}, ["Sample.Clock"]),
        (
            {"StopTxnSampledData": "Frequency", "StopTxnAlignedData": "Power.Active.Import"},
            ["Sample.Periodic", "Sample.Clock"],
        ),
    ],
)
@pytest.mark.parametrize("restart", [False, True])
def test_the_stop_repeats_what_the_keys_ask_for(keys: dict[str, str], expected: list[str], restart: bool):
    station = finished(keys, restart=restart)
    assert contexts(station) == expected
    station.answer({})
    assert not any(table == "transaction_data" for table, _ in station.disk)
    assert station.state.repeated == {}


def test_of_a_long_session_every_second_reading_is_left_out_the_first_and_last_never():
    station = Station({"StopTxnSampledData": "Energy.Active.Import.Register"}).online()
    station.offer(started())
    station.answer(started_answer())
    for ordinal in range(1, 351):
        station.offer(metered(ordinal=ordinal, energy_wh=1000 + ordinal))
        station.answer({})
    station.offer(ended(ordinal=351))
    repeated: Any = station.sent[-1].payload["transactionData"]
    energies = [int(reading["sampledValue"][0]["value"]) for reading in repeated]
    assert len(energies) <= 101
    assert (energies[0], energies[-1]) == (1001, 1350)
    assert energies == sorted(energies)
    assert sum(table == "transaction_data" for table, _ in station.disk) == len(energies)


# ------------------------------------------------------------ aligned readings without a session


def read(station: Station, energy_wh: int = 1_500) -> None:
    sample = replace(SAMPLE, energy_wh=energy_wh)
    station.tell(ReadingTaken("m1", Quality.FRESH, sample, None, station.mono, station.now().wall))


@pytest.mark.rule("B-068", "B-125")
def test_a_connector_without_a_session_is_read_at_full_intervals():
    station = Station({"ClockAlignedDataInterval": "900"}).online()
    read(station)
    station.pass_time(1.0)
    station.clear()
    for second in range(1, 60):
        station.mono = 60.0 * second
        read(station, 1_500 + second)
        station.pass_time(0.01)
        if station.state.flight is not None:
            station.answer({})
    found: list[Any] = [call.payload for call in station.sent if call.action == "MeterValues"]
    times = [payload["meterValue"][0]["timestamp"] for payload in found]
    assert [at[11:16] for at in times] == ["09:45", "10:00", "10:15"]
    assert all("transactionId" not in payload for payload in found)
    assert {value["context"] for payload in found for value in payload["meterValue"][0]["sampledValue"]} == {
        "Sample.Clock"
    }


def test_an_old_reading_and_a_running_session_are_not_told_so():
    station = Station({"ClockAlignedDataInterval": "60"}).online()
    read(station)
    station.pass_time(1.0)
    station.clear()
    station.pass_time(180.0)
    assert "MeterValues" not in station.actions()
    station.offer(started(point="board/cp1"))
    station.answer(started_answer())
    read(station)
    station.pass_time(60.0)
    assert "MeterValues" not in station.actions()


def test_the_interval_may_begin_later():
    station = Station().online()
    read(station)
    station.pass_time(1.0)
    station.ask("ChangeConfiguration", {"key": "ClockAlignedDataInterval[1]", "value": "60"})
    station.clear()
    station.mono += 60.0
    read(station)
    station.pass_time(0.01)
    assert station.actions() == ["MeterValues"]


# ------------------------------------------------------------ notices


def notice(station: Station, status: ConnectorStatus, error: str = "NoError", info: str = "") -> dict[str, Any]:
    station.tell(ConnectorStatusChanged(1, status, error, info, WALL))
    sent: dict[str, Any] = dict(station.sent[-1].payload)
    station.answer({})
    return sent


@pytest.mark.rule("B-034", "B-035")
def test_energy_flow_is_told_on_wish_and_never_with_an_error():
    station = Station({"InfoStatusNotifications": "true"}).online()
    assert notice(station, ConnectorStatus.CHARGING)["info"] == "Energy is flowing to vehicle"
    assert notice(station, ConnectorStatus.SUSPENDED_EV)["info"] == "No energy flowing to vehicle"
    assert notice(station, ConnectorStatus.FAULTED, "GroundFailure", "RcdGroundFailure")["info"] == "RcdGroundFailure"
    assert "info" not in notice(Station().online(), ConnectorStatus.CHARGING)


ALL_ON = {
    "InputOutputBackendControlledMode": "true",
    "InputChangeNotifyBackend": "true",
    "InfoStatusNotifications": "true",
}


def infos(station: Station) -> list[object]:
    """What was told of the station; answers whatever is in flight."""
    while station.state.flight is not None:
        station.answer({})
    calls = [call.payload for call in station.sent if call.action == "StatusNotification"]
    return [payload.get("info") for payload in calls if payload["connectorId"] == 0]


def turn(station: Station, number: int, *levels: bool | None) -> None:
    for high in levels:
        station.tell(InputChanged("board", number, high))


@pytest.mark.rule("B-034", "B-036")
def test_changes_of_inputs_are_told_once_in_ten_seconds_and_together():
    station = Station(ALL_ON).online()
    station.clear()
    turn(station, 1, False, None, False)
    turn(station, 2, True)
    assert infos(station) == []
    turn(station, 1, True)
    assert infos(station) == ["Input 1 high"]
    turn(station, 1, False)
    turn(station, 2, False)
    assert station.state.wake_at == station.mono + 10.0
    station.pass_time(9.9)
    assert len(infos(station)) == 1
    station.pass_time(0.1)
    assert infos(station)[1:] == ["Input 1 low, Input 2 low"]


@pytest.mark.rule("B-036")
@pytest.mark.parametrize("off", list(ALL_ON))
def test_inputs_are_told_in_the_backends_mode_and_on_wish_only(off: str):
    station = Station({**ALL_ON, off: "false"}).online()
    station.clear()
    turn(station, 1, False, True)
    assert infos(station) == []


@pytest.mark.rule("B-037", "B-038")
@pytest.mark.parametrize("on", ["true", "false"])
@pytest.mark.parametrize("measured", ["Temperature: +41.0 C", "Residual current: 2.0 mA"])
def test_what_a_charge_point_measures_is_an_informative_notification(on: str, measured: str):
    station = Station({"InfoStatusNotifications": on}).online()
    station.clear()
    for info in ("", measured):
        station.tell(ConnectorStatusChanged(1, ConnectorStatus.AVAILABLE, "NoError", info, WALL))
        station.answer({})
    told = [call.payload.get("info") for call in station.sent]
    assert told == ([None, measured] if on == "true" else [None])


@pytest.mark.rule("B-035")
def test_errors_that_leave_a_connector_in_use_are_told_by_their_own_switch():
    station = Station({"ErrorStatusNotifications": "false"}).online()
    quiet = notice(station, ConnectorStatus.CHARGING, "PowerMeterFailure", "MeterCommunicationError")
    assert (quiet["errorCode"], quiet.get("info")) == ("NoError", None)
    loud = notice(station, ConnectorStatus.FAULTED, "GroundFailure", "RcdGroundFailure")
    assert (loud["errorCode"], loud["info"]) == ("GroundFailure", "RcdGroundFailure")


def test_the_backends_clock_is_followed_by_setting_only():
    for follow in ("true", "false"):
        station = Station({"useAsTimeSource": follow})
        station.start()
        station.connect()
        station.answer({**ACCEPTED, "currentTime": "2026-01-05T10:30:00Z"})
        assert bool(station.of(ClockOffered)) is (follow == "true")
