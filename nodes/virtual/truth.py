"""What really is, as wire messages: for people, tests and the recording of invariants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodes.rpc import bench_pb2 as pb
from nodes.rpc.bench_codec import (
    behaviour_to_wire,
    currents_to_wire,
    feedback_to_wire,
    levels_to_wire,
    mode_to_wire,
    output_to_wire,
    pilot_to_wire,
)

if TYPE_CHECKING:
    from nodes.virtual.bench import Bench
    from nodes.virtual.plan import MeterPlace
    from park.physics.evse import Evse
    from park.physics.meters import CircuitMeter, PointMeter
    from park.physics.site import Circuit, Site
    from park.physics.vehicle import Vehicle

SHOWN_VISITS = 100  # a charge point: enough for a test, little enough for one message


def truth(bench: Bench) -> pb.BenchTruth:
    """Everything about the bench at this instant."""
    site = bench.site
    places = {place.meter: place for place in bench.plan.places}
    return pb.BenchTruth(
        mono=site.mono,
        link_up=bench.link_up,
        evses=[_evse(evse, attached=bench.attached(name)) for name, evse in site.evses.items()],
        meters=[_meter(meter, places[name]) for name, meter in site.meters.items()],
        circuits=[_circuit(circuit) for circuit in site.circuits.values()],
        readers=[
            pb.ReaderTruth(reader=name, feedback=feedback_to_wire(shown), attached=bench.attached(name, reader=True))
            for name, shown in site.readers.items()
        ],
        inputs=[pb.InputTruth(node=node, number=n, high=high) for (node, n), high in sorted(bench.inputs.items())],
    )


def sample(site: Site) -> pb.BenchSample:
    """Only what moves, ten times a second."""
    return pb.BenchSample(
        mono=site.mono,
        evses=[
            pb.EvseSample(
                charge_point=name,
                signalled_ma=evse.amps_ma,
                currents=currents_to_wire(evse.flow_ma),
                pilot=pilot_to_wire(evse.pilot),
                output=output_to_wire(evse.output),
                contactor_closed=evse.contactor.closed,
                lapse_ma=evse.lapse_ma,
                token=evse.token,
                deadman_tripped=evse.tripped,
                energy_wh=evse.energy_wh,
                secondary_closed=None if evse.secondary is None else evse.secondary.closed,
                torn=evse.torn,
            )
            for name, evse in site.evses.items()
        ],
        circuits=[
            pb.CircuitSample(circuit=name, currents=currents_to_wire(circuit.flow_ma))
            for name, circuit in site.circuits.items()
        ],
    )


def _evse(evse: Evse, *, attached: bool) -> pb.EvseTruth:
    return pb.EvseTruth(
        charge_point=evse.spec.name,
        levels=levels_to_wire(evse.report(), evse.spec.name),
        currents=currents_to_wire(evse.flow_ma),
        energy_wh=evse.energy_wh,
        vehicle=None if evse.vehicle is None else _vehicle(evse.vehicle),
        visits=[
            pb.VisitTruth(
                plugged_at=visit.plugged_at,
                start_wh=visit.start_wh,
                unplugged_at=visit.unplugged_at,
                end_wh=visit.end_wh,
            )
            for visit in evse.visits[-SHOWN_VISITS:]
        ],
        permitted=evse.permitted,
        attached=attached,
        injected_faults=sorted(fault.value for fault in evse.faults),
    )


def _vehicle(vehicle: Vehicle) -> pb.VehicleTruth:
    return pb.VehicleTruth(
        phases=vehicle.spec.phases,
        maximum_ma=vehicle.spec.maximum_ma,
        minimum_ma=vehicle.spec.minimum_ma,
        energy_wh=vehicle.spec.energy_wh,
        received_wh=vehicle.received_wh,
        behaviour=behaviour_to_wire(vehicle.spec.behaviour),
        demand_ma=vehicle.demand_ma,
    )


def _meter(meter: CircuitMeter | PointMeter, place: MeterPlace) -> pb.MeterTruth:
    shown = meter.truth()
    return pb.MeterTruth(
        meter=meter.name,
        mode=mode_to_wire(meter.mode),
        currents=currents_to_wire(shown.currents_ma),
        power_w=shown.power_w,
        import_wh=shown.energy_wh,
        export_wh=meter.export_wh,
        address=f"tcp://{place.endpoint}",
        unit=place.unit,
    )


def _circuit(circuit: Circuit) -> pb.CircuitTruth:
    record = circuit.fuse.record()
    return pb.CircuitTruth(
        circuit=circuit.name,
        currents=currents_to_wire(circuit.flow_ma),
        limit=currents_to_wire(circuit.fuse.limit_ma),
        peak_ratio=record.peak_ratio,
        seconds_above=record.seconds_above,
        longest_above=record.longest_above,
        peak_heat=record.peak_heat,
        tripped_at=record.tripped_at,
    )
