import gzip
import http.client
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message

import pytest

from nodes.metrics.server import AT_ONCE, MetricsServer
from park.config.quantities import Endpoint
from park.errors import AddressUnusable
from park.view import ParkView
from tests.support.park_views import garage

LOOPBACK = Endpoint("127.0.0.1", 0)
PATIENCE = 10.0


@contextmanager
def serving(snapshot: Callable[[], ParkView] = garage, where: Endpoint = LOOPBACK) -> Iterator[MetricsServer]:
    server = MetricsServer(where, "0.1.0", snapshot)
    server.start()
    try:
        yield server
    finally:
        server.close()


def get(server: MetricsServer, path: str = "/metrics", **headers: str) -> tuple[Message, bytes]:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - http
        return answer.headers, answer.read()


def test_a_scrape_shows_the_park_and_the_process():
    with serving() as server:
        headers, body = get(server)

    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"\nchargepark_park_epoch 3.0\n" in body
    assert b"\nchargepark_process_resident_memory_bytes " in body


def test_all_names_have_our_prefix():
    with serving() as server:
        _, body = get(server)

    assert all(
        line.startswith((b"chargepark_", b"# HELP chargepark_", b"# TYPE chargepark_")) for line in body.splitlines()
    )


def test_a_scraper_that_takes_gzip_gets_it():
    with serving() as server:
        headers, body = get(server, **{"Accept-Encoding": "gzip"})

    assert headers["Content-Encoding"] == "gzip"
    assert b"chargepark_park_epoch 3.0" in gzip.decompress(body)


def test_a_query_does_not_matter():
    with serving() as server:
        _, body = get(server, "/metrics?x=1")

    assert b"chargepark_" in body


def test_another_path_says_where_the_metrics_are():
    with serving() as server, pytest.raises(urllib.error.HTTPError) as refused:
        get(server, "/")

    with refused.value as answer:
        assert (answer.code, answer.read()) == (404, b"the metrics are at /metrics\n")


def test_head_tells_the_length_only():
    with serving() as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        connection.request("HEAD", "/metrics")
        answer = connection.getresponse()
        body = answer.read()
        connection.close()

    assert (answer.status, body) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 1000


def test_a_defect_in_the_view_is_an_error_and_not_the_end():
    views: list[ParkView] = []
    with serving(lambda: views[0]) as server:
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(server)
        with refused.value as answer:
            assert answer.code == 500
        views.append(garage())
        _, body = get(server)

    assert b"chargepark_park_epoch 3.0" in body


@pytest.mark.parametrize("garbage", [b"\x00\xff\r\n\r\n", b"GET /metrics\r\n", b"POST /metrics HTTP/1.1\r\n\r\n", b""])
def test_garbage_does_not_disturb_the_next_scrape(garbage: bytes):
    with serving() as server:
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
            client.sendall(garbage)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
        _, body = get(server)

    assert b"chargepark_park_epoch 3.0" in body


def test_connections_without_a_question_do_not_pile_up():
    with serving() as server:
        idle = [socket.create_connection(("127.0.0.1", server.port), PATIENCE) for _ in range(AT_ONCE)]
        late = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
        closed = late.recv(1)
        for client in (*idle, late):
            client.close()

    assert closed == b""


def test_a_port_in_use_is_an_error_that_names_it():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = Endpoint("127.0.0.1", taken.getsockname()[1])
        with pytest.raises(
            AddressUnusable, match=rf"\[listen\] metrics: cannot listen on {where}: Address already in use"
        ):
            MetricsServer(where, "0.1.0", garage)


@pytest.mark.parametrize("host", ["192.0.2.7", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_is_an_error_that_names_it(host: str):
    with pytest.raises(AddressUnusable, match=host):
        MetricsServer(Endpoint(host, 0), "0.1.0", garage)


def test_the_port_is_free_after_closing():
    with serving() as server:
        port = server.port
    with serving(where=Endpoint("127.0.0.1", port)) as again:
        assert again.port == port


def test_one_that_never_started_can_be_closed():
    MetricsServer(LOOPBACK, "0.1.0", garage).close()
