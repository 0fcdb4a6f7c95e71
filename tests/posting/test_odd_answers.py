"""Whatever a server answers, the report is posted or said not to be, without a traceback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from podwall.policies.errors import SourceError
from podwall.posting import (
    Api,
    ApiResponse,
    PullRequest,
    RefusedError,
    Report,
    ThreadStatus,
    _value,
    post_to_azure,
    post_to_github,
)
from podwall.posting.__main__ import main
from podwall.reports.comment.rendering import marker
from tests.posting.servers import BOT, TOKEN, Azure, Forge, GitHub, serving

ANSWERS = (b"<html>Sign in</html>", b"\xff", b"[" * 100_000)


@pytest.mark.parametrize("body", ANSWERS, ids=["page", "bytes", "deep"])
def test_a_page_instead_of_json_is_refused(body: bytes) -> None:
    with pytest.raises(RefusedError, match="sign-in page"):
        _value(body, 200, "GET x")


@pytest.mark.parametrize("value", [None, 5, {"a": 1}, "text"])
def test_an_odd_answer_ends_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: Any
) -> None:
    event, report = tmp_path / "event.json", tmp_path / "comment.md"
    event.write_text('{"pull_request": {"number": 5}}', "utf-8")
    report.write_text("<!-- podwall: a -->\n", "utf-8")
    monkeypatch.setenv("GITHUB_TOKEN", "t")
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/shop")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    monkeypatch.setattr(Api, "_once", lambda *_: ApiResponse(value))
    assert main(["github", str(report)]) == 0
    assert "not posted" in capsys.readouterr().out


PAGE = b"<!doctype html><html><form action=/login>Sign in</form></html>"


def _answer(status: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    head = [f"HTTP/1.1 {status}", f"Content-Length: {size}", "Connection: close", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


@dataclass
class Between:
    """A proxy between podwall and a server, which answers some requests by itself.

    `passes` says whether the server gets the request all the same.
    """

    answer: bytes
    method: str
    passes: bool = False
    seen: list[bytes] = field(default_factory=list)


@contextmanager
def _through(between: Between, address: str) -> Iterator[str]:
    """Listen on the loopback, byte by byte, so that any answer can be given."""
    host, port = address.removeprefix("http://").split(":")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                request = _whole_request(client)
                between.seen.append(request)
                ours = request.startswith(between.method.encode())
                passed = b""
                if between.passes or not ours:
                    with socket.create_connection((host, int(port))) as server:
                        server.sendall(request)
                        passed = b"".join(iter(lambda: server.recv(1 << 16), b""))
                client.sendall(between.answer if ours else passed)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _whole_request(client: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(1 << 16)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [
        each.split(b":")[1] for each in head.lower().split(b"\r\n") if b"content-len" in each
    ]
    while len(body) < int(lengths[0] if lengths else 0):
        body += client.recv(1 << 16)
    return head + b"\r\n\r\n" + body


def _report(subject: str = "stack dev") -> Report:
    return Report(f"{marker(subject)}\n### nothing opens\n")


def _posted(forge: Forge, address: str, report: Report) -> str:
    api = Api(address, TOKEN, pause=lambda _: None)
    if isinstance(forge, GitHub):
        return post_to_github(api, "acme/shop", 7, report)
    return post_to_azure(api, PullRequest("my project", "repo-id", 7), report, ThreadStatus.ACTIVE)


def _outcome(forge: Forge, address: str) -> str:
    """Return what is said, as the command says it."""
    try:
        return _posted(forge, address, _report())
    except (SourceError, AttributeError, KeyError, TypeError, ValueError) as problem:
        return str(problem)


def _kept(forge: Forge) -> int:
    return len(forge.comments if isinstance(forge, GitHub) else getattr(forge, "threads"))  # noqa: B009


ODD = {
    "a page to sign in": _answer("200 OK", PAGE, "Content-Type: text/html"),
    "a page as JSON": _answer("200 OK", PAGE, "Content-Type: application/json"),
    "JSON that is cut": _answer("200 OK", b'[{"id": 1, "user": {"lo'),
    "an answer that is cut": _answer("200 OK", b'[{"id": 1', length=5_000),
    "nothing": _answer("200 OK", b""),
    "no HTTP": b"hello\r\n\r\n",
    "no answer": b"",
    "a proxy's error": _answer("502 Bad Gateway", PAGE),
    "a proxy that wants a password": _answer("407 Proxy Authentication Required", PAGE),
    "another host": _answer("307 Temporary Redirect", b"", "Location: http://127.0.0.1:9/x"),
    "forever": _answer("301 Moved Permanently", b"", "Location: /x"),
}


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
@pytest.mark.parametrize("passes", [False, True], ids=["kept back", "passed on"])
@pytest.mark.parametrize("kind", [GitHub, Azure])
@pytest.mark.long(keep=12)
def test_whatever_stands_between_there_is_never_a_second_comment(
    answer: bytes, method: str, kind: type[Forge], *, passes: bool
) -> None:
    forge = kind()
    between = Between(answer, method, passes)
    with serving(forge) as server:
        if method == "PATCH":
            _posted(forge, server, _report())
        with _through(between, server) as address:
            for _ in range(2):
                assert TOKEN not in _outcome(forge, address)
        assert between.seen
        _posted(forge, server, _report())
    assert _kept(forge) == 1


@pytest.mark.parametrize("status", ["301 x", "302 x", "303 x", "307 x", "308 x"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_token_follows_to_no_other_host(status: str, method: str) -> None:
    elsewhere = Between(_answer("200 OK", b"[]"), "")
    forge = GitHub()
    with serving(forge) as server, _through(elsewhere, server) as other:
        for place in (f"{other}/repos", f"//127.0.0.1:{other.rpartition(':')[2]}/x"):
            sending = Between(_answer(status, b"", f"Location: {place}"), method)
            with _through(sending, server) as address, pytest.raises(SourceError):
                _posted(forge, address, _report())
    assert elsewhere.seen == []
    assert forge.comments == []


def test_a_token_in_plain_text_passes_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Between(_answer("200 OK", b"[]"), "")
    forge = GitHub()
    with serving(forge) as server, _through(proxy, server) as address:
        monkeypatch.setenv("http_proxy", address)
        monkeypatch.delenv("no_proxy", raising=False)
        _posted(forge, server, _report())
    assert proxy.seen == []
    assert len(forge.comments) == 1


def test_subjects_that_are_alike_have_a_comment_each() -> None:
    forge = GitHub()
    subjects = ("stack a/b", "stack a-b", "stack a b", "stack a.b", "stack A/b", "stack a/b ")
    with serving(forge) as server:
        for subject in (*subjects, *subjects):
            _posted(forge, server, _report(subject))
    assert [each["body"] for each in forge.comments] == [_report(each).text for each in subjects]
    assert {each["user"]["login"] for each in forge.comments} == {BOT}
