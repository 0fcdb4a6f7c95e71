"""The command line of posting: everything about the pull request comes from the environment.

Exit code 0 also where the server refuses, because a report that nobody could post is still in the
run's summary: the run's own gate decides what fails. 2: the input or the environment is wrong.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from podwall.policies.errors import PodwallError, SourceError
from podwall.posting import (
    HEADERS,
    Api,
    PullRequest,
    RefusedError,
    Report,
    ThreadStatus,
    UnreachableError,
    post_to_azure,
    post_to_github,
)
from podwall.streams import write_line, write_output

__all__ = ["main"]

_FINE: Final = 0
_BAD_INPUT: Final = 2
_MOST_BYTES: Final = 1024 * 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Post a report, and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        message = options.post(options, Report(_text(options.file)), os.environ)
    except (RefusedError, UnreachableError) as problem:
        message = f"not posted, the report is in the summary: {problem}"
    except (AttributeError, KeyError, TypeError, ValueError):
        message = "not posted, the report is in the summary: the server answered as no API does"
    except PodwallError as problem:
        write_line(str(problem), "error:")
        if problem.help:
            write_line(problem.help, " help:")
        return _BAD_INPUT
    write_output([f"{message}\n"])
    return _FINE


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="podwall.posting", description=__doc__)
    choices = parser.add_subparsers(required=True)
    github = choices.add_parser("github", help="GITHUB_TOKEN, GITHUB_REPOSITORY and the event")
    github.add_argument("--author", default="github-actions[bot]", help="whose comment is edited")
    github.set_defaults(post=_github)
    azure = choices.add_parser("azure", help="SYSTEM_ACCESSTOKEN and the pipeline's variables")
    azure.add_argument("--status", choices=[each.value for each in ThreadStatus], default="active")
    azure.set_defaults(post=_azure)
    for each in (github, azure):
        each.add_argument("file", type=Path, help="the comment, as `podwall diff` writes it")
    return parser


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError as problem:
        raise SourceError(f"`{path}` can't be read: {problem.strerror}") from None


def _github(options: Namespace, report: Report, environment: Mapping[str, str]) -> str:
    address = environment.get("GITHUB_API_URL") or "https://api.github.com"
    api = Api(address, _needed(environment, "GITHUB_TOKEN"), HEADERS)
    repository = _needed(environment, "GITHUB_REPOSITORY")
    number = _event_number(_needed(environment, "GITHUB_EVENT_PATH"))
    return post_to_github(api, repository, number, report, author=options.author)


def _event_number(path: str) -> int:
    """Return the number of the pull request that an event is about."""
    try:
        event = json.loads(_text(Path(path)))
        return int(event["pull_request"]["number"])
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        raise SourceError(
            "the event is not about a pull request", help="run it on `pull_request`"
        ) from None


def _azure(options: Namespace, report: Report, environment: Mapping[str, str]) -> str:
    api = Api(
        _needed(environment, "SYSTEM_COLLECTIONURI"), _needed(environment, "SYSTEM_ACCESSTOKEN")
    )
    number = _needed(environment, "SYSTEM_PULLREQUEST_PULLREQUESTID")
    if not number.isdecimal():
        raise SourceError(f"`{number}` is not the number of a pull request")
    pull_request = PullRequest(
        _needed(environment, "SYSTEM_TEAMPROJECT"),
        _needed(environment, "BUILD_REPOSITORY_ID"),
        int(number),
    )
    return post_to_azure(api, pull_request, report, ThreadStatus(options.status))


def _needed(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise SourceError(f"the variable `{name}` is not set", help="see docs/pull-requests.md")
    return value


if __name__ == "__main__":
    sys.exit(main())
