"""The thread on a pull request of Azure Repos.

https://learn.microsoft.com/en-us/rest/api/azure/devops/git/pull-request-threads
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote

from podwall.posting.api import Api, settled
from podwall.posting.report import Report

__all__ = ["PullRequest", "ThreadStatus", "post_to_azure"]

_VERSION: Final = "api-version=7.1"


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
        Refused: Azure DevOps does not allow it.
        SourceError: Azure DevOps can't be reached.
    """
    return settled(api, lambda: _posted(api, pull_request, report, status))


def _posted(api: Api, pull_request: PullRequest, report: Report, status: ThreadStatus) -> str:
    own = _own(api, pull_request, report)
    if own is None:
        comment = {"parentCommentId": 0, "commentType": "text", "content": report.text}
        thread = {"comments": [comment], "status": status.value}
        return str(api.post(f"{pull_request.threads}?{_VERSION}", thread).value.get("id", ""))
    thread_id, comment_id = own
    where = f"{pull_request.threads}/{thread_id}"
    api.patch(f"{where}/comments/{comment_id}?{_VERSION}", {"content": report.text})
    api.patch(f"{where}?{_VERSION}", {"status": status.value})
    return str(thread_id)


def _own(api: Api, pull_request: PullRequest, report: Report) -> tuple[int, int] | None:
    """Return the thread and the comment that are ours to edit."""
    me = api.get("_apis/connectionData").value["authenticatedUser"]["id"]
    threads = api.get(f"{pull_request.threads}?{_VERSION}").value["value"]
    for thread in threads:
        first = next(iter(thread.get("comments") or ()), None)
        if first and not thread.get("isDeleted") and _is_ours(first, me, report):
            return int(thread["id"]), int(first["id"])
    return None


def _is_ours(comment: Mapping[str, Any], me: str, report: Report) -> bool:
    author = comment.get("author")
    own = isinstance(author, Mapping) and author.get("id") == me
    return own and not comment.get("isDeleted") and report.is_in(comment.get("content"))
