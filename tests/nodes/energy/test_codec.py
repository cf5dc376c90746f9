from typing import cast

from hypothesis import given
from msgspec.structs import replace

from nodes.energy.decoding import decode
from nodes.energy.encoding import encode
from nodes.rpc import energy_pb2 as pb
from park.view import ParkView, to_json
from tests.support.park_views import garage, nothing_known, views


@given(view=views)
def test_what_was_written_is_read_back(view: ParkView):
    wire = encode(view).SerializeToString()

    assert to_json(decode(pb.Park.FromString(wire))) == to_json(view)


def test_unknown_stays_unset_on_the_wire():
    park = encode(nothing_known())

    assert not park.HasField("epoch")
    assert [name.name for name, _ in park.charge_points[0].ListFields()] == ["name", "node", "phases"]
    assert {name.name for phase in park.circuits[0].phases for name, _ in phase.ListFields()} == {"name"}


def test_zero_is_sent_as_zero():
    (point,) = encode(
        replace(garage(), charge_points=(replace(garage().charge_points[0], signalled_ma=0),))
    ).charge_points

    assert point.HasField("signalled_ma")
    assert point.signalled_ma == 0


def test_words_of_a_newer_version_are_unknown():
    point = pb.ChargePoint(name="a/b", ocpp_status="Levitating", measured_ma=[1, 2])
    point.state = cast("pb.PilotState.ValueType", 99)
    park = pb.Park(charge_points=[point])
    (row,) = decode(park).charge_points

    assert (row.state, row.ocpp_status, row.measured_ma) == (None, None, None)
