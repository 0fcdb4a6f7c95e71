"""A JSON API over HTTPS: bounded retries, no redirect, and the token in no message."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import field
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

from podwall.policies.errors import Place, SourceError
from podwall.quick_dataclass import dataclass

__all__ = ["Api", "ApiResponse", "RefusedError", "UnreachableError", "with_second_look"]

_TRIES: Final = 4
_LONGEST_WAIT: Final = 60.0
_TIMEOUT: Final = 30
_MOST_BYTES: Final = 32 * 1024 * 1024
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class RefusedError(SourceError):
    """The server answered, and did not do what was asked; `status` is why."""

    def __init__(self, status: int, message: str, place: str) -> None:
        """Keep the status."""
        super().__init__(f"the server answered {status}: {message}", place=Place(place))
        self.status = status


class UnreachableError(SourceError):
    """The server did not answer."""


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """What a server sent back."""

    value: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to another host."""

    def redirect_request(self, *_whatever: object) -> None:
        """Follow nothing: the answer is an error then."""


@dataclass(frozen=True, slots=True)
class Api:
    """A server's API. `pause` waits so many seconds before a request is tried again."""

    address: str
    token: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Refuse to send a token where everybody could read it.

        Raises:
            SourceError: the address is not HTTPS, or there is no token.
        """
        parts = urlsplit(self.address)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise SourceError(f"`{self.address}` is not an https address")
        if not self.token:
            raise SourceError("there is no token", help="pass it in the environment")

    def get(self, path: str) -> ApiResponse:
        """Return what is at a path."""
        return self._asked("GET", path)

    def post(self, path: str, value: Any) -> ApiResponse:
        """Make something new."""
        return self._asked("POST", path, value)

    def patch(self, path: str, value: Any) -> ApiResponse:
        """Change what is at a path."""
        return self._asked("PATCH", path, value)

    def _asked(self, method: str, path: str, value: Any = None) -> ApiResponse:
        """Return the answer; what may pass is tried again, a few times."""
        for attempt in range(1, _TRIES + 1):
            try:
                return self._once(method, path, value)
            except urllib.error.HTTPError as problem:
                wait = _wait(problem, attempt)
                if wait is None or attempt == _TRIES or _may_have_made(method, problem.code):
                    raise self._refused(method, path, problem) from None
            except (OSError, HTTPException) as problem:
                wait = 2.0**attempt
                if attempt == _TRIES or method == "POST":
                    raise self._unreachable(method, path, problem) from None
            self.pause(wait)
        raise AssertionError

    def _once(self, method: str, path: str, value: Any) -> ApiResponse:
        data = None if value is None else json.dumps(value).encode()
        headers = {"Accept": "application/json", "User-Agent": "podwall", **self.headers}
        headers |= {"Content-Type": "application/json"} if data else {}
        headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            f"{self.address.rstrip('/')}/{path}", data, headers, method=method
        )
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(request, timeout=_TIMEOUT) as answer:
            place = f"{method} {path}"
            return ApiResponse(
                _value(answer.read(_MOST_BYTES), answer.status, place), dict(answer.headers)
            )

    def _refused(self, method: str, path: str, problem: urllib.error.HTTPError) -> RefusedError:
        message = _message(problem).replace(self.token, "***")
        return RefusedError(problem.code, message, f"{method} {path}")

    def _unreachable(self, method: str, path: str, problem: Exception) -> UnreachableError:
        message = (str(problem) or type(problem).__name__).replace(self.token, "***")
        return UnreachableError(f"no answer: {message}", place=Place(f"{method} {path}"))


def _value(body: bytes, status: int, place: str) -> Any:
    """Return what an answer says; a proxy or a sign-in page answers with a page instead."""
    try:
        return json.loads(body or b"null")
    except (ValueError, RecursionError):
        raise RefusedError(status, "what no API would, such as a sign-in page", place) from None


def with_second_look(api: Api, post: Callable[[], str]) -> str:
    """Post, and post again where the answer was lost; `post` edits what it finds there.

    A server that breaks off may have made the comment all the same: the second time finds it.
    """
    try:
        return post()
    except RefusedError as problem:
        if not _may_have_made(problem.place.source.split()[0], problem.status):
            raise
    except UnreachableError as problem:
        if not problem.place.source.startswith("POST"):
            raise
    api.pause(2.0)
    return post()


def _may_have_made(method: str, status: int) -> bool:
    return method == "POST" and status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _wait(problem: urllib.error.HTTPError, attempt: int) -> float | None:
    """Return how long to wait before another try, None where that would not help.

    https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
    """
    asked = problem.headers.get("Retry-After", "")
    limited = problem.headers.get("X-RateLimit-Remaining") == "0"
    passing = problem.code >= HTTPStatus.INTERNAL_SERVER_ERROR
    if problem.code == HTTPStatus.TOO_MANY_REQUESTS or asked or limited or passing:
        return min(float(asked) if asked.isdecimal() else 2.0**attempt, _LONGEST_WAIT)
    return None


def _message(problem: urllib.error.HTTPError) -> str:
    """Return the server's reason in one short line."""
    try:
        body = json.loads(problem.read(100_000))
        message = f"{body.get('message', '')} {_errors(body.get('errors'))}"
    except (ValueError, AttributeError, OSError):
        message = ""
    return " ".join(message.split())[:300] or str(problem.reason)


def _errors(errors: Any) -> str:
    found = errors if isinstance(errors, list) else []
    texts = (each.get("message", "") for each in found if isinstance(each, Mapping))
    return " ".join(map(str, texts))
