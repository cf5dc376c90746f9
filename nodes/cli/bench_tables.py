"""The truth of the bench as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from nodes.rpc import bench_pb2 as pb

MODES = {pb.METER_MODE_LIVE: "live", pb.METER_MODE_SILENT: "silent", pb.METER_MODE_FROZEN: "frozen"}


def tables(truth: pb.BenchTruth) -> Iterator[Table]:
    """One table each for charge points, circuits, meters and readers, where there are any."""
    yield _points(truth)
    if any(evse.HasField("vehicle") for evse in truth.evses):
        yield _cars(truth)
    if truth.circuits:
        yield _circuits(truth)
    if truth.meters:
        yield _meters(truth)
    if truth.readers:
        yield _readers(truth)


def _points(truth: pb.BenchTruth) -> Table:
    title = "charge points" if truth.link_up else "charge points (the link to the nodes is down)"
    columns = ("name", "driver", "pilot", "signal A", "contactor", "lock", "L1 L2 L3 A", "Wh", "faults")
    table = Table(*columns, title=title, title_justify="left")
    for evse in truth.evses:
        levels = evse.levels
        lock = ("closed" if levels.lock_closed else "open") if levels.HasField("lock_closed") else "-"
        table.add_row(
            evse.charge_point,
            "yes" if evse.attached else "-",
            pb.Pilot.Name(levels.pilot).removeprefix("PILOT_"),
            _signal(levels),
            "closed" if levels.contactor_closed else "open",
            lock,
            _currents(evse.currents),
            f"{evse.energy_wh:.0f}",
            " ".join([*levels.faults, *(f"({name})" for name in evse.injected_faults)]) or "-",
        )
    return table


def _signal(levels: pb.EvseLevels) -> str:
    offered = {
        pb.PILOT_DRIVE_PWM: f"{levels.signalled_ma / 1000:g}",
        pb.PILOT_DRIVE_IDLE: "idle",
        pb.PILOT_DRIVE_FAULT: "fault",
        pb.PILOT_DRIVE_DIGITAL: "5 %",
        pb.PILOT_DRIVE_ZERO: "0 V",
    }.get(levels.output, "?")
    return f"{offered} (deadman)" if levels.deadman_tripped else offered


def _cars(truth: pb.BenchTruth) -> Table:
    table = Table("at", "phases", "A", "behaviour", "Wh taken", "Wh wanted", title="cars", title_justify="left")
    for evse in truth.evses:
        if evse.HasField("vehicle"):
            car = evse.vehicle
            table.add_row(
                evse.charge_point,
                str(car.phases),
                f"{car.minimum_ma / 1000:g}-{car.maximum_ma / 1000:g}",
                pb.VehicleBehaviour.Name(car.behaviour).removeprefix("VEHICLE_BEHAVIOUR_").lower(),
                f"{car.received_wh:.0f}",
                f"{car.energy_wh:.0f}",
            )
    return table


def _circuits(truth: pb.BenchTruth) -> Table:
    table = Table(
        "circuit",
        "L1 L2 L3 A",
        "limit A",
        "highest",
        "s above",
        "longest",
        "fuse",
        title="circuits",
        title_justify="left",
    )
    for circuit in truth.circuits:
        table.add_row(
            circuit.circuit,
            _currents(circuit.currents),
            _currents(circuit.limit),
            f"{circuit.peak_ratio * 100:.0f} %",
            f"{circuit.seconds_above:.1f}",
            f"{circuit.longest_above:.1f}",
            "tripped" if circuit.HasField("tripped_at") else "holds",
        )
    return table


def _meters(truth: pb.BenchTruth) -> Table:
    table = Table("meter", "address", "unit", "mode", "L1 L2 L3 A", "W", "Wh", title="meters", title_justify="left")
    for meter in truth.meters:
        table.add_row(
            meter.meter,
            meter.address,
            str(meter.unit),
            MODES.get(meter.mode, "?"),
            _currents(meter.currents),
            str(meter.power_w),
            str(meter.import_wh),
        )
    return table


def _readers(truth: pb.BenchTruth) -> Table:
    table = Table("reader", "driver", "shows", title="readers", title_justify="left")
    for reader in truth.readers:
        shown = pb.ReaderFeedback.Name(reader.feedback).removeprefix("READER_FEEDBACK_").lower()
        table.add_row(reader.reader, "yes" if reader.attached else "-", shown)
    return table


def _currents(currents: pb.PhaseCurrents) -> str:
    return " ".join(f"{current / 1000:g}" for current in (currents.l1_ma, currents.l2_ma, currents.l3_ma))
