"""What the coordinator knows of each board and charge point, and what it told it last."""

from __future__ import annotations

import math
from collections import deque

from park.load.admission import Request
from park.load.circuit import Lines, Network, Placement
from park.load.committed import Commitment
from park.load.external import KEPT_READINGS
from park.load.hold import PeakHold
from park.load.lease import lease_and_guard
from park.load.limits import NOTHING_BINDS, Binding, HeldLimit, smallest
from park.load.poles import ONE, THREE, Poles
from park.load.told import Told
from park.load.unused import SETTLE_SECONDS, Usage
from park.model.demand import CurrentSignalled, DemandChanged
from park.model.electric import PHASE_NAMES, ZERO, PerPhase, Phases, Wiring, add, highest, on_phases, subtract
from park.model.grant import Grant, Reason, Stamp
from park.model.metering import Quality, ReadingTaken

SILENT_SECONDS = 3.0  # three heartbeats missed: nothing new is given to this board
FALL_MA = 500  # a smaller fall between two readings waits for the circuit's next reading
RISE_MA = 500  # a smaller rise of a lapse current is the noise of a meter in a group
OVERDRAW_STEP_MA = 250  # what a vehicle draws too much is planned in such steps: the noise of a meter moves no plan
OVERDRAW_TURNS = 6  # … and the last step stays for 30 s: noise that is now above, now below the signal toggles nothing
TOLERATED_OVERDRAW, TOLERATED_MA = 0.10, 500  # safety §3: beyond signalled × 1.10 + 0.5 A it does not follow
UNKNOWN_BOOT = ""  # of a board whose first sign of life is yet to come


class Board:
    """A controller board by its heartbeats. `stamp`: the newest; `heard`: mono of the coordinator when it came."""

    __slots__ = ("_earlier_boots", "heard", "name", "stamp")

    def __init__(self, name: str) -> None:
        self.name = name
        self.stamp: Stamp | None = None
        self.heard = -math.inf
        self._earlier_boots: set[str] = set()

    def beat(self, stamp: Stamp, now: float) -> None:
        """Take the stamp unless it is older than the newest: a late one must not make a lease look young."""
        newest = self.stamp
        if newest is not None:
            same_boot = newest.boot_id == stamp.boot_id
            if stamp.boot_id in self._earlier_boots or (same_boot and stamp.mono <= newest.mono):
                return
            if not same_boot:
                self._earlier_boots.add(newest.boot_id)
        self.stamp, self.heard = stamp, now

    def speaks(self, now: float) -> bool:
        return now - self.heard < SILENT_SECONDS


class Point:
    """One charge point. Mutable, owned by the coordinator's state.

    `target_ma`, `target_lapse_ma`, `reason`: of the newest plan. `reserve`: idle, it keeps its lapse current.
    `charging_since`: mono since it has had a share; `shed_at`: when it lost it since it began to
    want, to protection or (`made_room`) because it was another's turn. `poles`: of one that switches phases;
    `phases` are then those of the plan. `looked_at`: when it was asked last whether others would be better.
    """

    __slots__ = (
        "_confirmed_boot",
        "_lease_and_guard",
        "_noted_lapse_ma",
        "_range_ma",
        "_reported_boot",
        "asked",
        "board",
        "charging_since",
        "commitment",
        "demand",
        "held_limits",
        "lines",
        "looked_at",
        "made_room",
        "network",
        "overdraw",
        "phases",
        "placement",
        "poles",
        "raised_at",
        "readings",
        "reason",
        "reserve",
        "sent",
        "sent_at",
        "shed_at",
        "target_lapse_ma",
        "target_ma",
        "unconfirmed_since",
        "usage",
        "waiting_since",
        "wants",
    )

    def __init__(
        self,
        placement: Placement,
        network: Network,
        board: Board,
        lease_seconds: float,
        began: float,
        told: Told | None = None,
        unused_seconds: float = SETTLE_SECONDS,
    ) -> None:
        self.placement = placement
        self.network = network
        self.board = board
        self.commitment = Commitment(placement, lease_seconds, began, told)
        self._lease_and_guard = lease_and_guard(lease_seconds)
        self._confirmed_boot: str | None = None  # of its board, when it last confirmed a grant
        self._reported_boot: str | None = None  # … and when it last reported
        self._noted_lapse_ma = placement.fallback_ma
        self.demand: DemandChanged | None = None
        self.wants = False  # by its demand
        self.held_limits: tuple[HeldLimit, ...] = ()
        self._range_ma: tuple[int, int] | None = None  # what the wish and the limits make of it; None: to be found
        self.asked: Request | None = None  # in the newest plan
        self.poles: Poles | None = None
        self.looked_at = -math.inf
        self.phases = placement.grid_phases(placement.phases)
        self.lines: Lines = network.lines(placement.circuit, self.phases)
        self.readings: deque[tuple[float, PerPhase]] = deque(maxlen=KEPT_READINGS)
        self.overdraw = PeakHold(ZERO, OVERDRAW_STEP_MA, OVERDRAW_STEP_MA, OVERDRAW_TURNS)
        self.usage = Usage(unused_seconds)
        self.target_ma = 0
        self.target_lapse_ma = placement.fallback_ma
        self.reason: tuple[Reason, ...] = ()
        self.reserve = True
        self.charging_since: float | None = None
        self.shed_at: float | None = None
        self.made_room = False
        self.sent: Grant | None = None
        self.sent_at = -math.inf
        self.raised_at = -math.inf
        self.waiting_since = began
        self.unconfirmed_since: float | None = None

    # ------------------------------------------------------------ what it is

    def reachable(self, now: float) -> bool:
        """Its board speaks, its EVSE has reported and goes on confirming: it can be told something new."""
        return self.board.speaks(now) and not self.deaf(now)

    def deaf(self, now: float) -> bool:
        """Its EVSE has not reported yet, or confirms nothing any more, whether its board speaks or not."""
        return self.commitment.signalled_ma is None or (self.unconfirmed_since is not None and self.mute(now))

    def mute(self, now: float) -> bool:
        """Nothing it was told for a whole lease was read back: it is only probed, at most with its lapse current."""
        return self.unconfirmed_since is not None and now - self.unconfirmed_since >= self._lease_and_guard

    def surely_holds_ma(self, now: float) -> int | None:
        """What its device holds at least, whatever it is counted with; None: all that it was told and confirmed."""
        stamp, group = self.board.stamp, self.placement.reports_most
        boot = None if stamp is None else stamp.boot_id
        if boot == self._confirmed_boot:
            return self._told_at_most_ma(now) if group else None
        if self._reported_boot not in {boot, UNKNOWN_BOOT}:
            return 0
        return max(self.commitment.measured_ma or ZERO) if group else self.commitment.reported_ma

    def _told_at_most_ma(self, now: float) -> int:
        """By the newest grant."""
        if self.sent is None:
            return 0
        return max(self.sent.amps_ma, self.sent.lapse_ma) if self.in_force(now) else self.sent.lapse_ma

    @property
    def begins(self) -> bool:
        """The leader of this group began anew: until it is told something in this life it gives nothing."""
        return self.placement.reports_most and self._reported_boot is not None and self._confirmed_boot is None

    @property
    def adrift(self) -> bool:
        """On fewer phases than three, nobody knows on which: its wiring is unknown, so `phases` are all."""
        placement, used = self.placement, self.demand.phases_used if self.demand else 0
        return placement.wiring is Wiring.UNKNOWN and min(used or placement.phases, placement.phases) < len(PHASE_NAMES)

    def minimum_ma(self) -> int:
        """Smallest current worth granting, rounded up to what the hardware can signal."""
        return self.range_ma()[0]

    def maximum_ma(self) -> int:
        """Largest current the vehicle, its cable and the station can take, rounded down to the resolution."""
        return self.range_ma()[1]

    def range_ma(self) -> tuple[int, int]:
        """Both; the largest may be below the smallest."""
        if self._range_ma is None:
            self._range_ma = (self._smallest_ma(), self._largest_ma())
        return self._range_ma

    def _smallest_ma(self) -> int:
        wish, step = self.demand, self.placement.resolution_ma
        worth = max((each.limit.minimum_ma for each in self.held_limits), default=0)
        smallest = max(self.placement.minimum_ma, wish.minimum_ma if wish else 0, worth)
        return -(-smallest // step) * step

    def _largest_ma(self) -> int:
        step = self.placement.resolution_ma
        largest = min(self.own_maximum_ma(), self.allowed_ma())
        return largest - largest % step

    def own_maximum_ma(self) -> int:
        """Largest current the vehicle, its cable and the station can take, whatever limits say."""
        wish = self.demand
        return min(self.placement.maximum_ma, wish.maximum_ma if wish else 0)

    def impose(self, held: tuple[HeldLimit, ...]) -> None:
        """These limits are in force here, and no others."""
        self.held_limits = held
        self._range_ma = None

    def imposed_ma(self) -> tuple[PerPhase, Binding]:
        """What limits leave of its design on each grid phase, with those that bind."""
        most = self.placement.maximum_ma
        if not self.held_limits:
            return (most, most, most), NOTHING_BINDS
        return smallest(self.held_limits, (most, most, most), self.phases)

    def allowed_ma(self) -> int:
        """The current limits let it have on each phase it may load."""
        if not self.held_limits:
            return self.placement.maximum_ma
        imposed, _ = self.imposed_ma()
        return min(imposed[phase - 1] for phase in self.phases)

    def limited_by(self) -> HeldLimit | None:
        """The limit that leaves it less than it could take; None: there is none."""
        if not self.held_limits:
            return None
        imposed, binding = self.imposed_ma()
        least = min(self.phases, key=lambda phase: imposed[phase - 1]) - 1
        return binding[least] if imposed[least] < self.own_maximum_ma() else None

    def reserved_lapse_ma(self) -> int:
        """Lapse current it keeps while nobody wants current; none where limits leave less than its minimum."""
        fallback, allowed = self.placement.fallback_ma, self.allowed_ma()
        if allowed >= fallback:
            return fallback
        return allowed - allowed % self.placement.resolution_ma if allowed >= self.placement.minimum_ma else 0

    # ------------------------------------------------------------ what it was told

    def in_force(self, now: float) -> bool:
        """The newest grant has not run out by the coordinator's count."""
        return now < self.commitment.leases.counted_until()

    def held_ma(self, now: float) -> int:
        """What it may take for granted: the newest grant, after that the lapse current, before any its own signal."""
        if self.sent is None:
            return self.commitment.signalled_ma or 0
        return self.sent.amps_ma if self.in_force(now) else self.granted_lapse_ma()

    def held_lapse_ma(self) -> int:
        """The lapse current it was told last, or reported when it was told none."""
        return self.commitment.lapse_ma() if self.sent is None else self.sent.lapse_ma

    def granted_lapse_ma(self) -> int:
        """The one that counts; of a group the one it was told: it may report more, for boards that it does not hear."""
        return self.held_lapse_ma() if self.placement.reports_most else self.commitment.lapse_ma()

    def was_sent(self, grant: Grant, until: float, now: float) -> None:
        self.commitment.leases.sent(grant.sequence, grant.amps_ma, grant.lapse_ma, until)
        if self.poles is not None:
            self.poles.sent(len(grant.phases), grant.sequence)
        self.sent, self.sent_at = grant, now
        if self.unconfirmed_since is None:
            self.unconfirmed_since = now

    # ------------------------------------------------------------ what it reports

    def wishes(self, demand: DemandChanged, now: float) -> None:
        """Take in the vehicle's wish; the phases it may load count at once."""
        if self.demand is None or not self.demand.wants:
            self.waiting_since = min(demand.since, now)
        self.demand, self.wants = demand, demand.wants
        self._range_ma = None
        self._rewire()
        if not demand.wants:
            self.charging_since = self.shed_at = None
            self.usage.reset()

    def signals(self, report: CurrentSignalled, sequence: int, now: float) -> None:
        self.commitment.reported(report, sequence, now)
        self._hear_poles(report.phases, sequence)
        self._reported_boot = UNKNOWN_BOOT if self.board.stamp is None else self.board.stamp.boot_id
        self._confirmed_boot = self._reported_boot if sequence else None
        if not self.commitment.leases.unconfirmed:
            self.unconfirmed_since = None
        elif sequence:
            self.unconfirmed_since = self.sent_at

    def lapse_rose(self) -> bool:
        """More counts of its lapse current than was noted here last, by so much that a plan has to answer it."""
        lapse, noted = self.commitment.lapse_ma(), self._noted_lapse_ma
        rose = lapse > noted + RISE_MA
        if rose or lapse < noted:
            self._noted_lapse_ma = lapse
        return rose

    def _hear_poles(self, phases: int, sequence: int) -> None:
        """Behind unknown wiring one phase may be any of them: there nobody switches."""
        placement, poles = self.placement, self.poles
        switches = phases in {ONE, THREE} and placement.phases == THREE and placement.wiring is not Wiring.UNKNOWN
        if switches and poles is not None:
            poles.heard(phases, sequence)
        elif switches or poles is not None:
            sent = self.commitment.leases.newest_sequence
            self.poles = Poles(phases, sent, sequence) if switches else None
            self._rewire()

    # ------------------------------------------------------------ its phases

    def plan_phases(self, phases: int, now: float, *, wears: bool) -> None:
        """Shares are for so many from now on; nothing is granted before its board has switched (see `Poles`)."""
        if self.poles is not None:
            self.poles.plan(phases, now, wears=wears)
            self._rewire()

    def _rewire(self) -> None:
        used = self._used()
        self.phases = self.placement.grid_phases(used if self.poles is None else min(used, self.poles.planned))
        self.lines = self.network.lines(self.placement.circuit, self.phases)

    def _used(self) -> int:
        """Phases the vehicle may load."""
        return (self.demand.phases_used if self.demand else 0) or self.placement.phases

    def lines_on(self, phases: int) -> Lines:
        """What it would load on so many."""
        return self.network.lines(self.placement.circuit, self.placement.grid_phases(phases))

    def granted_phases(self) -> Phases:
        """Grid phases that a grant names."""
        return self.phases if self.poles is None else self.placement.grid_phases(self.poles.granted)

    def counted_phases(self, now: float) -> Phases:
        """Grid phases that may carry what is promised."""
        if self.poles is None:
            return self.phases
        counted = THREE if self.commitment.holds_unknown(now) else self.poles.counted
        return self.placement.grid_phases(min(self._used(), counted))

    def hold_still(self) -> None:
        """While its phases are switched it has nothing."""
        if self.poles is not None and self.poles.under_way:
            number = "one phase" if self.poles.planned == ONE else "three phases"
            self.target_ma = self.target_lapse_ma = 0
            self.reason = (Reason("waiting", f"switches to {number}"),)

    def read(self, reading: ReadingTaken, now: float) -> bool:
        """Its own meter was read. True: its current fell noticeably, so readings near this one mean something else."""
        sample = reading.sample
        if reading.quality is not Quality.FRESH or sample is None:
            self.readings.clear()
            self.commitment.measured_ma = None
            return True
        a, b, c = sample.currents_ma
        taken = (max(a, 0), max(b, 0), max(c, 0))
        before = self.readings[-1][1] if self.readings else ZERO
        self.readings.append((min(reading.mono, now), taken))
        self.commitment.measured_ma, self.commitment.resolution_ma = taken, reading.resolution_ma
        return before[0] - taken[0] > FALL_MA or before[1] - taken[1] > FALL_MA or before[2] - taken[2] > FALL_MA

    # ------------------------------------------------------------ what it is counted with

    def promised_ma(self, now: float) -> int:
        return self.commitment.promised_ma(now)

    def committed_ma(self, now: float) -> PerPhase:
        """Worst mA per grid phase; while nothing is heard, it may have booted, and another vehicle come: every wire."""
        if self.board.speaks(now):
            return self.told_ma(now)
        committed = self._lapsed_ma(now) if self._has_lapsed(now) else self.told_ma(now)
        wired = self.placement.grid_phases(self.placement.phases)
        return highest(committed, on_phases(self.commitment.away_ma(), wired))

    def _has_lapsed(self, now: float) -> bool:
        """Nothing is heard of it for so long that what its meter told last is over."""
        taken = self.readings[-1][0] if self.readings else -math.inf
        commitment, heard = self.commitment, self.board.heard
        return commitment.has_lapsed(heard, now) and commitment.has_lapsed(taken, now)

    def _lapsed_ma(self, now: float) -> PerPhase:
        """After that its vehicle draws above the signal what it did before; one that did not follow draws on."""
        over = self.overdraw.held_ma
        if over == ZERO:
            return self.may_draw_ma(now)
        measured = self.commitment.measured_ma or ZERO
        followed = max(over) <= TOLERATED_MA + TOLERATED_OVERDRAW * max(subtract(measured, over))
        return add(self.may_draw_ma(now), over) if followed else self.told_ma(now)

    def surely_ma(self, now: float) -> PerPhase:
        """What it draws at least: nothing that is known while its board is silent, or while its phases are not."""
        measured = self.commitment.measured_ma
        return ZERO if measured is None or self.adrift or not self.board.speaks(now) else measured

    def told_ma(self, now: float) -> PerPhase:
        """The same, as long as its board speaks."""
        return self.commitment.on_phases(self.commitment.promised_ma(now), self.counted_phases(now))

    def may_draw_ma(self, now: float) -> PerPhase:
        return on_phases(self.commitment.promised_ma(now), self.counted_phases(now))

    def unheard_ma(self, now: float) -> PerPhase:
        return ZERO if self.placement.meter is None or self.board.speaks(now) else self.may_draw_ma(now)

    def defies(self, now: float) -> bool:
        """It draws so much more than it may that a smaller share will not make it draw less."""
        most = max(self.overdraw.held_ma)
        return most > TOLERATED_MA and most > TOLERATED_MA + TOLERATED_OVERDRAW * self.promised_ma(now)

    def note_overdraw(self, now: float) -> bool:
        """Compare the meter with what is promised. True: what has to be planned for beyond the grants changed."""
        commitment = self.commitment
        measured, signalled = commitment.measured_ma, commitment.signalled_ma
        phases = self.counted_phases(now)
        quiet = measured is None or (len(phases) == len(measured) and max(measured) <= (signalled or 0))
        if quiet:  # the usual case, without counting what else is promised
            return self.overdraw.held_ma != ZERO and self.overdraw.follow(ZERO, now)
        promised = on_phases(commitment.promised_at_ma(self.readings[-1][0], now), phases)
        committed = commitment.on_phases(promised[phases[0] - 1], phases)
        if committed == promised:
            return self.overdraw.held_ma != ZERO and self.overdraw.follow(ZERO, now)
        a, b, c = subtract(committed, promised)
        rose = self.overdraw.rise((a, b, c))
        return self.overdraw.follow((a, b, c), now) or rose
