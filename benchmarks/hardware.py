"""What hangs on the measured park: electronics that obey at once, cars, and meters polled at 1 Hz."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from actors.address import Address
from actors.messages import ChargePointMessage, DriverMessage, MeterMessage
from park.model.electric import NOMINAL_VOLTAGE_MV, PHASE_NAMES, PerPhase
from park.model.evse import EvseReported, PilotOutput, PilotState, SetContactor, SetLock, Signal
from park.model.metering import Sample, SampleTaken

After: TypeAlias = Callable[[float, Callable[[], None]], None]
"""Call something in so many seconds on the one thread of the edges: the part the event loop has in a node."""

POLL_SECONDS = 1.0
WH_PER_MA_POLL = len(PHASE_NAMES) * NOMINAL_VOLTAGE_MV / 1e6 * POLL_SECONDS / 3600  # all phases at nominal voltage


class Electronics:
    """One charge point's device and the car on it; a fixed cable, so nothing has to be locked."""

    __slots__ = ("amps_ma", "lapse_ma", "name", "output", "permitted", "pilot", "token")

    def __init__(self, name: str) -> None:
        self.name = name
        self.pilot = PilotState.A
        self.output = PilotOutput.IDLE
        self.amps_ma = 0
        self.lapse_ma = 0
        self.token = -1
        self.permitted = False

    @property
    def closed(self) -> bool:
        return self.permitted and self.pilot is PilotState.C

    @property
    def drawn_ma(self) -> int:
        """On each phase."""
        return self.amps_ma if self.closed else 0

    def obey(self, command: DriverMessage) -> None:
        match command:
            case Signal():
                self.output, self.amps_ma = command.output, command.amps_ma
                self.lapse_ma, self.token = command.lapse_ma, command.token
            case SetContactor():
                self.permitted = command.closed
            case _:
                pass

    def report(self) -> EvseReported:
        return EvseReported(
            charge_point=self.name,
            pilot=self.pilot,
            proximity_ohms=None,
            contactor_closed=self.closed,
            lock_closed=None,
            output=self.output,
            signalled_ma=self.amps_ma,
            lapse_ma=self.lapse_ma,
            token=self.token,
        )


class Hardware:
    """`Address[DriverMessage]`. `signalled` is called on the thread of the charge point that tells a `Signal`.

    `foreign_ma`: what else each circuit's meter sees; change it and call `poll`, or wait for the next poll.
    """

    def __init__(self, names: Sequence[str], after: After, mono: Callable[[], float]) -> None:
        self.signalled: Callable[[Signal], None] = _unheard
        self.foreign_ma: dict[str, int] = {}
        self._after, self._mono = after, mono
        self._devices = {name: Electronics(name) for name in names}
        self._points: Mapping[str, Address[ChargePointMessage]] = {}
        self._meters: Mapping[str, Address[MeterMessage]] = {}
        self._metered: Mapping[str, str] = {}
        self._energy_wh: dict[str, float] = {}

    def connect(
        self,
        points: Mapping[str, Address[ChargePointMessage]],
        meters: Mapping[str, Address[MeterMessage]],
        metered: Mapping[str, str],
    ) -> None:
        """Name who is told. `metered`: meter → its charge point."""
        self._points, self._meters, self._metered = points, meters, metered

    def start(self) -> None:
        """Begin to poll, spread over the second."""
        for place, meter in enumerate(self._meters):
            self._after(POLL_SECONDS * place / len(self._meters), self._polling(meter))

    def tell(self, message: DriverMessage, /) -> None:
        """Take a command; the electronics answer from the thread of the edges."""
        if isinstance(message, Signal):
            self.signalled(message)
        if not isinstance(message, SetLock):
            self._after(0.0, lambda: self._obey(message))

    def plug(self, name: str) -> None:
        """A car comes that is ready at once (state C). Call on the thread of the edges, as the next two."""
        self._changes(name, PilotState.C)

    def unplug(self, name: str) -> None:
        self._changes(name, PilotState.A)

    def poll(self, meter: str) -> None:
        """Take one sample of a meter now."""
        currents, drawn_ma = self._currents(meter)
        energy = self._energy_wh[meter] = self._energy_wh.get(meter, 0.0) + drawn_ma * WH_PER_MA_POLL
        power_w = sum(currents) * NOMINAL_VOLTAGE_MV // 1_000_000
        self._meters[meter].tell(SampleTaken(meter, Sample(currents, power_w, int(energy)), self._mono()))

    def _polling(self, meter: str) -> Callable[[], None]:
        def again() -> None:
            self._after(POLL_SECONDS, again)
            self.poll(meter)

        return again

    def _currents(self, meter: str) -> tuple[PerPhase, int]:
        point = self._metered.get(meter)
        if point is not None:
            drawn = self._devices[point].drawn_ma
        elif meter in self.foreign_ma:  # a branch meter
            drawn = self.foreign_ma[meter]
        else:  # the one of the grid connection
            drawn = sum(device.drawn_ma for device in self._devices.values()) + sum(self.foreign_ma.values())
        return (drawn, drawn, drawn), drawn

    def _changes(self, name: str, pilot: PilotState) -> None:
        device = self._devices[name]
        device.pilot = pilot
        self._points[name].tell(device.report())

    def _obey(self, command: DriverMessage) -> None:
        name = getattr(command, "charge_point", None)
        device = None if name is None else self._devices.get(name)
        if device is not None:
            device.obey(command)
            self._points[device.name].tell(device.report())


def _unheard(_: Signal) -> None:
    """Nobody measures."""
