"""Reset and a board that is away: it does the reset when it is back, once, unless a session began since."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from park.exchange.messages import BoardHere
from park.journal.offering import OFFER_AGAIN_SECONDS
from park.model.session import SessionStarted, StopReason
from park.model.time import BootTime
from park.ocpp.effects import EndSession, RestartBoards
from park.ocpp.owed_resets import QUIET_SECONDS, TABLE
from park.ocpp.state import initial
from tests.support.facts import ended, started
from tests.support.station import WALL, Station

BAY = RestartBoards(("bay",), hard=False)
ALL = RestartBoards(None, hard=False)
BEFORE, AFTER = WALL - timedelta(minutes=5), WALL + timedelta(minutes=5)


def park() -> Station:
    """A server `board` with connectors 1 and 2, and a board `bay` with connector 3, which is away."""
    station = Station()
    points = {1: "board/cp1", 2: "board/cp2", 3: "bay/cp1"}
    station.settings = replace(station.settings, points=points)
    station.state = initial(station.settings)
    return station.online()


def restarted(station: Station) -> None:
    """The server starts anew, as the reset wants it; its boards have to come again."""
    station.restart()
    station.connect()
    station.told.clear()


def reset(station: Station, kind: str = "Soft") -> None:
    assert station.ask("Reset", {"type": kind}) == {"status": "Accepted"}
    station.pass_time(40.0)
    assert station.of(RestartBoards) == [RestartBoards(None, hard=kind == "Hard")]


def here(station: Station, boot: str | None = "run-1") -> None:
    station.tell(BoardHere("bay", boot))


def wait(station: Station, seconds: float = QUIET_SECONDS + 60.0) -> None:
    for _ in range(int(seconds)):
        station.pass_time(1.0)


def begun(session: str, point: str = "bay/cp1", *, at: datetime) -> SessionStarted:
    return replace(started(session, point), at=at)


def owing(station: Station) -> bool:
    return any(table == TABLE for table, _ in station.disk)


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
def test_a_board_that_was_away_does_it_when_it_is_back_though_the_server_began_anew(kind: str):
    station = park()
    reset(station, kind)
    restarted(station)
    wait(station)
    assert station.of(RestartBoards) == []
    here(station)
    wait(station)
    hard = kind == "Hard"
    reason = StopReason.HARD_RESET if hard else StopReason.SOFT_RESET
    assert station.of(EndSession) == [EndSession("bay/cp1", reason)]
    assert station.of(RestartBoards) == [RestartBoards(("bay",), hard)]


def test_once_even_when_its_link_breaks_again_and_again():
    station = park()
    reset(station)
    restarted(station)
    here(station, "run-1")
    wait(station)
    for _ in range(3):
        here(station, None)
        here(station, "run-2")
        wait(station)
    restarted(station)
    here(station, "run-2")
    wait(station)
    assert station.of(RestartBoards) == []
    assert not owing(station)


def test_a_board_that_was_there_and_restarts_owes_nothing():
    station = park()
    here(station, "run-1")
    reset(station)
    restarted(station)
    here(station, "run-2")
    wait(station)
    assert station.of(RestartBoards) == []
    assert not owing(station)


def test_a_board_whose_link_broke_before_it_heard_the_order_is_told_again():
    station = park()
    here(station, "run-1")
    reset(station)
    here(station, None)
    restarted(station)
    here(station, "run-1")
    wait(station)
    assert station.of(RestartBoards) == [BAY]
    here(station, "run-1")  # it ends: a repeat is no return
    wait(station)
    assert station.of(RestartBoards) == [BAY]


def test_a_session_that_ran_when_the_reset_came_ends_with_it():
    station = park()
    reset(station)
    restarted(station)
    here(station)
    station.offer(begun("s1", at=BEFORE))
    wait(station)
    assert station.of(EndSession) == [EndSession("bay/cp1", StopReason.SOFT_RESET)]
    assert station.of(RestartBoards) == [BAY]


@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize("late", [0.0, QUIET_SECONDS - 1.0, QUIET_SECONDS + 1.0])
def test_a_session_that_began_since_is_not_disturbed(late: float, over: bool):
    station = park()
    reset(station)
    restarted(station)
    here(station)
    wait(station, late)
    station.offer(begun("s1", at=AFTER))
    if over:
        station.offer(ended("s1", ordinal=1, point="bay/cp1"))
    wait(station)
    assert station.of(RestartBoards) == []
    assert not owing(station)
    restarted(station)
    here(station, "run-1")
    wait(station)
    assert station.of(RestartBoards) == []


@pytest.mark.parametrize(("ago", "orders"), [(-1.0, [BAY]), (1.0, [])])
def test_a_session_of_a_board_without_a_clock_is_judged_by_how_long_it_runs(ago: float, orders: list[RestartBoards]):
    station = park()
    station.pass_time(100.0)
    reset(station)
    restarted(station)
    here(station)
    station.offer(replace(begun("s1", at=BEFORE), undated=BootTime("", 100.0 + ago)))
    wait(station)
    assert station.of(RestartBoards) == orders


@pytest.mark.parametrize("known", [False, True])
def test_where_nobody_knows_the_time_a_session_that_is_new_may_have_begun_since(known: bool):
    station = park()
    station.now = lambda: replace(Station.now(station), known=False)
    if known:
        station.offer(begun("s1", at=BEFORE))
    reset(station)
    restarted(station)
    here(station)
    station.offer(begun("s1", at=BEFORE))
    wait(station)
    assert station.of(RestartBoards) == ([BAY] if known else [])


def test_who_is_back_has_the_time_to_offer_everything_unasked():
    assert QUIET_SECONDS > OFFER_AGAIN_SECONDS


def test_a_session_of_another_board_pays_for_nobody():
    station = park()
    reset(station)
    restarted(station)
    here(station)
    station.offer(begun("s1", "board/cp1", at=AFTER))
    wait(station)
    assert station.of(RestartBoards) == [BAY]


def test_as_long_as_a_board_tells_what_it_had_it_is_waited_for():
    station = park()
    reset(station)
    restarted(station)
    here(station)
    for number in range(1, 9):
        wait(station, QUIET_SECONDS - 1.0)
        station.offer(begun(f"s{number}", at=BEFORE), ended(f"s{number}", 1, point="bay/cp1"))
        assert station.of(EndSession) == []
    wait(station)
    assert station.of(RestartBoards) == [BAY]


def test_a_reset_is_ordered_when_it_is_on_disk_who_owes_it_and_though_the_disk_is_full():
    station = park()
    station.ask("Reset", {"type": "Soft"})
    station.writes = False
    station.pass_time(40.0)
    assert station.of(RestartBoards) == []
    station.fail_commit()
    assert station.of(RestartBoards) == [ALL]


def test_a_damaged_row_and_one_of_a_board_that_left_cost_nothing():
    station = park()
    reset(station)
    (key,) = [key for table, key in station.disk if table == TABLE]
    station.disk[TABLE, key.replace("bay", "gone")] = station.disk[TABLE, key]
    station.disk[TABLE, key] = "{"
    restarted(station)
    here(station)
    wait(station)
    assert station.of(RestartBoards) == []


def test_the_order_for_one_board_waits_for_it_too():
    station = park()
    order = {"vendorId": "chargepark", "messageId": "RestartBoard", "data": "bay"}
    assert station.ask("DataTransfer", order) == {"status": "Accepted"}
    wait(station)
    assert station.of(RestartBoards) == [BAY]
    here(station)
    wait(station)
    assert station.of(RestartBoards) == [BAY, BAY]


STEPS = st.lists(
    st.sampled_from(["here", "gone", "runs anew", "session", "old session", "wait", "wait", "server anew"]),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_the_board_restarts_once_at_most_and_never_after_a_session_of_later(steps: list[str]):
    """However links, processes and sessions come and go after one reset. What a connected board is told, it does."""
    station = park()
    reset(station)
    run, session, began, connected, done = 1, 0, False, False, 0
    for each in steps:
        match each:
            case "here":
                here(station, f"run-{run}")
                connected = True
            case "gone" | "runs anew":
                here(station, None)
                run, connected = run + (each == "runs anew"), False
            case "session" | "old session" if connected:
                session += 1
                at = WALL + timedelta(seconds=station.mono + 1) if each == "session" else BEFORE
                station.offer(begun(f"s{session}", at=at), ended(f"s{session}", 1, point="bay/cp1"))
                began = began or each == "session"
            case "server anew":
                restarted(station)
                connected = False
            case "wait":
                station.told.clear()
                for _ in range(10):
                    station.pass_time(3.0)
                orders = len(station.of(RestartBoards))
                assert orders == 0 or (connected and not began)
                if orders:
                    run, connected, done = run + 1, False, done + orders
                    here(station, None)
            case _:
                pass
    assert done <= 1
