"""Serve the metrics of a followed cluster: one page at `/metrics`, on the loopback unless told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

from podwall.cli.commands import EXPORTER_ADDRESS
from podwall.policies.errors import InvalidValue, SourceError

__all__ = ["address_of", "exported"]

_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def address_of(text: str) -> tuple[str, int]:
    """Return the address and the port that a text names.

    Raises:
        InvalidValue: it names none.

    >>> address_of("127.0.0.1:9797"), address_of("[::1]:80")
    (('127.0.0.1', 9797), ('::1', 80))
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise InvalidValue(
            f"`{text}` is no address with a port", help=f"as in `--exporter {EXPORTER_ADDRESS}`"
        )
    return host.strip("[]"), int(port)


@contextmanager
def exported(address: str, metrics: Callable[[], str]) -> Iterator[str]:
    """Serve what `metrics` returns until the body ends, and give the address that is served.

    Raises:
        InvalidValue: the address is none.
        SourceError: nothing can be served there.
    """
    host, port = address_of(address)

    class Handler(BaseHTTPRequestHandler):
        """Answers with the metrics of now."""

        def do_GET(self) -> None:
            """Answer one request."""
            if self.path != "/metrics":
                self.send_error(404)
                return
            body = metrics().encode()
            self.send_response(200)
            self.send_header("Content-Type", _TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing of requests."""

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as problem:
        why = (problem.strerror or str(problem)).lower()
        raise SourceError(f"nothing can be served at `{address}`: {why}") from None
    thread = Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
