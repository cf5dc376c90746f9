from collections.abc import Iterable
from itertools import permutations

import pytest
from support.boards import PARK, heard

from park.config.quantities import Endpoint
from park.discovery.candidates import server_candidates, server_endpoints
from park.discovery.sighting import Sighting, read


def board(
    node: str, role: str = "server", park: str = PARK, *, fp: str = "", port: int = 7070, at: str = ""
) -> Sighting:
    event = heard(node, role, park, fp=fp, port=port, address=at or "192.0.2.7")
    found = read(event.instance, event.record, event.addresses, event.port, event.heard_at)
    assert isinstance(found, Sighting)
    return found


TRUE = board("server", fp="ab12", at="192.0.2.1")
FORGED = board("a-server", fp="ffff", at="192.0.2.66")
BARE = board("b-server", at="192.0.2.67")
SEEN = (
    TRUE,
    FORGED,
    BARE,
    board("bay-a", "client"),
    board("x", park="other"),
    board("y", "single"),
    board("z", port=0),
)


def nodes(found: Iterable[Sighting]) -> list[str]:
    return [each.node for each in found]


@pytest.mark.parametrize("seen", list(permutations(SEEN[:4])))
def test_the_pinned_server_is_tried_first_whatever_the_order(seen: tuple[Sighting, ...]):
    assert nodes(server_candidates(seen, PARK, "ab12")) == ["server", "a-server", "b-server"]
    assert nodes(server_candidates(seen, PARK)) == ["a-server", "b-server", "server"]


def test_only_servers_of_the_park_that_listen_are_tried():
    assert nodes(server_candidates(SEEN, PARK)) == ["a-server", "b-server", "server"]


def test_a_fixed_address_stands_for_all_that_is_seen():
    assert server_endpoints(SEEN, PARK, "ab12") == tuple(Endpoint(f"192.0.2.{last}", 7070) for last in (1, 66, 67))
    assert server_endpoints(SEEN, PARK, "ab12", fixed="10.0.0.5:7171") == (Endpoint("10.0.0.5", 7171),)
    assert server_endpoints((), PARK) == ()
