"""Servers on the loopback that behave as GitHub's and Azure DevOps' comment APIs do."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["BOT", "TOKEN", "Azure", "Fault", "Forge", "GitHub", "serving"]

TOKEN = "the-token-0123456789"  # noqa: S105 - of no server but these
BOT = "github-actions[bot]"
LONGEST = 65_536


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that is given once in place of what was asked for."""

    status: int
    value: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    method: str = ""


@dataclass
class Forge:
    """What both servers share: what they were asked, and the faults that come first."""

    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, value: Any) -> Fault:
        """Return the answer to a request."""
        self.asked.append(method)
        if self.faults and self.faults[0].method in {"", method}:
            return self.faults.pop(0)
        return self.usual(method, path, value)

    def usual(self, method: str, path: str, value: Any) -> Fault:
        """Return what the server says when nothing is wrong."""
        raise NotImplementedError


@dataclass
class GitHub(Forge):
    """The comments of pull request 7 of `acme/shop`."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    repository: str = "acme/shop"
    number: int = 7

    def add(self, login: str, body: str) -> dict[str, Any]:
        """Add a comment of somebody."""
        number = 100 + len(self.comments)
        comment = {
            "id": number,
            "user": {"login": login},
            "body": body,
            "html_url": f"https://github.test/c/{number}",
        }
        self.comments.append(comment)
        return comment

    def usual(self, method: str, path: str, value: Any) -> Fault:
        """Answer as the documentation of GitHub says."""
        url = urlsplit(path)
        if len((value or {}).get("body", "")) > LONGEST:
            told = [{"message": f"Body is too long (maximum is {LONGEST} characters)"}]
            return Fault(422, {"message": "Validation Failed", "errors": told})
        if url.path == f"/repos/{self.repository}/issues/{self.number}/comments":
            if method == "POST":
                return Fault(201, self.add(BOT, value["body"]))
            asked = {key: int(found[0]) for key, found in parse_qs(url.query).items()}
            start = (asked["page"] - 1) * asked["per_page"]
            return Fault(200, self.comments[start : start + asked["per_page"]])
        found = re.fullmatch(f"/repos/{self.repository}/issues/comments/(\\d+)", url.path)
        for each in self.comments:
            if method == "PATCH" and found and each["id"] == int(found[1]):
                each["body"] = value["body"]
                return Fault(200, each)
        return Fault(404, {"message": "Not Found"})


@dataclass
class Azure(Forge):
    """The threads of pull request 7 of a repository in Azure Repos."""

    threads: list[dict[str, Any]] = field(default_factory=list)
    me: str = "build-service"

    def add(self, author: str, content: str, status: str = "active") -> dict[str, Any]:
        """Add a thread of somebody."""
        comment = {"id": 1, "content": content, "author": {"id": author}}
        thread = {"id": 10 + len(self.threads), "status": status, "comments": [comment]}
        self.threads.append(thread)
        return thread

    def usual(self, method: str, path: str, value: Any) -> Fault:
        """Answer as the documentation of Azure DevOps says."""
        url = urlsplit(path)
        if url.path == "/_apis/connectionData":
            return Fault(200, {"authenticatedUser": {"id": self.me}})
        base = "/my%20project/_apis/git/repositories/repo-id/pullRequests/7/threads"
        if "api-version=7.1" not in url.query or not url.path.startswith(base):
            return Fault(404, {"message": "no such thing"})
        where = [int(each) for each in url.path[len(base) :].split("/") if each.isdecimal()]
        match method, where:
            case "GET", []:
                return Fault(200, {"value": self.threads})
            case "POST", []:
                (comment,) = value["comments"]
                return Fault(200, self.add(self.me, comment["content"], value["status"]))
            case "PATCH", [thread, *comment]:
                (found,) = [each for each in self.threads if each["id"] == thread]
                (found["comments"][0] if comment else found).update(value)
                return Fault(200, found)
            case _:
                return Fault(405, {"message": "not like this"})


@contextmanager
def serving(forge: Forge) -> Iterator[str]:
    """Serve on the loopback, and give the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(forge))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(forge: Forge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            value = json.loads(self.rfile.read(length)) if length else None
            if self.headers.get("Authorization") == f"Bearer {TOKEN}":
                answer = forge.answer(self.command, self.path, value)
            else:
                answer = Fault(401, {"message": f"bad {self.headers.get('Authorization')}"})
            body = json.dumps(answer.value).encode()
            self.send_response(answer.status)
            for key, told in answer.headers.items():
                self.send_header(key, told)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - the names the base class calls

        def log_message(self, *_whatever: object) -> None:
            """Say nothing."""

    return Handler
