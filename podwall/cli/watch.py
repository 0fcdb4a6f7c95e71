"""What `podwall watch` does: follow the running cluster, say what opens and closes."""

from __future__ import annotations

import gc
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

from podwall.change_review import WatchedChange, WatchedCluster
from podwall.cli.arguments import paused_collector, write_notes
from podwall.cli.commands import EXPORTER_ADDRESS
from podwall.cli.findings import write_reading
from podwall.exit_code import ExitCode
from podwall.live import KubeContext
from podwall.policies.errors import InvalidValue, SourceError
from podwall.policies.syntax import digits
from podwall.reports.change_files import (
    FollowedCounts,
    VerifiedCounts,
    metrics_text,
    verified_counts,
    watch_line,
    watch_text,
)
from podwall.streams import MEDIA, progress, write_message, write_output

__all__ = [
    "address_of",
    "exported",
    "show_watch",
]

_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def address_of(text: str) -> tuple[str, int]:
    """Return the address and the port that a text names.

    Raises:
        InvalidValue: it names none.

    >>> address_of("127.0.0.1:9797"), address_of("[::1]:80")
    (('127.0.0.1', 9797), ('::1', 80))
    """
    host, _, port = text.rpartition(":")
    number = digits(port)
    if not host or number is None:
        raise InvalidValue(
            f"`{text}` is no address with a port", help=f"as in `--exporter {EXPORTER_ADDRESS}`"
        )
    return host.strip("[]"), number


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


_LOOK = 1.0
"""So often, in seconds, is looked whether the cluster still answers."""


_NOT_VERIFIED: Final = (
    "`{}` is no output of `podwall verify -o json` yet, so that nothing is served of it"
)


def show_watch(options: Namespace) -> int:
    """Follow the cluster until the time is up, or somebody stops it, and return the exit code.

    Raises:
        SourceError: the cluster can't be read, or refuses to be followed any further.
    """
    from podwall.live.watching import followed  # noqa: PLC0415 - needs an extra

    with ExitStack() as stack:
        context = KubeContext(options.kubeconfig, options.context)
        watch = stack.enter_context(followed(context, options.namespace))
        with progress("reading"):
            shown = _Shown(options, WatchedCluster(watch, options.engine))
        if options.verified and _verified(options.verified) is None:
            write_message(_NOT_VERIFIED.format(options.verified))
        if options.exporter:
            served = exported(options.exporter, lambda: shown.metrics(len(watch.faults)))
            write_message(f"metrics are at {stack.enter_context(served)}")
        shown.begin()
        stack.enter_context(paused_collector())
        while not shown.is_over():
            if shown.follow(_LOOK):
                gc.collect()  # it is quiet now, and nobody waits
            shown.say_faults(watch.faults)
    return ExitCode.FINE


class _Shown:
    """A followed cluster, as it is shown."""

    def __init__(self, options: Namespace, cluster: WatchedCluster) -> None:
        self._options = options
        self._cluster = cluster
        self._end = None if options.seconds is None else time.monotonic() + options.seconds
        self._changes = 0
        self._last = time.monotonic()
        self._is_silent = False

    def begin(self) -> None:
        """Say what is followed, and what is worth knowing of it at the beginning."""
        write_notes(self._cluster.source)
        write_reading(self._cluster.review)
        write_message("following it")

    def is_over(self) -> bool:
        """Return whether the time is up."""
        return self._end is not None and time.monotonic() >= self._end

    def follow(self, seconds: float) -> bool:
        """Show what comes, until nothing has come for some seconds or the time is up.

        It returns whether anything has come.
        """
        before = self._changes
        for change in self._cluster.changes(seconds):
            self._changes += len(change.objects)
            self._last = time.monotonic()
            write_output(self._lines(change), MEDIA.get(self._options.output))
            if self.is_over():
                break
        return self._changes > before

    def _lines(self, change: WatchedChange) -> Iterator[str]:
        now = datetime.now(UTC).replace(microsecond=0)
        if self._options.output == "json":
            yield watch_line(change, now.isoformat())
        else:
            yield from watch_text(change, f"{now:%H:%M:%S}")

    def say_faults(self, faults: Mapping[str, str]) -> None:
        """Say once that the cluster does not answer, and once that it does again."""
        if bool(faults) is self._is_silent:
            return
        self._is_silent = bool(faults)
        if faults:
            kind, problem = next(iter(faults.items()))
            write_message(
                f"what is shown may be old: the watch of {kind} gets no answer: {problem}"
            )
        else:
            write_message("the cluster answers again")

    def metrics(self, silent: int) -> str:
        """Return the metrics of now."""
        ago = time.monotonic() - self._last
        verified = _verified(self._options.verified)
        full = self._cluster.full_analyses
        counts = FollowedCounts(self._changes, ago, full, silent)
        return metrics_text(self._cluster.review, counts, verified)


def _verified(path: str | None) -> VerifiedCounts | None:
    """Return what the last verification came to, None where there is none that can be read."""
    if path is None:
        return None
    file = Path(path)
    try:
        age = time.time() - file.stat().st_mtime
        return verified_counts(file.read_bytes(), age)
    except OSError:
        return None
