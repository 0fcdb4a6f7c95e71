"""Answers that are changed somewhere: posting ends well, and there is never a second comment.

A proxy that rewrites answers, a list that is lost or cut, another type in a field: the report is
posted once more only where the list that was read is whole and does not have it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from podwall.posting import Api, ApiResponse
from podwall.posting.__main__ import main
from tests.fuzz.trees import changed
from tests.posting.servers import BOT, Azure, Fault, Forge, GitHub

BATCHES: Final = max(1, int(os.environ.get("SOAK", "0")) // 10)
EACH: Final = 40
REPORT: Final = "<!-- podwall: stack-dev -->\n### nothing opens\n"
GITHUB: Final = {"GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "acme/shop"}
AZURE: Final = {
    "SYSTEM_COLLECTIONURI": "https://dev.azure.test/acme/",
    "SYSTEM_ACCESSTOKEN": "t",
    "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
    "SYSTEM_TEAMPROJECT": "my project",
    "BUILD_REPOSITORY_ID": "repo-id",
}


def _ask(forge: Forge, rng: Random | None) -> Callable[..., ApiResponse]:
    """Return what asks a server, and changes its answers where there is an `rng`."""

    def once(_api: Api, method: str, path: str, value: Any = None) -> ApiResponse:
        answer: Fault = forge.answer(method, f"/{path}", value)
        seen = json.loads(json.dumps(answer.value))
        return ApiResponse(changed(rng, seen) if rng else seen, answer.headers)

    return once


def _post(
    folder: Path, forge: Forge, kind: str, rng: Random | None, monkeypatch: pytest.MonkeyPatch
) -> int:
    (folder / "event.json").write_text('{"pull_request": {"number": 7}}', "utf-8")
    (folder / "comment.md").write_text(REPORT, "utf-8")
    variables = {"github": GITHUB, "azure": AZURE}[kind]
    for key, value in {**variables, "GITHUB_EVENT_PATH": str(folder / "event.json")}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr(Api, "_once", _ask(forge, rng))
    return main([kind, str(folder / "comment.md")])


@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.parametrize("kind", ["github", "azure"])
def test_changed_answers_end_well(
    kind: str, batch: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = Random(f"{kind} {batch}")
    for _ in range(EACH):
        forge: Forge = GitHub() if kind == "github" else Azure()
        assert _post(tmp_path, forge, kind, rng, monkeypatch) == 0


def _comments(rest: int) -> list[dict[str, Any]]:
    """Return our comment, and so many of others before it."""
    others = [{"id": n, "user": {"login": "someone"}, "body": "x"} for n in range(rest)]
    return [*others, {"id": 900, "user": {"login": BOT}, "body": REPORT, "html_url": "u"}]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Fault(200, []), id="an empty page, and another is announced"),
        pytest.param(Fault(200, [None, *_comments(1)]), id="one comment is nothing"),
        pytest.param(Fault(200, [{"user": {"login": BOT}, "body": REPORT}]), id="without its id"),
        pytest.param(Fault(200, {"message": "moved"}), id="no list"),
        pytest.param(Fault(200, [{"id": 900, "user": {"login": BOT}}]), id="without its text"),
        pytest.param(Fault(200, [{"id": 900, "body": REPORT}]), id="without who wrote it"),
    ],
)
def test_a_list_that_is_not_whole_makes_no_second_comment(
    answer: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = {"link": '<https://api.github.test/x?page=2>; rel="next"'}
    first = Fault(answer.status, answer.value, link)
    forge = GitHub(comments=_comments(120), faults=[first])
    assert _post(tmp_path, forge, "github", None, monkeypatch) == 0
    assert "POST" not in forge.asked


def test_a_list_without_an_end_makes_no_second_comment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    forge = GitHub(comments=_comments(0))
    page = Fault(200, [{"id": 1, "user": None, "body": None}] * 100)
    monkeypatch.setattr(forge, "usual", lambda *_: page)
    assert _post(tmp_path, forge, "github", None, monkeypatch) == 0
    assert "not posted" in capsys.readouterr().out
    assert "POST" not in forge.asked


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"value": [], "count": 1}, id="fewer than are counted"),
        pytest.param({"value": [{"id": 10, "status": "active"}]}, id="a thread without comments"),
        pytest.param({"value": [{"id": 10, "comments": None}]}, id="comments that are nothing"),
        pytest.param({"value": {"id": 10}}, id="no list"),
        pytest.param({"value": [None]}, id="a thread that is nothing"),
        pytest.param([], id="another list"),
    ],
)
def test_threads_that_are_not_whole_make_no_second_one(
    value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    who = Fault(200, {"authenticatedUser": {"id": "build-service"}})
    forge = Azure(faults=[who, Fault(200, value)])
    forge.add(forge.me, REPORT)
    assert _post(tmp_path, forge, "azure", None, monkeypatch) == 0
    assert "not posted" in capsys.readouterr().out
    assert "POST" not in forge.asked
