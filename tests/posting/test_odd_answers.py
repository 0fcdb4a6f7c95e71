"""Whatever a server answers, the report is posted or said not to be, without a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from podwall.posting import Api, ApiResponse, RefusedError, _value
from podwall.posting.__main__ import main

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
