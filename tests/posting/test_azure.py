"""The thread on Azure Repos: made once, then edited, active or closed as was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from podwall.posting import Report
from podwall.posting.__main__ import main
from tests.posting.servers import TOKEN, Azure, Fault, serving

OLD, NEW = (Report(f"<!-- podwall: stack-dev -->\n### {each}\n") for each in ("old", "new"))


def run(
    folder: Path, server: Azure, monkeypatch: pytest.MonkeyPatch, *words: str, **variables: str
) -> int:
    (folder / "comment.md").write_text(NEW.text, "utf-8")
    with serving(server) as address:
        usual = {
            "SYSTEM_COLLECTIONURI": f"{address}/",
            "SYSTEM_ACCESSTOKEN": TOKEN,
            "SYSTEM_TEAMPROJECT": "my project",
            "BUILD_REPOSITORY_ID": "repo-id",
            "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
        }
        for name, value in (usual | variables).items():
            monkeypatch.setenv(name, value)
        return main(["azure", *words, str(folder / "comment.md")])


@pytest.mark.parametrize("status", ["active", "closed"])
def test_a_thread_is_made_once_and_then_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    server = Azure()
    server.add("ann", "looks good")
    server.add("mallory", OLD.text)
    for _ in range(2):
        assert run(tmp_path, server, monkeypatch, "--status", status) == 0
    assert [each["comments"][0]["content"] for each in server.threads[1:]] == [OLD.text, NEW.text]
    assert server.threads[2]["status"] == status


def test_the_thread_is_opened_again_by_the_next_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Azure()
    thread = server.add(server.me, OLD.text, "closed")
    assert run(tmp_path, server, monkeypatch) == 0
    assert thread["status"] == "active"
    assert thread["comments"][0]["content"] == NEW.text


def test_a_deleted_thread_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Azure()
    server.add(server.me, OLD.text)["isDeleted"] = True
    assert run(tmp_path, server, monkeypatch) == 0
    assert len(server.threads) == 2


def test_a_refusal_ends_well_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Azure(faults=[Fault(403, {"message": "TF401027: no permission"}, method="POST")])
    assert run(tmp_path, server, monkeypatch) == 0
    assert "TF401027" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SYSTEM_ACCESSTOKEN", ""),
        ("SYSTEM_PULLREQUEST_PULLREQUESTID", ""),
        ("SYSTEM_PULLREQUEST_PULLREQUESTID", "7/../8"),
    ],
)
def test_what_is_missing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    server = Azure()
    assert run(tmp_path, server, monkeypatch, **{name: value}) == 2
    assert server.asked == []
