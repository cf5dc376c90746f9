"""The words of the cases fail where a station does something else; shown with a log instead of a station."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.octt import VALID, Case, Transaction
from support.octt_tool import Tool
from support.rig import Rig, configuration

SOON = 0.1  # seconds until a wait in vain fails: the log is complete


def case_of(folder: Path, *events: dict[str, Any]) -> Case:
    """A case at connector 1, during which this is said."""
    rig = Rig(folder, configuration(folder))
    log = folder / "backend.log"
    log.write_text("")
    case = Case(Tool(rig), 1, 3)
    case.patience = SOON
    log.write_text("".join(f"{json.dumps(each)}\n" for each in events))
    return case


def call(method: str, **params: object) -> dict[str, Any]:
    return {"event": "call", "method": method, "params": params}


def status(which: str, connector: int = 1) -> dict[str, Any]:
    return call("StatusNotification", connectorId=connector, status=which, errorCode="NoError")


START = call("StartTransaction", connectorId=1, idTag=VALID, meterStart=0)
NUMBERED = {
    "event": "answered",
    "method": "StartTransaction",
    "params": START["params"],
    "result": {"transactionId": 7},
}


def test_statuses_are_taken_one_after_the_other(tmp_path: Path):
    case = case_of(tmp_path, status("Preparing"), status("Available", 2), status("SuspendedEV"), status("Charging"))
    case.status("Preparing")
    case.status("Charging")
    case.status("Available", 2)


@pytest.mark.parametrize("wrong", [["Faulted", "Charging"], ["Finishing"], []])
def test_another_status_or_none_fails(tmp_path: Path, wrong: list[str]):
    case = case_of(tmp_path, status("Preparing"), *(status(each) for each in wrong))
    case.status("Preparing")
    with pytest.raises(AssertionError):
        case.status("Charging")


def test_a_suspension_that_is_asked_for_is_not_passed(tmp_path: Path):
    case = case_of(tmp_path, status("Charging"), status("SuspendedEVSE"), status("SuspendedEV"))
    case.status("Charging")
    case.status("SuspendedEV")
    with pytest.raises(AssertionError):
        case.status("Charging")


def test_calls_are_expected_in_their_order(tmp_path: Path):
    case = case_of(tmp_path, call("Authorize", idTag=VALID), START)
    case.started(VALID)
    with pytest.raises(AssertionError, match="Authorize"):
        case.expect("Authorize", idTag=VALID)


@pytest.mark.parametrize("other", [{"idTag": "another"}, {"reservationId": 1}, {"connectorId": 2}])
def test_a_call_with_other_parameters_is_not_the_one(tmp_path: Path, other: dict[str, object]):
    with pytest.raises(AssertionError, match="StartTransaction"):
        case_of(tmp_path, START).expect("StartTransaction", **other)


def test_what_must_never_come_fails_if_it_came(tmp_path: Path):
    case = case_of(tmp_path, call("Authorize", idTag=VALID), START)
    case.never("StopTransaction")
    with pytest.raises(AssertionError):
        case.never("Authorize")
    case.never("Authorize", case.expect("Authorize"))


@pytest.mark.parametrize(("told", "right"), [({}, "Local"), ({"reason": "Remote"}, "Remote")])
def test_the_reason_of_an_end(tmp_path: Path, told: dict[str, object], right: str):
    case = case_of(tmp_path, START, NUMBERED, call("StopTransaction", transactionId=7, **told))
    transaction = case.started(VALID)
    assert isinstance(transaction, Transaction)
    here = case.here()
    case.after(transaction.start)
    case.stopped(transaction, right)
    case.after(transaction.start)
    with pytest.raises(AssertionError):
        case.stopped(transaction, "PowerLoss")
    case.after(here)
    with pytest.raises(AssertionError, match="StopTransaction"):
        case.stopped(transaction, right)


def test_half_a_line_is_read_when_it_is_whole(tmp_path: Path):
    case = case_of(tmp_path, status("Preparing"))
    line = json.dumps(status("Charging")) + "\n"
    with (tmp_path / "backend.log").open("a") as log:
        log.write(line[:20])
        log.flush()
        assert len(case.tool.events()) == 1
        log.write(line[20:])
    assert case.tool.statuses(1) == ["Preparing", "Charging"]
