import subprocess
import urllib.request

import pytest
from msgspec.structs import replace

from nodes.metrics.server import MetricsServer
from park.config.quantities import Endpoint
from park.view import ActorRow, CircuitRow, ParkView
from tests.support.park_views import FAULT, charging_point, garage, nothing_known

ODD = 'a "quoted" \\ name\nof two lines, ☃ {x="y"} 1'

VIEWS = {
    "a garage that charges": garage(12),
    "nothing known yet": nothing_known(),
    "a fault": replace(garage(), charge_points=(replace(charging_point(1), faults=(FAULT, FAULT)),)),
    "odd names": replace(
        garage(),
        park=ODD,
        circuits=(CircuitRow(ODD), *garage().circuits),
        actors=(ActorRow(ODD, ODD, "running", 1, 2, 3, 4),),
    ),
}


@pytest.mark.peer("promtool")
@pytest.mark.parametrize("view", VIEWS.values(), ids=list(VIEWS))
def test_prometheus_own_check_finds_nothing_to_say(view: ParkView):
    server = MetricsServer(Endpoint("127.0.0.1", 0), "0.1.0", lambda: view)
    server.start()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10) as answer:
            page = answer.read()
    finally:
        server.close()

    said = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)

    assert (said.returncode, said.stdout + said.stderr) == (0, b"")
