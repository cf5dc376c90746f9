"""Park views for tests: one charging garage, and any that hypothesis can think of."""

from __future__ import annotations

import json
import string
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from park.charging.report import ReportedFault, ReportedGrant, ReportedSession
from park.load.report import LimitReported, ShareReported
from park.model.access import ConnectorStatus
from park.model.evse import PilotState
from park.model.grant import Reason
from park.model.metering import Quality
from park.model.time import Now
from park.view import (
    ActorRow,
    BackendRow,
    ChargePointRow,
    CircuitPhase,
    CircuitRow,
    MeterRow,
    NodeReported,
    ParkView,
    to_json,
)

AT = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
MONO = 5000.0
REASON = Reason("external_load", "meter grid-meter", "grid", "L1", 41_400)


def garage(points: int = 1) -> ParkView:
    """A single board with charging points; everything is known."""
    phase = CircuitPhase(63_000, 41_400, 41_400, 61_600, 20_600, "external_load")
    return ParkView(
        park="garage",
        now=Now(MONO, AT),
        epoch=3,
        nodes=(NodeReported("garage-1", "single", "alive", MONO, "0.1.0", 0, 0.25, "leads", "all is well"),),
        circuits=(CircuitRow("grid", None, "grid-meter", (phase, phase, phase), holding=False),),
        charge_points=tuple(charging_point(number) for number in range(1, points + 1)),
        meters=(
            MeterRow(
                "grid-meter", "garage-1", Quality.FRESH, MONO - 0.4, (61_600, 61_600, 61_600), 42_504, 9_999, 2, None
            ),
        ),
        backend=BackendRow("online", None, 0, None, 0, 0, 0),
        actors=(ActorRow("coordinator", "garage-1", "running", 0, 0, 0, 0),),
        limits=(LimitReported("grid", "energy_manager", "hems", (50_000, 50_000, 50_000), None, 2, MONO + 60),),
    )


def charging_point(number: int) -> ChargePointRow:
    return ChargePointRow(
        name=f"garage-1/cp{number}",
        node="garage-1",
        connector=number,
        circuit="grid",
        state=PilotState.C,
        ocpp_status=ConnectorStatus.CHARGING,
        grant=ReportedGrant(25_400, (1, 2, 3), 3, 118, MONO + 4.1, (REASON,)),
        contactor_closed=True,
        signalled_ma=25_400,
        measured_ma=(25_200, 25_200, 25_100),
        fallback_ma=6_000,
        energy_wh=123_456,
        session=ReportedSession("01J", 42, AT - timedelta(minutes=20), 3_120, "backend"),
        share=ShareReported(f"garage-1/cp{number}", 25_400, 25_400, 25_400, True, (REASON,)),
        physical_ma=32_000,
    )


FAULT = ReportedFault("EvseLost", AT - timedelta(minutes=1), "no link to the electronics", "check power and cabling")


def shown_as_json(view: ParkView) -> Any:  # noqa: ANN401 - JSON
    """What a script that reads `status --json` gets."""
    return json.loads(json.dumps(to_json(view)))


def nothing_known() -> ParkView:
    """What a node shows right after its start: names, and that nothing else is known."""
    return ParkView(
        park="garage",
        now=Now(MONO, AT),
        nodes=(NodeReported("garage-1", "single", "suspect"),),
        circuits=(CircuitRow("grid"),),
        charge_points=(ChargePointRow("garage-1/cp1", "garage-1"),),
        meters=(MeterRow("grid-meter", "garage-1"),),
        backend=BackendRow("offline"),
    )


# ------------------------------------------------------------------ any view

_names = st.text(string.printable + "äß☃\u2028\x00\x1b", max_size=12)
_maybe_name = st.none() | _names
_ma = st.integers(-(2**31), 2**31 - 1)
_maybe_ma = st.none() | _ma
_per_phase = st.none() | st.tuples(_ma, _ma, _ma)
_count = st.integers(0, 2**31)
_maybe_count = st.none() | _count
_wh = st.none() | st.integers(0, 2**60)
_mono = st.none() | st.floats(0, MONO)
_moment = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)).map(lambda at: at.replace(tzinfo=UTC, microsecond=0))  # noqa: DTZ001
_phases = st.lists(st.integers(1, 3), unique=True).map(lambda found: tuple(sorted(found)))
_chain = st.lists(st.builds(Reason, _names, _names, _maybe_name, _maybe_name, _maybe_ma), max_size=2).map(tuple)
_grant = st.builds(ReportedGrant, _ma, _phases, _count, _count, st.floats(0, 2 * MONO), _chain)
_session = st.builds(ReportedSession, _names, st.none() | st.integers(-(2**31), 2**31), _moment, _wh, _names)
_fault = st.builds(ReportedFault, _names, _moment, _names, _names)
_flag = st.none() | st.booleans()
_phase = st.builds(CircuitPhase, _maybe_ma, _maybe_ma, _maybe_ma, _maybe_ma, _maybe_ma, _maybe_name)


@st.composite
def _points(draw: st.DrawFn) -> ChargePointRow:
    name = draw(_names)
    share = st.builds(ShareReported, st.just(name), _ma, _ma, _ma, st.booleans(), _chain)
    return ChargePointRow(
        name=name,
        node=draw(_names),
        connector=draw(_maybe_count),
        circuit=draw(_maybe_name),
        phases=draw(_phases),
        state=draw(st.none() | st.sampled_from(PilotState)),
        ocpp_status=draw(st.none() | st.sampled_from(ConnectorStatus)),
        grant=draw(st.none() | _grant),
        contactor_closed=draw(_flag),
        signalled_ma=draw(_maybe_ma),
        measured_ma=draw(_per_phase),
        fallback_ma=draw(_maybe_ma),
        energy_wh=draw(_wh),
        session=draw(st.none() | _session),
        faults=draw(st.lists(_fault, max_size=2).map(tuple)),
        share=draw(st.none() | share),
    )


def _rows(row: st.SearchStrategy[object], by: str) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(row, max_size=2, unique_by=lambda each: getattr(each, by)).map(tuple)


views = st.builds(
    ParkView,
    park=_names,
    now=st.builds(Now, st.just(MONO), _moment),
    epoch=_maybe_count,
    nodes=_rows(st.builds(NodeReported, _names, _names, _names, _mono, _maybe_name, _maybe_count), "name"),
    circuits=_rows(
        st.builds(
            CircuitRow,
            _names,
            _maybe_name,
            _maybe_name,
            st.tuples(_phase, _phase, _phase),
            _flag,
            st.lists(_names, max_size=2).map(tuple),
            st.lists(_names, max_size=2).map(tuple),
        ),
        "name",
    ),
    charge_points=_rows(_points(), "name"),
    meters=_rows(
        st.builds(
            MeterRow,
            _names,
            _names,
            st.sampled_from(Quality),
            _mono,
            _per_phase,
            st.none() | _ma,
            _wh,
            _maybe_count,
            _maybe_name,
        ),
        "name",
    ),
    backend=st.none()
    | st.builds(
        BackendRow, _names, _maybe_name, _maybe_count, st.none() | _moment, _maybe_count, _maybe_count, _maybe_count
    ),
    limits=st.lists(
        st.builds(
            LimitReported,
            _names,
            _names,
            _names,
            _per_phase,
            _wh,
            st.integers(0, 9),
            st.none() | st.floats(0, 2 * MONO),
        ),
        max_size=2,
    ).map(tuple),
    actors=_rows(st.builds(ActorRow, _names, _names, _names, _count, _count, _count, _count), "name"),
)
"""Unknown figures, odd names, extreme currents; every wall-clock moment is a whole second."""
