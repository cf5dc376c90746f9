"""A reading as SampledValues (OCPP 1.6 §7.43): which of its values are told, of which phases, in which unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec import Struct

from park.model.electric import NOMINAL_VOLTAGE_MV
from park.model.metering import Sample
from park.ocpp.link import Payload


class Manner(Struct, frozen=True):
    """`measurands`: those wished for; `Voltage.L1`: one phase of one. `phases`: of the connector.

    `offered_is_sum`: Current.Offered is the sum of the phases (B-218), else what the pilot says for each.
    """

    measurands: tuple[str, ...]
    phases: int = 3
    offered_is_sum: bool = False


_Value: TypeAlias = tuple[str, str | None, str | None]  # value, phase, unit
_Values: TypeAlias = Callable[[Sample, int | None, Manner], list[_Value]]


def sampled(sample: Sample, offered_ma: int | None, context: str, manner: Manner) -> list[Payload]:
    """What the meter does not give is left out. No location; a phase only where there is more than one (B-217)."""
    found: list[Payload] = []
    for wish in manner.measurands:
        name, phase = (wish[:-3], wish[-2:]) if wish[-3:-1] == ".L" else (wish, None)
        for value, of_phase, unit in _VALUES[name](sample, offered_ma, manner):
            if phase is None or (of_phase is not None and of_phase.startswith(phase)):
                told = of_phase if manner.phases > 1 else None
                fields = {"value": value, "context": context, "measurand": name, "phase": told, "unit": unit}
                found.append({key: text for key, text in fields.items() if text is not None})
    return found


def _thousandths(value: int) -> str:
    return f"{value // 1000}.{value % 1000:03d}"


def _energy(sample: Sample, _: int | None, __: Manner) -> list[_Value]:
    return [(str(sample.energy_wh), None, "Wh")]


def _power(sample: Sample, _: int | None, __: Manner) -> list[_Value]:
    return [(str(max(sample.power_w, 0)), None, "W")]


def _power_offered(_: Sample, offered_ma: int | None, manner: Manner) -> list[_Value]:
    """B-218: the current of all phases at the nominal voltage."""
    if offered_ma is None:
        return []
    return [(str(offered_ma * manner.phases * NOMINAL_VOLTAGE_MV // 1_000_000), None, "W")]


def _currents(sample: Sample, _: int | None, manner: Manner) -> list[_Value]:
    currents = sample.currents_ma[: manner.phases]
    return [(_thousandths(max(current, 0)), f"L{phase}", "A") for phase, current in enumerate(currents, start=1)]


def _offered(_: Sample, offered_ma: int | None, manner: Manner) -> list[_Value]:
    if offered_ma is None:
        return []
    return [(_thousandths(offered_ma * (manner.phases if manner.offered_is_sum else 1)), None, "A")]


def _voltages(sample: Sample, _: int | None, manner: Manner) -> list[_Value]:
    volts = (sample.voltages_mv or ())[: manner.phases]
    return [(_thousandths(max(value, 0)), f"L{phase}-N", "V") for phase, value in enumerate(volts, start=1)]


def _frequency(sample: Sample, _: int | None, __: Manner) -> list[_Value]:
    return [] if sample.frequency_mhz is None else [(_thousandths(sample.frequency_mhz), None, None)]


_VALUES: Mapping[str, _Values] = {
    "Energy.Active.Import.Register": _energy,
    "Power.Active.Import": _power,
    "Power.Offered": _power_offered,
    "Current.Import": _currents,
    "Current.Offered": _offered,
    "Voltage": _voltages,
    "Frequency": _frequency,
}
