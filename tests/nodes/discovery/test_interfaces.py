from nodes.discovery.interfaces import Network, network

LOOPBACK = Network(("127.0.0.1",), ("127.0.0.1",))


def test_loopback_is_used_by_name_or_address_and_never_else():
    assert network(("lo",)) == network(("127.0.0.1",)) == LOOPBACK
    assert "127.0.0.1" not in network(()).speakers + network(()).announced


def test_what_is_not_there_is_no_network():
    assert network(("nothing0", "192.0.2.254")) == Network()


def test_others_are_used_beside_loopback_only_if_named():
    everywhere = network(())
    named = network(("lo", *everywhere.speakers))
    assert set(named.speakers) == {"127.0.0.1", *everywhere.speakers}
