"""Serves the metrics over HTTP from a thread of its own: it answers even while the event loop is busy or stuck."""

from __future__ import annotations

import gzip
import logging
import platform
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, ProcessCollector, generate_latest

from nodes.metrics.collector import ParkCollector
from nodes.metrics.families import families
from park.config.quantities import Endpoint
from park.errors import AddressUnusable
from park.view import ParkView

PATH = "/metrics"
CLIENT_SECONDS = 10.0  # a client slower than Prometheus' own preset of 10 s a scrape has given up anyway
AT_ONCE = 16  # connections served at the same time; more are closed, so that nobody can fill the memory
_log = logging.getLogger(__name__)


class MetricsServer:
    """Listens from construction on, serves between `start` and `close`; raises AddressUnusable.

    The text comes from the collector's own writer; prometheus-client adds the figures of the process.
    """

    def __init__(self, where: Endpoint, version: str, snapshot: Callable[[], ParkView]) -> None:
        self._collector = ParkCollector(families(version, platform.python_version()), snapshot)
        self._process = CollectorRegistry()
        ProcessCollector(namespace="chargepark", registry=self._process)
        try:
            self._server = _Server(where, self.page)
        except OSError as error:
            reason = error.strerror or str(error)
            raise AddressUnusable(
                f"[listen] metrics: cannot listen on {where}: {reason}; "
                "change the address or stop the program that uses it"
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    @property
    def port(self) -> int:
        """The port that is listened on, also when 0 was asked for."""
        return self._server.server_port

    def page(self) -> bytes:
        """All metrics in text format 0.0.4."""
        return self._collector.text().encode() + generate_latest(self._process)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and free the port; waits for the thread, not for slow clients."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


_Request: TypeAlias = socket.socket | tuple[bytes, socket.socket]  # socketserver's, the second for UDP


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16

    def __init__(self, where: Endpoint, page: Callable[[], bytes]) -> None:
        self.page = page
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self.address_family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
        super().__init__((where.host, where.port), _Scrape)

    def process_request(self, request: _Request, client_address: object) -> None:
        """Give the connection a thread, while there are not too many."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: _Request, client_address: object) -> None:
        """Serve the connection on its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - socketserver's signature
        """Say that a client went away in the middle, without the traceback the standard library prints."""
        _log.info("a scrape by %s broke off", client_address, exc_info=True)


class _Scrape(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride] - the class that made us
    timeout = CLIENT_SECONDS
    protocol_version = "HTTP/1.0"  # one answer a connection: nobody keeps a thread
    server_version = "chargepark"
    sys_version = ""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] == PATH:
            self._scrape()
        else:
            self._answer(HTTPStatus.NOT_FOUND, f"the metrics are at {PATH}\n".encode())

    do_HEAD = do_GET  # noqa: N815 - the name http.server looks for

    def _scrape(self) -> None:
        try:
            page = self.server.page()
        except Exception:  # noqa: BLE001 - whoever scrapes shall be told, and the log why
            _log.exception("the metrics could not be written")
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"the metrics could not be written; see the log\n")
            return
        body = gzip.compress(page, 1) if self._takes_gzip() else page
        self._answer(HTTPStatus.OK, body, CONTENT_TYPE_PLAIN_0_0_4)

    def _takes_gzip(self) -> bool:
        return "gzip" in self.headers.get("Accept-Encoding", "")

    def _answer(self, status: HTTPStatus, body: bytes, content: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content)
        self.send_header("Content-Length", str(len(body)))
        if status is HTTPStatus.OK and self._takes_gzip():
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Tell our log instead of stderr."""
        _log.debug(format, *args)
