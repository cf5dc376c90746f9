import socket

import pytest
from support.demo_process import free_base

from nodes.demo import ports
from nodes.demo.ports import Ports, choose
from park.errors import AddressUnusable


def test_a_port_in_use_is_named_with_the_option_that_changes_it():
    base = free_base()
    with socket.create_server((ports.HOST, Ports(base)["backend"])), pytest.raises(AddressUnusable) as refused:
        choose(base)

    assert f"backend port 127.0.0.1:{base + ports.OFFSETS['backend']}" in str(refused.value)
    assert "--port-base" in str(refused.value)


def test_without_a_wish_the_first_free_block_is_taken(monkeypatch: pytest.MonkeyPatch):
    base = free_base(blocks=2)
    monkeypatch.setattr(ports, "FIRST_BASE", base)
    with socket.create_server((ports.HOST, Ports(base)["energy"])):
        assert choose(None) == Ports(base + ports.BASE_STEP)


def test_when_every_block_is_taken_it_says_so(monkeypatch: pytest.MonkeyPatch):
    base = free_base()
    monkeypatch.setattr(ports, "FIRST_BASE", base)
    monkeypatch.setattr(ports, "BASES_TRIED", 1)
    with (
        socket.create_server((ports.HOST, Ports(base)["energy"])),
        pytest.raises(AddressUnusable, match="choose with --port-base"),
    ):
        choose(None)


def test_the_ports_of_client_boards_are_tried_too():
    base = free_base()
    taken = Ports(base, 2).address("meters", 2)
    with socket.create_server((ports.HOST, Ports(base, 2).of_board("meters", 2))):
        assert choose(base, 1) == Ports(base, 1)
        with pytest.raises(AddressUnusable, match=taken):
            choose(base, 2)
