"""The comment on a pull request of GitHub.

https://docs.github.com/en/rest/issues/comments
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from podwall.posting.api import Answer, Api, Refused, settled
from podwall.posting.report import Report

__all__ = ["HEADERS", "post_to_github"]

HEADERS: Final = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_A_PAGE: Final = 100
_MOST_PAGES: Final = 100


def post_to_github(
    api: Api, repository: str, number: int, report: Report, *, author: str = "github-actions[bot]"
) -> str:
    """Edit the comment of `author` that has the report's marker, or make it; return its address.

    Raises:
        Refused: GitHub does not allow it, as for a pull request from a fork.
        SourceError: GitHub can't be reached.
    """
    where = f"repos/{quote(repository)}/issues"
    return settled(api, lambda: _posted(api, where, f"{where}/{number}/comments", report, author))


def _posted(api: Api, where: str, comments: str, report: Report, author: str) -> str:
    own = _own(api, comments, report, author)
    try:
        return _address(_written(api, comments, where, own, report.text))
    except Refused as problem:
        if problem.status != HTTPStatus.UNPROCESSABLE_ENTITY:
            raise
    return _address(_written(api, comments, where, own, report.short))


def _written(api: Api, comments: str, where: str, own: int | None, text: str) -> Answer:
    if own is None:
        return api.post(comments, {"body": text})
    return api.patch(f"{where}/comments/{own}", {"body": text})


def _own(api: Api, comments: str, report: Report, author: str) -> int | None:
    """Return the id of the first comment that is ours to edit.

    Whoever copies the marker into a comment of their own does not get it edited.
    """
    for each in _all(api, comments):
        user = each.get("user")
        login = user.get("login") if isinstance(user, Mapping) else None
        if login == author and report.is_in(each.get("body")):
            return int(each["id"])
    return None


def _all(api: Api, comments: str) -> Iterator[Mapping[str, Any]]:
    for page in range(1, _MOST_PAGES + 1):
        found = api.get(f"{comments}?per_page={_A_PAGE}&page={page}").value
        yield from (each for each in found if isinstance(each, Mapping))
        if len(found) < _A_PAGE:
            return


def _address(answer: Answer) -> str:
    return str(answer.value.get("html_url", ""))
