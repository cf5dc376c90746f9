"""Session facts as JSON rows and back, without losing a bit of them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import NotRequired, TypedDict, cast

from msgspec import Struct

from park.model.metering import Sample, Signed
from park.model.session import (
    FactId,
    ReadingContext,
    SessionEnded,
    SessionFact,
    SessionMetered,
    SessionStarted,
    StopReason,
)
from park.model.time import BootTime


class _SampleRow(TypedDict):
    currents_ma: list[int]
    power_w: int
    energy_wh: int
    voltages_mv: list[int] | None
    frequency_mhz: int | None
    signed: NotRequired[tuple[str, str]]  # absent: the meter does not sign


class FactRow(TypedDict):
    kind: str
    session: str
    ordinal: int
    charge_point: str
    connector: int
    at: str
    id_tag: str | None
    authorized_by: str
    meter_start_wh: int
    reservation: NotRequired[int | None]  # absent: written before it was kept
    meter_stop_wh: int
    reason: str
    sample: _SampleRow
    offered_ma: int
    context: str
    undated: NotRequired[tuple[str, float]]  # absent: `at` is the date
    delivered: bool
    transaction: int | None


class Entry(Struct, frozen=True):
    """One journal row: the fact, and how far it has come."""

    id: FactId
    fact: SessionFact
    delivered: bool = False
    transaction: int | None = None


def key_of_number(number: int) -> str:
    """Row keys sort as text, so numbers are padded (12 digits: a fact a millisecond for 30 years)."""
    return f"{number:012d}"


def entry_body(entry: Entry) -> str:
    row = fact_row(entry.fact)
    row["delivered"], row["transaction"] = entry.delivered, entry.transaction
    return json.dumps(row, separators=(",", ":"))


def entry_of(journal: str, key: str, body: str) -> Entry:
    """Raises ValueError or KeyError when the row is not one of ours."""
    row = cast("FactRow", json.loads(body))
    return Entry(
        FactId(journal, int(key)),
        fact_of(row),
        row.get("delivered", False),
        row.get("transaction"),
    )


def fact_row(fact: SessionFact) -> FactRow:
    """A fact as the part of a row every table of facts shares."""
    row: dict[str, object] = {
        "session": fact.session,
        "ordinal": fact.ordinal,
        "charge_point": fact.charge_point,
        "connector": fact.connector,
        "at": fact.at.isoformat(),
    }
    match fact:
        case SessionStarted():
            row |= {
                "kind": "started",
                "id_tag": fact.id_tag,
                "authorized_by": fact.authorized_by,
                "meter_start_wh": fact.meter_start_wh,
                **({} if fact.reservation is None else {"reservation": fact.reservation}),
            }
        case SessionMetered():
            row |= {
                "kind": "metered",
                "sample": _sample_row(fact.sample),
                "offered_ma": fact.offered_ma,
                "context": fact.context.value,
            }
        case SessionEnded():
            row |= {
                "kind": "ended",
                "meter_stop_wh": fact.meter_stop_wh,
                "reason": fact.reason.value,
                "id_tag": fact.id_tag,
            }
    if fact.undated is not None:
        row["undated"] = (fact.undated.boot, fact.undated.mono)
    return cast("FactRow", row)


def fact_of(row: FactRow) -> SessionFact:
    """Raises ValueError or KeyError when the row is not one of ours."""
    session, ordinal = row["session"], row["ordinal"]
    point, connector, at = row["charge_point"], row["connector"], datetime.fromisoformat(row["at"])
    kind, undated = row["kind"], _undated(row)
    if kind == "started":
        return SessionStarted(
            session,
            ordinal,
            point,
            connector,
            row["id_tag"] or "",
            row["authorized_by"],
            at,
            row["meter_start_wh"],
            row.get("reservation"),
            undated,
        )
    if kind == "metered":
        context = ReadingContext(row["context"])
        return SessionMetered(
            session, ordinal, point, connector, at, _sample(row["sample"]), row["offered_ma"], context, undated
        )
    if kind == "ended":
        reason = StopReason(row["reason"])
        return SessionEnded(
            session, ordinal, point, connector, at, row["meter_stop_wh"], reason, row["id_tag"], undated
        )
    message = f"unknown kind of session fact: {kind}"
    raise ValueError(message)


def _undated(row: FactRow) -> BootTime | None:
    found = row.get("undated")
    return None if found is None else BootTime(str(found[0]), float(found[1]))


def _sample_row(sample: Sample) -> _SampleRow:
    row: _SampleRow = {
        "currents_ma": list(sample.currents_ma),
        "power_w": sample.power_w,
        "energy_wh": sample.energy_wh,
        "voltages_mv": list(sample.voltages_mv) if sample.voltages_mv else None,
        "frequency_mhz": sample.frequency_mhz,
    }
    if sample.signed is not None:
        row["signed"] = (sample.signed.record, sample.signed.key)
    return row


def _sample(row: _SampleRow) -> Sample:
    a, b, c = row["currents_ma"]
    volts, signed = row["voltages_mv"], row.get("signed")
    return Sample(
        (a, b, c),
        row["power_w"],
        row["energy_wh"],
        (volts[0], volts[1], volts[2]) if volts else None,
        row["frequency_mhz"],
        None if signed is None else Signed(str(signed[0]), str(signed[1])),
    )
