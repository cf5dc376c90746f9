"""What always holds, whatever happens in whatever order: S2, S5, the contactor's conditions, the facts."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from park.charging import outward
from park.charging.charge_point import ChargePointEvent, ChargePointState, Effect, initial, step
from park.charging.session import Phase
from park.charging.settings import ChargePointSettings, Outlet, StopMode
from park.model.access import (
    AuthorizationGranted,
    ConnectorStatusChanged,
    RemoteStop,
    SettingChanged,
    StopSession,
)
from park.model.demand import CurrentSignalled
from park.model.evse import EvseLost, EvseReported, EvseTraits, PilotOutput, PilotState, Pole, SetContactor, Signal
from park.model.grant import ApplyGrant, Grant, Stamp
from park.model.metering import Quality, ReadingTaken, Sample
from park.model.session import (
    FactKey,
    FactPersisted,
    OpenSession,
    RecordFact,
    SessionEnded,
    SessionFact,
    SessionRecovered,
    SessionStarted,
    StopReason,
    TransactionAssigned,
    key_of,
)
from park.model.signals import Start, Tick, WakeAt
from park.model.time import Now
from tests.support.charge_point_harness import BOOT, MIDNIGHT, NAME, ChargePointHarness, Slot, settings

SLOT = Slot()
MAXIMUM_MA = 32_000
FALLBACK_MA = 10_000


class Ledger:
    """Checks every effect against a model of its own: grants, facts, contactor."""

    def __init__(self, config: ChargePointSettings) -> None:
        self.config = config
        self.lapse_ma = config.boot_ma
        self.grant: Grant | None = None
        self.ends = -math.inf
        self.facts: dict[str, list[SessionFact]] = {}
        self.durable: set[FactKey] = set()
        self.opened_at = -math.inf
        self.last_status: ConnectorStatusChanged | None = None
        self.phases: int | None = None  # granted last, None: nothing was granted yet

    def hear(self, event: ChargePointEvent, mono: float) -> None:
        if isinstance(event, ApplyGrant):
            self._hear_grant(event.grant, mono)
        if isinstance(event, FactPersisted):
            self.durable.add(event.key)

    def _hear_grant(self, grant: Grant, mono: float) -> None:
        held = self.grant
        newer = (
            held is None
            or grant.epoch > held.epoch
            or (grant.epoch == held.epoch and grant.server_id == held.server_id and grant.sequence > held.sequence)
        )
        ours = grant.charge_point == NAME and grant.stamp.boot_id == BOOT
        if newer and ours and grant.stamp.mono + grant.valid_for > mono:
            self.grant = grant
            self.phases = len(grant.phases) if len(grant.phases) in {1, 3} else self.phases
            self.ends = min(grant.stamp.mono, mono) + grant.valid_for
            self.lapse_ma = min(grant.lapse_ma, self.config.fallback_ma)

    def allowed(self, mono: float) -> int:
        return self.grant.amps_ma if self.grant is not None and mono < self.ends else self.lapse_ma

    def check(self, effects: tuple[Effect, ...] | list[Effect], state: ChargePointState, mono: float) -> None:
        for effect in effects:
            match effect:
                case Signal():
                    self._check_signal(effect, mono)
                case SetContactor(pole=Pole.SECONDARY):
                    self._check_secondary(state)
                case SetContactor():
                    self._check_contactor(effect, state, mono)
                case RecordFact():
                    self._check_fact(effect.fact)
                case ConnectorStatusChanged():
                    last = self.last_status
                    assert last is None or (effect.status, effect.error_code, effect.info) != (
                        last.status,
                        last.error_code,
                        last.info,
                    )
                    self.last_status = effect
                case WakeAt():
                    assert mono < effect.mono < math.inf
                case CurrentSignalled():
                    assert effect.lapse_ma >= self.lapse_ma
                case _:
                    pass

    def _check_signal(self, signal: Signal, mono: float) -> None:
        assert signal.amps_ma <= max(self.allowed(mono), 0)  # S2
        assert signal.lapse_ma <= self.lapse_ma
        if signal.amps_ma != signal.lapse_ma and self.allowed(mono) != self.lapse_ma and signal.amps_ma:
            assert mono + signal.valid_for <= self.ends + 1e-9
        for amps_ma in (signal.amps_ma, signal.lapse_ma):  # S5
            assert amps_ma == 0 or self.config.minimum_ma <= amps_ma <= self.config.maximum_ma
            assert amps_ma % self.config.traits.resolution_ma == 0
        assert (signal.output is PilotOutput.PWM) == (signal.amps_ma > 0)
        assert signal.valid_for > 0
        if self.config.traits.switchable_phases and signal.amps_ma and self.phases is not None:
            assert len(signal.phases) <= self.phases

    @staticmethod
    def _check_secondary(state: ChargePointState) -> None:
        """It never moves under load (B-286)."""
        assert state.poles is not None
        assert state.evse is not None
        assert not state.evse.contactor_closed
        assert not state.poles.told.primary

    def _check_contactor(self, command: SetContactor, state: ChargePointState, mono: float) -> None:
        if not command.closed:
            self.opened_at = mono
            return
        assert mono >= self.opened_at + 6.0
        assert state.session.phase is Phase.RUNNING
        assert state.session.id_tag
        assert state.session.started is not None
        assert key_of(state.session.started) in self.durable
        assert state.evse is not None
        ready = {PilotState.C, PilotState.D} if self.config.accept_state_d else {PilotState.C}
        assert state.evse.pilot in ready
        assert state.evse.output is PilotOutput.PWM
        if self.config.has_lock:
            assert state.evse.lock_closed is True

    def _check_fact(self, fact: SessionFact) -> None:
        facts = self.facts.setdefault(fact.session, [])
        if fact.ordinal < self._next(facts):
            assert facts[fact.ordinal - facts[0].ordinal] == fact  # a repetition, identical
            return
        assert fact.ordinal == self._next(facts, fact)
        assert not facts or not isinstance(facts[-1], SessionEnded)
        assert not facts or fact.at >= facts[-1].at  # whatever the wall clock did meanwhile
        if isinstance(fact, SessionStarted):
            assert fact.ordinal == 0
            for other, known in self.facts.items():
                assert other == fact.session or (
                    isinstance(known[-1], SessionEnded) and key_of(known[-1]) in self.durable
                )
        facts.append(fact)

    @staticmethod
    def _next(facts: list[SessionFact], first: SessionFact | None = None) -> int:
        if facts:
            return facts[-1].ordinal + 1
        return first.ordinal if first is not None else 0


def checked_step(
    ledger: Ledger, state: ChargePointState, event: ChargePointEvent, now: Now
) -> tuple[ChargePointState, tuple[Effect, ...]]:
    """One step, with what must hold of every step."""
    before = state.fork()
    ledger.hear(event, now.mono)
    after, effects = step(state, event, now)
    assert state == before, "a step changed the state it was given"
    ledger.check(effects, after, now.mono)
    _is_settled(after, now)
    return after, effects


def _is_settled(state: ChargePointState, now: Now) -> None:
    """Nothing is left to do at this instant, and everybody was told the newest."""
    if state.told_report is None:
        return  # nothing happened yet
    awake = state.fork()
    awake.wake = -math.inf
    _, rest = step(awake, Tick(), now)
    assert not [effect for effect in rest if not isinstance(effect, WakeAt)]
    assert outward._report(state, now.mono) == state.told_report
    assert outward._occupancy(state) == state.told_occupancy
    assert outward._demand(state, now) is state.told_demand


CONFIGS = st.builds(
    lambda outlet, lock, meter, resolution, d, mode, stop, unlock, pause, boot, poles: settings(
        outlet=outlet,
        traits=EvseTraits(has_deadman=True, resolution_ma=resolution, switchable_phases=poles, has_lock=lock),
        meter="cp1-meter" if meter else None,
        accept_state_d=d,
        stop_mode=mode,
        stop_on_ev_disconnect=stop,
        unlock_on_ev_disconnect=unlock,
        open_contactor_on_pause=pause,
        boot_ma=boot,
        fallback_ma=FALLBACK_MA,
        maximum_ma=MAXIMUM_MA,
        sample_interval_seconds=10,
        clock_interval_seconds=30,
    ),
    st.sampled_from(Outlet),
    st.booleans(),
    st.booleans(),
    st.sampled_from([100, 1_000]),
    st.booleans(),
    st.sampled_from(StopMode),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0, 6_000]),
    st.booleans(),
)

LEVELS = st.builds(
    EvseReported,
    charge_point=st.just(NAME),
    pilot=st.sampled_from([PilotState.C, PilotState.B, *PilotState]),
    proximity_ohms=st.sampled_from([220.0, 220.0, 680.0, None, 4_000.0]),
    contactor_closed=st.booleans(),
    lock_closed=st.sampled_from([True, True, False, None]),
    output=st.sampled_from([PilotOutput.PWM, *PilotOutput]),
    signalled_ma=st.sampled_from([0, 6_000, 16_000]),
    lapse_ma=st.sampled_from([0, 6_000]),
    token=st.integers(-1, 12),
    faults=st.sampled_from([(), (), (), (), ("rcd",), ("emergency",), ("lock",), ("contactor",), ("odd",)]),
    secondary_closed=st.booleans(),
)
CURRENTS = st.sampled_from([0, 3_000, 6_000, 9_950, 16_000, 32_000, 60_000])


@st.composite
def grants(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "amps_ma": draw(CURRENTS),
        "phases": draw(st.sampled_from([(1, 2, 3), (1,), (2,), (1, 2)])),
        "lapse_ma": draw(CURRENTS),
        "epoch": draw(st.integers(1, 2)),
        "server_id": draw(st.sampled_from(["server", "server", "server", "other"])),
        "sequence": draw(st.integers(1, 60)),
        "valid_for": draw(st.sampled_from([0.5, 10.0, 10.0])),
        "age": draw(st.sampled_from([-20.0, 0.0, 0.0, 3.0, 20.0])),
        "boot": draw(st.sampled_from([BOOT, BOOT, BOOT, "boot-0"])),
    }


CHAOS = st.one_of(
    st.tuples(st.just("time"), st.sampled_from([0.05, 0.5, 1.0, 3.0, 6.0, 30.0, 100.0])),
    st.tuples(st.just("wall"), st.sampled_from([-86_400.0, -60.0, 3_600.0])),
    st.tuples(st.just("levels"), LEVELS),
    st.tuples(st.just("levels"), LEVELS),
    st.tuples(st.just("grant"), grants()),
    st.tuples(st.just("reading"), st.tuples(st.sampled_from([*Quality, Quality.FRESH]), CURRENTS)),
    st.tuples(st.just("persist"), st.booleans()),
    st.tuples(
        st.just("event"),
        st.sampled_from(
            [
                Start(),
                EvseLost(NAME, "gone"),
                AuthorizationGranted(NAME, "AA", "free"),
                AuthorizationGranted(NAME, "BB", "backend"),
                AuthorizationGranted("other", "BB", "backend"),
                StopSession(NAME, None, StopReason.LOCAL, "AA"),
                RemoteStop("r", NAME, "session-1", SLOT),
                SessionRecovered(NAME, None),
                SessionRecovered(
                    NAME,
                    OpenSession(SessionStarted("old", 0, NAME, 1, "AA", "free", MIDNIGHT, 5), 3, MIDNIGHT, 9, None),
                ),
                FactPersisted(NAME, FactKey("nobody", 3)),
                TransactionAssigned(NAME, "session-1", 7, accepted=False, status="Invalid"),
                SettingChanged("StopTransactionOnEVSideDisconnect", value=False),
                SettingChanged("ConnectionTimeOut", 5),
                SettingChanged("ClockAlignedDataInterval", 7),
                SettingChanged("ConnectionTimeOut", -5),
                SettingChanged("Whatever", 5),
            ]
        ),
    ),
)


@pytest.mark.rule("B-226")
@hypothesis_settings(max_examples=150, deadline=None)
@given(config=CONFIGS, begin=st.booleans(), happenings=st.lists(CHAOS, max_size=60))
def test_any_events_in_any_order(config: ChargePointSettings, begin: bool, happenings: list[tuple[str, Any]]) -> None:
    ledger, state, mono, jumped = Ledger(config), initial(config), 100.0, 0.0
    if begin:
        happenings = [("event", Start()), ("event", SessionRecovered(NAME, None)), *happenings]
    for kind, what in happenings:
        if kind == "time":
            mono += what
        if kind == "wall":
            jumped += what
        for event in _events(kind, what, state, mono):
            if isinstance(event, SessionRecovered) and event.open_session is not None and not state.recovered:
                ledger.durable.add(key_of(event.open_session.started))
            now = Now(mono, MIDNIGHT + timedelta(seconds=mono + jumped))
            was_closed = state.contactor.closed
            state, _ = checked_step(ledger, state, event, now)
            if was_closed and not state.contactor.closed:
                ledger.opened_at = mono


def _events(
    kind: str,
    what: Any,  # noqa: ANN401 - as drawn
    state: ChargePointState,
    mono: float,
) -> list[ChargePointEvent]:
    match kind:
        case "time" | "wall":
            return [Tick()]
        case "grant":
            values = dict(what)
            stamp = Stamp("garage-1", values.pop("boot"), mono - values.pop("age"))
            return [ApplyGrant(Grant(charge_point=NAME, stamp=stamp, **values))]
        case "reading":
            quality, current = what
            sample = Sample((current, 0, 0), 0, 100)
            return [ReadingTaken("cp1-meter", quality, sample, None, mono, MIDNIGHT)]
        case "persist":
            waiting = state.outbox.waiting
            return [FactPersisted(NAME, key_of(fact)) for fact in (waiting if what else waiting[-1:])]
        case _:
            return [what]


class CheckedHarness(ChargePointHarness):
    """The harness with every step checked, and the electronics checked all the time."""

    def __init__(self, config: ChargePointSettings) -> None:
        self.ledger = Ledger(config)
        super().__init__(config)

    def send(self, event: ChargePointEvent) -> list[Effect]:
        before = self.state.fork()
        self.ledger.hear(event, self.mono)
        after, effects = step(self.state, event, self.now())
        assert self.state == before
        self.state = after
        self.log.extend((self.mono, effect) for effect in effects)
        was_closed = self.electronics.closed
        self.ledger.check(effects, after, self.mono)
        for effect in effects:
            self._perform(effect)
        if was_closed and not self.electronics.closed:
            self.ledger.opened_at = self.mono
        self.report_changes()
        self.check_electronics()
        return list(effects)

    def check_electronics(self) -> None:
        """S2 at the device: never more than grant or lapse allows, links cut or not."""
        electronics = self.electronics
        electronics.pass_time(self.mono)
        if electronics.token >= 0:
            newest = max(self.ledger.allowed(self.mono), self.ledger.lapse_ma, self.bound_ma)
            assert electronics.amps_ma <= newest
        assert not (electronics.closed and self.config_locks and not electronics.lock)
        if electronics.closed:
            assert self.state.session.started is not None
        if electronics.secondary is not None and self.connected and self.state.told_current is not None:
            assert len(electronics.live) <= self.state.told_current[4], "what may carry current is told"
            told = self.ledger.phases
            granted = told is None or len(electronics.live) <= told
            assert granted or not electronics.amps_ma, "nothing is offered but what is granted"

    @property
    def bound_ma(self) -> int:
        """While the link is cut a device may still hold the grant it was given before, until that one ends."""
        return 0 if self.connected else self.held_ma

    held_ma = 0

    def cut(self) -> None:
        self.held_ma = self.electronics.amps_ma
        self.connected = False

    @property
    def config_locks(self) -> bool:
        return self.state.settings.has_lock


ACTS = st.sampled_from(
    [
        "plug",
        "plug",
        "unplug",
        "unplug ev",
        "card",
        "card",
        "stop",
        "refuse",
        "grant 32",
        "grant 16",
        "grant 7",
        "grant 0",
        "one phase",
        "three phases",
        "no grants",
        "cut",
        "lost",
        "link",
        "journal away",
        "journal back",
        "wait",
        "wait",
        "wait long",
        "meter away",
        "meter back",
        "fault",
        "clear",
        "greedy",
        "follows",
        "clock -7200",
        "clock 600",
    ]
)


def act(park: CheckedHarness, what: str) -> None:  # noqa: C901 - a flat table
    match what.split():
        case ["plug"]:
            park.plug()
        case ["unplug"]:
            park.unplug()
        case ["unplug", _]:
            park.unplug(cable_stays=True)
        case ["card"]:
            park.authorize()
        case ["stop"]:
            park.send(StopSession(NAME, None, StopReason.LOCAL, "AA"))
        case ["refuse"]:
            park.send(TransactionAssigned(NAME, park.state.session.id or "", 1, accepted=False, status="Invalid"))
        case ["grant", amps]:
            park.keep_granting(int(amps) * 1_000)
        case ["one" | "three" as number, _]:
            park.keep_granting(park.granting, (1,) if number == "one" else (1, 2, 3))
        case ["no", "grants"]:
            park.keep_granting(None)
        case ["cut"]:
            park.cut()
        case ["lost"]:
            park.cut()
            park.send(EvseLost(NAME, "gone"))
        case ["link"]:
            park.connected = True
            park.last_report = park.electronics.report()
            park.send(park.last_report)
        case ["journal", where]:
            park.persist = where == "back"
        case ["wait"]:
            park.advance(2.5)
        case ["wait", "long"]:
            park.advance(70)
        case ["meter", "away"]:
            park.lose_meter()
        case ["meter", "back"]:
            park.meter_works = park.state.settings.meter is not None
        case ["fault"]:
            park.fault("rcd")
        case ["clear"]:
            park.fault()
        case ["greedy"]:
            park.electronics.follows, park.overdraw_ma = False, 32_000
        case ["clock", seconds]:
            park.wall_offset += timedelta(seconds=int(seconds))
        case ["follows"]:
            park.electronics.follows, park.overdraw_ma = True, None
        case _:
            raise AssertionError(what)


@hypothesis_settings(max_examples=60, deadline=None)
@given(config=CONFIGS, acts=st.lists(ACTS, max_size=40))
def test_drivers_cards_links_and_journals_in_any_order(config: ChargePointSettings, acts: list[str]) -> None:
    park = CheckedHarness(config)
    if not config.has_lock:
        park.electronics.lock = None
    for what in acts:
        act(park, what)
    # At the end everything works again and everybody leaves: each session has one start and one end, on disk.
    act(park, "link")
    act(park, "follows")
    act(park, "meter back")
    park.persist = True
    act(park, "clear")
    park.send(StopSession(NAME, None, StopReason.REMOTE))
    park.unplug()
    park.advance(200)
    assert not park.state.outbox.waiting
    for facts in park.ledger.facts.values():
        assert isinstance(facts[0], SessionStarted)
        assert isinstance(facts[-1], SessionEnded)
        assert [fact.ordinal for fact in facts] == list(range(len(facts)))
    assert park.state.session.phase is Phase.IDLE
    assert park.status.value == "Available"


JUMPS = st.floats(-1e6, 1e6).map(lambda seconds: timedelta(seconds=seconds))


@hypothesis_settings(max_examples=40, deadline=None)
@given(lived=st.lists(st.tuples(JUMPS, st.sampled_from([1.0, 12.0, 65.0])), min_size=1, max_size=6))
def test_within_a_session_time_never_goes_back(lived: list[tuple[timedelta, float]]) -> None:
    park = CheckedHarness(settings(sample_interval_seconds=10, clock_interval_seconds=30))
    park.begin()
    for jump, seconds in lived:
        park.wall_offset += jump
        park.advance(seconds)
    park.unplug()
    park.advance(10)
    [facts] = park.ledger.facts.values()
    assert isinstance(facts[-1], SessionEnded)
    times = [fact.at for fact in facts]
    assert times == sorted(times)
    assert times[0] == MIDNIGHT + timedelta(seconds=1000)
