"""Firmware for all boards of a park, in virtual time: turns, boards that are away, failures, kills, a lossy link."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.facts import started
from support.rolling_park import FILE, NEW, OLD, RollingPark, turns
from support.station import WALL

from park.model.alarm import Alarm
from park.ocpp.maintenance import SecurityEvent
from park.ocpp.wire import iso
from park.rolling.board import Looked
from park.rolling.messages import BoardStage, FirmwareAsked, FirmwareOffered, TellBoard
from park.rolling.roll import AGAIN_AWAY_SECONDS, COME_BACK_SECONDS, KEPT, TRANSFER_SECONDS

LATE = int(AGAIN_AWAY_SECONDS) + 60
STRIDE = 10  # seconds, for long waits
DONE, FAILED = ["Downloading", "Downloaded", "Installing", "Installed"], "InstallationFailed"


def versions(park: RollingPark) -> dict[str, str]:
    return {each.name: each.version for each in park.boards.values()}


def settle(park: RollingPark, seconds: int = 120, stride: int = 1) -> None:
    """Installers end as soon as they are looked at, which is every `stride` seconds."""
    for _ in range(0, seconds, stride):
        park.run(stride, stride)
        park.installers_end()


def alarms(park: RollingPark, code: str) -> list[str]:
    return [each for each in park.station.alarms() if each == code]


@pytest.mark.rule("B-309")
def test_one_board_after_the_other_the_servers_own_last():
    park = RollingPark("bay-1", "bay-2")
    park.order()
    assert park.boards["bay-1"].stage is BoardStage.INSTALLING
    assert park.boards["bay-2"].stage is BoardStage.NONE
    park.run(60)
    assert park.words() == ["Downloading", "Downloaded", "Installing"]
    assert park.boards["bay-2"].stage is BoardStage.NONE
    settle(park)
    assert turns(park) == ["bay-1", "bay-2"]
    assert versions(park) == {"bay-1": NEW, "bay-2": NEW}
    assert [each.runs for each in park.boards.values()] == [1, 1]
    assert park.words() == DONE
    assert (park.installs, park.downloads, park.overlaps) == (1, 1, [])
    assert [each.file for each in park.boards.values()] == [b"", b""]


def test_the_server_waits_until_every_other_board_runs_again():
    park = RollingPark("bay-1")
    park.order()
    park.run(600, STRIDE)
    assert park.installs == 0
    park.installers_end()
    assert park.boards["bay-1"].stage is BoardStage.INSTALLED
    park.boards["bay-1"].busy = True
    park.run(600, STRIDE)
    assert park.installs == 0  # it waits for its session to end, then for its restart
    park.boards["bay-1"].busy = False
    park.run(10)
    assert (park.installs, park.words()) == (1, DONE)


def test_a_board_where_vehicles_charge_keeps_nobody_else_waiting():
    park = RollingPark("bay-1", "bay-2")
    park.boards["bay-1"].busy = True
    park.run(1)
    park.order()
    settle(park)
    assert turns(park) == ["bay-2"]
    assert park.boards["bay-1"].stage is BoardStage.CHECKED
    assert park.words()[-1] == "Installing"
    park.boards["bay-1"].busy = False
    settle(park)
    assert turns(park) == ["bay-2", "bay-1"]
    assert park.words() == DONE


def test_boards_of_which_the_backend_knows_sessions_come_last():
    park = RollingPark("bay-1", "bay-2")
    park.station.offer(replace(started("s1"), charge_point="bay-1/cp1"))
    park.order()
    assert turns(park) == ["bay-2"]


def test_a_vehicle_that_comes_just_before_its_turn_is_not_in_the_way_of_others():
    park = RollingPark("bay-1", "bay-2")
    first, second = park.boards.values()
    first.busy = True
    park.run(1)
    park.order()
    first.busy = False
    park.run(1)
    first.busy = True  # the server has not heard of it when the other is done
    park.installers_end()
    park.tell(second, Looked(busy=False))
    park.deliver()
    assert turns(park) == ["bay-2", "bay-1"]
    assert (first.stage, first.runs) == (BoardStage.CHECKED, 0)
    park.run(30)
    assert first.runs == 0
    first.busy = False
    settle(park)
    assert (first.runs, second.runs) == (1, 1)
    assert park.words() == DONE


@pytest.mark.parametrize("wrong", ["the installer ended with code 1", "other version"])
def test_an_installation_that_fails_stops_the_others(wrong: str):
    park = RollingPark("bay-1", "bay-2", "bay-3")
    if wrong == "other version":
        park.boards["bay-2"].announces = "3.0"
    else:
        park.boards["bay-2"].outcome = wrong
    park.order()
    settle(park)
    assert [each.runs for each in park.boards.values()] == [1, 1, 0]
    assert park.words() == ["Downloading", "Downloaded", "Installing", FAILED]
    assert park.installs == 0
    (alarm,) = [each for each in park.station.of(Alarm) if each.code == "firmware-failed-bay-2"]
    assert "version 3.0 was to run" in alarm.text if wrong == "other version" else wrong in alarm.text
    settle(park, 600)
    assert park.boards["bay-3"].runs == 0
    assert len(park.words()) == 4


def test_a_board_that_is_ready_does_not_begin_after_a_failure():
    park = RollingPark("bay-1", "bay-2")
    first, second = park.boards.values()
    first.busy = second.busy = True
    first.outcome = "code 1"
    park.run(1)
    park.order()
    first.busy = False
    park.run(1)
    second.busy = False
    park.run(1)
    assert (first.stage, second.stage) == (BoardStage.INSTALLING, BoardStage.CHECKED)
    settle(park)
    assert turns(park) == ["bay-1"]
    assert second.runs == 0


def test_after_a_failure_a_new_order_begins_anew():
    park = RollingPark("bay-1")
    park.boards["bay-1"].outcome = "code 1"
    park.order()
    settle(park)
    park.boards["bay-1"].outcome = ""
    park.order()
    settle(park)
    assert park.boards["bay-1"].runs == 2
    assert park.words()[-1] == "Installed"


def test_a_board_without_an_installer_is_left_out_and_named():
    park = RollingPark("bay-1", "bay-2")
    park.boards["bay-1"].installer = False
    park.kill(park.boards["bay-1"])
    park.start(park.boards["bay-1"])
    park.order()
    settle(park)
    assert versions(park) == {"bay-1": OLD, "bay-2": NEW}
    assert park.words() == DONE
    assert alarms(park, "firmware-missing-bay-1")
    assert not [each for each in park.said if each.node == "bay-1" and isinstance(each.message, FirmwareOffered)]
    assert not any(key.endswith("/roll") for _, key in park.station.disk)


def test_a_board_that_is_away_gets_it_when_it_is_back():
    park = RollingPark("bay-1", "bay-2")
    park.kill(park.boards["bay-1"])
    park.order()
    settle(park)
    assert park.words() == DONE
    assert alarms(park, "firmware-missing-bay-1")
    assert versions(park) == {"bay-1": OLD, "bay-2": NEW}
    settle(park, 900, STRIDE)
    park.start(park.boards["bay-1"])
    settle(park, LATE)
    assert versions(park) == {"bay-1": NEW, "bay-2": NEW}
    assert [each.runs for each in park.boards.values()] == [1, 1]
    assert park.words() == DONE  # the backend heard its one word before
    assert not any(key.endswith("/roll") for _, key in park.station.disk)
    assert not park.has_file
    infos = [each.info for each in park.station.of(SecurityEvent)]
    assert [info for info in infos if info.startswith("1.0 to 2.0")] == ["1.0 to 2.0; also bay-2; not bay-1 (away)"]
    assert "boards bay-1, bay-2" in infos


def test_nobody_waits_for_ever_for_a_board_that_is_away():
    park = RollingPark("bay-1")
    park.kill(park.boards["bay-1"])
    park.order()
    settle(park)
    park.station.wall += KEPT + timedelta(seconds=1)
    park.run(int(AGAIN_AWAY_SECONDS), STRIDE)
    assert not any(key.endswith("/roll") for _, key in park.station.disk)
    park.start(park.boards["bay-1"])
    settle(park)
    assert park.boards["bay-1"].runs == 0


def test_a_firmware_that_fails_on_the_server_is_for_nobody_who_comes_late():
    park = RollingPark("bay-1")
    park.kill(park.boards["bay-1"])
    park.outcome = "code 1"
    park.order()
    settle(park)
    assert park.words()[-1] == FAILED
    assert not any(key.endswith("/roll") for _, key in park.station.disk)
    park.start(park.boards["bay-1"])
    settle(park)
    assert park.boards["bay-1"].runs == 0


def test_a_board_that_does_not_come_back_from_its_installer_stops_the_others():
    park = RollingPark("bay-1", "bay-2")
    park.order()
    park.run(10)
    park.kill(park.boards["bay-1"])
    settle(park, int(COME_BACK_SECONDS) - 60, STRIDE)
    assert park.words()[-1] == "Installing"
    assert park.boards["bay-2"].runs == 0
    settle(park, 120)
    assert park.words()[-1] == FAILED
    assert park.boards["bay-2"].runs == 0


@pytest.mark.parametrize(("done", "version", "word"), [(True, NEW, "Installed"), (False, OLD, FAILED)])
def test_a_board_that_dies_in_its_installer_is_judged_by_what_runs_then(done: bool, version: str, word: str):
    park = RollingPark("bay-1")
    park.order()
    park.kill(park.boards["bay-1"], done=done)
    park.start(park.boards["bay-1"])
    settle(park)
    assert park.boards["bay-1"].version == version
    assert park.boards["bay-1"].runs == 1
    assert park.words()[-1] == word


@pytest.mark.rule("B-197")
def test_a_server_that_dies_between_two_boards_goes_on_with_the_second():
    park = RollingPark("bay-1", "bay-2")
    park.order()
    park.installers_end()
    park.kill_server()
    settle(park)
    assert [each.runs for each in park.boards.values()] == [1, 1]
    assert (park.installs, park.downloads) == (1, 1)
    assert park.words()[-1] == "Installed"
    assert park.words().count("Installed") == 1


@pytest.mark.rule("B-197")
def test_a_server_that_dies_while_a_board_installs_gives_nobody_else_a_turn():
    park = RollingPark("bay-1", "bay-2")
    park.order()
    park.kill_server()
    park.run(600, STRIDE)
    assert park.boards["bay-2"].runs == 0
    settle(park)
    assert [each.runs for each in park.boards.values()] == [1, 1]
    assert park.overlaps == []


@pytest.mark.rule("B-310", "B-311")
def test_while_boards_install_a_reset_is_rejected_and_an_order_ignored():
    park = RollingPark("bay-1")
    park.order()
    assert park.station.ask("Reset", {"type": "Soft"}) == {"status": "Rejected"}
    park.order()
    assert park.downloads == 1


@pytest.mark.rule("B-312")
def test_a_newer_order_takes_the_place_of_one_a_board_that_is_away_waits_for():
    park = RollingPark("bay-1")
    park.kill(park.boards["bay-1"])
    park.order()
    settle(park)
    first = park.kept
    park.order()
    settle(park)
    park.start(park.boards["bay-1"])
    settle(park, LATE)
    assert park.kept != first
    assert park.boards["bay-1"].runs == 1


def test_a_file_that_is_spoilt_is_fetched_once_more():
    park = RollingPark("bay-1")
    park.boards["bay-1"].spoils = 1
    park.order()
    settle(park)
    assert park.words()[-1] == "Installed"
    park.boards["bay-1"].spoils = 2
    park.order()
    settle(park)
    assert park.words()[-1] == FAILED
    assert park.boards["bay-1"].runs == 1


def test_nothing_is_installed_that_a_board_cannot_note_before():
    park = RollingPark("bay-1")
    park.boards["bay-1"].takes = False
    park.order()
    settle(park)
    assert park.boards["bay-1"].runs == 0
    assert park.words()[-1] == FAILED


def test_a_turn_that_is_not_on_the_servers_disk_is_not_given():
    park = RollingPark("bay-1")
    park.boards["bay-1"].busy = True
    park.run(1)
    park.order()
    assert park.boards["bay-1"].stage is BoardStage.CHECKED
    park.station.writes = False
    park.boards["bay-1"].busy = False
    park.run(1)
    assert turns(park) == []
    while park.station.pending:
        park.station.fail_commit()
    assert turns(park) == []
    park.station.writes = True
    settle(park)
    assert turns(park) == ["bay-1"]
    assert park.words()[-1] == "Installed"


def test_a_board_that_does_not_get_on_with_its_file_is_left_out():
    park = RollingPark("bay-1", "bay-2")
    park.pieces = False
    park.order()
    settle(park, int(TRANSFER_SECONDS) - 60, STRIDE)
    assert park.words()[-1] == "Installing"
    park.pieces = True
    park.boards["bay-1"].deaf = True
    settle(park, 600, STRIDE)
    assert versions(park) == {"bay-1": OLD, "bay-2": NEW}
    assert park.words()[-1] == "Installed"
    assert alarms(park, "firmware-missing-bay-1")


def test_without_other_boards_nobody_is_asked():
    park = RollingPark("bay-1", boards=())
    park.order()
    park.run(60)
    assert park.said == []
    assert park.words() == DONE


def test_a_question_is_asked_again_and_costs_little():
    park = RollingPark("bay-1")
    park.kill(park.boards["bay-1"])
    park.order()
    settle(park)
    before = len(park.said)
    park.run(int(AGAIN_AWAY_SECONDS) * 4, STRIDE)
    asked = park.said[before:]
    assert len(asked) == 4
    assert {type(each) for each in asked} == {TellBoard}
    assert {type(each.message) for each in asked} == {FirmwareAsked}


HAPPENINGS = ("wait", "end", "kill", "kill done", "start", "server", "cut", "mend", "lossy", "sound", "busy", "free")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 2), st.integers(1, 12)), max_size=20),
    st.integers(0, 4),
)
def test_whatever_fails_at_most_one_board_is_at_it_and_none_twice(happenings: list[tuple[str, int, int]], bad: int):
    park = RollingPark("bay-1", "bay-2", "bay-3")
    boards = list(park.boards.values())
    if bad < 3:
        boards[bad].outcome = "code 1"
    park.order()
    for what, which, seconds in happenings:
        happen(park, what, which)
        park.run(seconds)
    for each in boards:
        each.linked, each.busy = True, False
        if not each.up:
            park.start(each)
    park.drop = False
    settle(park, 150)
    settle(park, LATE, STRIDE)
    settle(park, 100)
    assert park.overlaps == []
    assert all(each.runs <= 1 for each in boards)
    assert all(each.runs == 1 for each in boards if each.version == NEW)
    word = park.words()[-1]
    assert word in {"Installed", FAILED}
    assert park.words().count(word) == 1
    assert park.installs == (word == "Installed")
    if word == "Installed" and bad >= 3:
        assert all(each.version == NEW or each.stage is BoardStage.FAILED for each in boards)


def happen(park: RollingPark, what: str, which: int) -> None:
    each = list(park.boards.values())[which]
    match what:
        case "end":
            park.installers_end()
        case "kill" | "kill done" if each.up:
            park.kill(each, done=what == "kill done" and not each.outcome)
        case "start" if not each.up:
            park.start(each)
        case "server":
            park.kill_server()
        case "cut" | "mend":
            each.linked = what == "mend"
        case "lossy" | "sound":
            park.drop = what == "lossy"
        case "busy" | "free":
            each.busy = what == "busy"
        case _:
            pass


def test_the_whole_file_arrives():
    park = RollingPark("bay-1")
    park.boards["bay-1"].busy = True
    park.run(1)
    park.order()
    assert park.boards["bay-1"].file == FILE
    assert iso(WALL)[:10] in park.kept
