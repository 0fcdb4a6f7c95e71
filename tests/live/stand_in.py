"""A stand-in for an API server, for what a real one does only when it is in trouble."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from podwall.live.connection import ApiConnection, Patience
from podwall.live.kubeconfig import ClusterLogin, KubeCluster, KubeUser

QUICK = Patience(answer=0.5, connect=2, attempts=4, pause=0.01, longest=0.05)


@dataclass
class Asked:
    """One request, as the server got it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Answer:
    """What the server says; `closes` breaks the connection instead."""

    body: Any = field(default_factory=dict)
    code: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    closes: bool = False
    seconds: float = 0


def refusal(code: int, reason: str, message: str, **more: Any) -> Answer:
    """Return what an API server answers that refuses."""
    return Answer(
        {"kind": "Status", "code": code, "reason": reason, "message": message} | more, code
    )


@dataclass
class StandIn:
    """A server that answers as a function says, and remembers what it was asked."""

    answer: Callable[[Asked], Answer]
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def connection(self, user: KubeUser | None = None) -> ApiConnection:
        """Return a connection to it."""
        login = ClusterLogin("stand-in", KubeCluster(self.url), user or KubeUser())
        return ApiConnection(login, QUICK)

    def kubeconfig(self, folder: Path, **user: Any) -> Path:
        """Write a kubeconfig for it, and return where."""
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(kubeconfig_of(self.url, **user)), encoding="utf-8")
        return path


def kubeconfig_of(url: str, **user: Any) -> dict[str, Any]:
    """Return a kubeconfig with one context."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "stand-in", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "stand-in",
    }


class _Server(ThreadingHTTPServer):
    """The server, with whom it answers for."""

    daemon_threads = True

    def __init__(self, stand_in: StandIn) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.stand_in = stand_in


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _do(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(self.command, url.path, query, dict(self.headers), body)
        self.server.stand_in.asked.append(asked)
        found = self.server.stand_in.answer(asked)
        threading.Event().wait(found.seconds)
        if found.closes:
            self.close_connection = True
            self.connection.close()
        else:
            self._write(found)

    do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = _do  # noqa: N815 - as http.server asks

    def _write(self, found: Answer) -> None:
        text = found.body if isinstance(found.body, bytes) else json.dumps(found.body).encode()
        self.send_response(found.code)
        for key, value in {"Content-Type": "application/json", **found.headers}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def handle(self) -> None:
        with suppress(ConnectionError, ValueError):  # the client or the test has gone
            super().handle()

    def finish(self) -> None:
        with suppress(ConnectionError, ValueError):
            super().finish()


@contextmanager
def serving(answer: Callable[[Asked], Answer]) -> Iterator[StandIn]:
    """Serve on a port of this machine until the body ends."""
    stand_in = StandIn(answer)
    server = _Server(stand_in)
    stand_in.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
