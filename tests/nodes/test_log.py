import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator

import pytest
import structlog

from nodes import log

TAG = "04A1B2C3"
Lines = Callable[[], list[str]]


@pytest.fixture(params=[False, True], ids=["key=value", "json"])
def lines(request: pytest.FixtureRequest) -> Iterator[Lines]:
    """What was logged, a list of lines; both ways of writing them."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, {name: logging.getLogger(name).level for name in log.QUIETER})
    stream = io.StringIO()
    log.configure(as_json=request.param, stream=stream)
    yield lambda: stream.getvalue().split("\n")[:-1]
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def parsed(line: str) -> dict[str, str]:
    return json.loads(line) if line.startswith("{") else {}


def test_one_event_is_one_line_with_time_level_and_logger(lines: Lines):
    logging.getLogger("nodes.store").info("opened %s", "park.sqlite3")
    (line,) = lines()

    assert "opened park.sqlite3" in line
    assert "nodes.store" in line
    assert "info" in line
    assert line.startswith(("at=2", '{"at": "2'))


def test_fields_of_structlog_are_written(lines: Lines):
    structlog.get_logger("nodes.run").warning("lapsed", charge_point="cp1", amps=6.0)
    (line,) = lines()

    if parsed(line):
        assert parsed(line)["charge_point"] == "cp1"
    else:
        assert line.endswith("level=warning logger=nodes.run event=lapsed charge_point=cp1 amps=6.0")


@pytest.mark.parametrize(
    "trick", ["a\nat=0 level=error event=forged", "a\rb", "\x1b[2J", "\u2028x", "\u202eevil", "\x85", "\x7f"]
)
def test_what_others_send_cannot_forge_or_hide_a_line(lines: Lines, trick: str):
    logging.getLogger("x").info("read %s", trick)
    structlog.get_logger("x").info("read", vendor=trick)
    found = lines()

    assert len(found) == 2
    assert all(line.isprintable() for line in found)
    for line in found:
        if parsed(line):
            assert trick in (parsed(line).get("vendor") or parsed(line)["event"])  # nothing is lost in JSON


def test_a_traceback_is_one_line(lines: Lines):
    try:
        int("two\nlines")
    except ValueError:
        logging.getLogger("x").exception("failed")
    (line,) = lines()

    assert "Traceback" in line
    assert "ValueError: invalid literal" in line


@pytest.mark.parametrize(
    "message",
    [
        f"TagRead(reader='door', id_tag='{TAG}')",
        f'[2,"1","Authorize",{{"idTag":"{TAG}"}}]',
        f'[3,"1",{{"idTagInfo":{{"parentIdTag":"{TAG}","status":"Accepted"}}}}]',
        f"session_tag={TAG}, parent_tag={TAG}",
        f"VehicleIdentified(reader='slac:cp1', charge_point='g/cp1', mac='{TAG}')",
        f"OccupancyChanged(session_tag='{TAG}', charging=True)",
    ],
)
def test_id_tags_are_never_in_clear(lines: Lines, message: str):
    logging.getLogger("ocpp").warning(message)
    structlog.get_logger("x").info("told", message=message)
    structlog.get_logger("x").info("told", id_tag=TAG)
    found = lines()

    assert len(found) == 3
    assert not [line for line in found if TAG in line]
    assert all(log.mark(TAG) in line for line in found)  # the same card can be followed through the log
    assert all(parsed(line) for line in found if line.startswith("{"))


def test_no_tag_stays_no_tag(lines: Lines):
    logging.getLogger("x").info("OccupancyChanged(session_tag=None, charging=False)")

    assert "session_tag=None" in lines()[0]


def test_libraries_do_not_tell_every_frame(lines: Lines):
    for name in log.QUIETER:
        logging.getLogger(name).info("a frame")

    assert lines() == []


def test_warnings_of_python_go_to_the_log(lines: Lines):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning("old", DeprecationWarning, "x.py", 1)

    assert len(lines()) == 1
