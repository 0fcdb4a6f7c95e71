"""Post a report as the one comment on a pull request: edited where it is there, not repeated.

Standard library only, so that it runs from a checkout: `python -P -m podwall.posting github FILE`.
The first line of a report is its marker; only a comment of one's own that starts with it is edited.

Both forges have a JSON API over HTTPS. Retries are bounded, no redirect is followed, and the token
is in no message.

https://docs.github.com/en/rest/issues/comments and
https://learn.microsoft.com/en-us/rest/api/azure/devops/git/pull-request-threads
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import quote, urlsplit

from podwall.policies.errors import InvalidValue, Place, SourceError
from podwall.quick_dataclass import dataclass

__all__ = [
    "HEADERS",
    "Api",
    "ApiResponse",
    "PullRequest",
    "RefusedError",
    "Report",
    "ThreadStatus",
    "UnreachableError",
    "post_to_azure",
    "post_to_github",
]


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
        opener = urllib.request.build_opener(_NoRedirect, *self._no_proxy())
        with opener.open(request, timeout=_TIMEOUT) as answer:
            place = f"{method} {path}"
            return ApiResponse(
                _value(answer.read(_MOST_BYTES), answer.status, place), dict(answer.headers)
            )

    def _no_proxy(self) -> tuple[urllib.request.ProxyHandler, ...]:
        """Without HTTPS, which is spoken through a proxy, none would leave the token unread."""
        plain = urlsplit(self.address).scheme != "https"
        return (urllib.request.ProxyHandler({}),) if plain else ()

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


def _with_second_look(api: Api, post: Callable[[], str]) -> str:
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


MARKER: Final = "<!-- podwall: "


@dataclass(frozen=True, slots=True)
class Report:
    """The text of a comment, which begins with its marker."""

    text: str

    def __post_init__(self) -> None:
        """Refuse a text that could not be found again.

        Raises:
            InvalidValue: the first line is no marker.
        """
        if not (self.text.startswith(MARKER) and self.marker.endswith(" -->")):
            raise InvalidValue(
                "the comment has no marker on its first line",
                help="take the file that `podwall diff -o md` or `--out` writes",
            )

    @property
    def marker(self) -> str:
        """The first line, by which the comment is found again."""
        return self.text.partition("\n")[0].rstrip()

    @property
    def short(self) -> str:
        r"""The headline, and where the rest is, for a server that finds the whole too long.

        >>> print(Report("<!-- podwall: x -->\n### 1 connection opens\n| long |").short)
        <!-- podwall: x -->
        ### 1 connection opens
        <BLANKLINE>
        The whole report is too long for a comment: see the summary and the files of the run.
        <BLANKLINE>
        """
        head = "\n".join(self.text.split("\n")[:2])[:2_000]
        rest = (
            "The whole report is too long for a comment: see the summary and the files of the run."
        )
        return f"{head}\n\n{rest}\n"

    def is_in(self, body: object) -> bool:
        """Return whether a comment is an earlier form of this report."""
        return isinstance(body, str) and body.partition("\n")[0].rstrip() == self.marker


HEADERS: Final = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_A_PAGE: Final = 100
_MOST_PAGES: Final = 100


def post_to_github(
    api: Api, repository: str, number: int, report: Report, *, author: str = "github-actions[bot]"
) -> str:
    """Edit the comment of `author` that has the report's marker, or make it; return its address.

    Raises:
        RefusedError: GitHub does not allow it, as for a pull request from a fork.
        SourceError: GitHub can't be reached.
    """
    where = f"repos/{quote(repository)}/issues"
    return _with_second_look(
        api, lambda: _posted_to_github(api, where, f"{where}/{number}/comments", report, author)
    )


def _posted_to_github(api: Api, where: str, comments: str, report: Report, author: str) -> str:
    own = _own_comment(api, comments, report, author)
    try:
        return _address(_written(api, comments, where, own, report.text))
    except RefusedError as problem:
        if problem.status != HTTPStatus.UNPROCESSABLE_ENTITY:
            raise
    return _address(_written(api, comments, where, own, report.short))


def _written(api: Api, comments: str, where: str, own: int | None, text: str) -> ApiResponse:
    if own is None:
        return api.post(comments, {"body": text})
    return api.patch(f"{where}/comments/{own}", {"body": text})


def _own_comment(api: Api, comments: str, report: Report, author: str) -> int | None:
    """Return the id of the first comment that is ours to edit.

    Whoever copies the marker into a comment of their own does not get it edited.
    """
    for each in _all_comments(api, comments):
        user = each.get("user")
        login = user.get("login") if isinstance(user, Mapping) else None
        if login == author and report.is_in(each.get("body")):
            return int(each["id"])
    return None


def _all_comments(api: Api, comments: str) -> Iterator[Mapping[str, Any]]:
    """Yield every comment; a list that is odd or has no end is refused.

    Taken for a list without our comment, it would make a second one.
    """
    for page in range(1, _MOST_PAGES + 1):
        answer = api.get(f"{comments}?per_page={_A_PAGE}&page={page}")
        if not (isinstance(answer.value, list) and all(map(_is_comment, answer.value))):
            raise TypeError("this is no list of comments")
        yield from answer.value
        if len(answer.value) < _A_PAGE and not _has_next(answer):
            return
    raise ValueError("the list of comments has no end")


def _is_comment(value: object) -> bool:
    """Return whether nothing is missing by which a comment is known as ours."""
    if not (isinstance(value, Mapping) and isinstance(value.get("id"), int)):
        return False
    return "body" in value and "user" in value


def _has_next(answer: ApiResponse) -> bool:
    """Return whether the server says that another page follows, however short this one is.

    https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
    """
    link = next((text for key, text in answer.headers.items() if key.lower() == "link"), "")
    return 'rel="next"' in link


def _address(answer: ApiResponse) -> str:
    return str(answer.value.get("html_url", ""))


_AZURE_VERSION: Final = "api-version=7.1"


class ThreadStatus(StrEnum):
    """Whether somebody has to resolve the thread; a branch policy can demand that."""

    ACTIVE = "active"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request by the names that Azure Pipelines gives."""

    project: str
    repository: str
    number: int

    @property
    def threads(self) -> str:
        """The path of its threads."""
        where = f"{quote(self.project, safe='')}/_apis/git/repositories"
        return f"{where}/{quote(self.repository, safe='')}/pullRequests/{self.number}/threads"


def post_to_azure(api: Api, pull_request: PullRequest, report: Report, status: ThreadStatus) -> str:
    """Edit one's own thread that has the report's marker, or make it; return its number.

    Raises:
        RefusedError: Azure DevOps does not allow it.
        SourceError: Azure DevOps can't be reached.
    """
    return _with_second_look(api, lambda: _posted_to_azure(api, pull_request, report, status))


def _posted_to_azure(
    api: Api, pull_request: PullRequest, report: Report, status: ThreadStatus
) -> str:
    own = _own_thread(api, pull_request, report)
    if own is None:
        comment = {"parentCommentId": 0, "commentType": "text", "content": report.text}
        thread = {"comments": [comment], "status": status.value}
        return str(api.post(f"{pull_request.threads}?{_AZURE_VERSION}", thread).value.get("id", ""))
    thread_id, comment_id = own
    where = f"{pull_request.threads}/{thread_id}"
    api.patch(f"{where}/comments/{comment_id}?{_AZURE_VERSION}", {"content": report.text})
    api.patch(f"{where}?{_AZURE_VERSION}", {"status": status.value})
    return str(thread_id)


def _own_thread(api: Api, pull_request: PullRequest, report: Report) -> tuple[int, int] | None:
    """Return the thread and the comment that are ours to edit."""
    me = api.get("_apis/connectionData").value["authenticatedUser"]["id"]
    for thread in _all_threads(api.get(f"{pull_request.threads}?{_AZURE_VERSION}").value):
        first = next(iter(thread["comments"]), None)
        if first and _is_ours(first, me, report):
            return int(thread["id"]), int(first["id"])
    return None


def _all_threads(answer: Any) -> Sequence[Mapping[str, Any]]:
    """Return every thread that is not deleted; a list of which something is lost is refused.

    https://learn.microsoft.com/en-us/rest/api/azure/devops/git/pull-request-threads/list
    """
    threads = answer["value"]
    if not isinstance(threads, list) or answer.get("count", len(threads)) != len(threads):
        raise TypeError("this is no list of threads, or not the whole of it")
    found = [each for each in threads if not each.get("isDeleted")]
    if not all(isinstance(each["comments"], list) for each in found):
        raise TypeError("a thread has lost its comments")
    return found


def _is_ours(comment: Mapping[str, Any], me: str, report: Report) -> bool:
    author = comment.get("author")
    own = isinstance(author, Mapping) and author.get("id") == me
    return own and not comment.get("isDeleted") and report.is_in(comment.get("content"))
