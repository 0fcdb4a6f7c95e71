"""The comment on GitHub: made once, then edited, never somebody else's, and no token is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from podwall.policies.errors import PodwallError
from podwall.posting import Api, RefusedError, Report, post_to_github
from podwall.posting.__main__ import main
from tests.posting.servers import BOT, LONGEST, TOKEN, Fault, GitHub, serving

MARKER = "<!-- podwall: stack-dev -->"


def report(headline: str) -> Report:
    return Report(f"{MARKER}\n### {headline}\n")


def posted(server: GitHub, said: Report, waits: list[float] | None = None) -> str:
    pause = (waits if waits is not None else []).append
    with serving(server) as address:
        return post_to_github(Api(address, TOKEN, pause=pause), "acme/shop", 7, said)


def test_the_first_report_is_a_new_comment_and_the_next_edits_it() -> None:
    server = GitHub()
    server.add("ann", "looks good")
    assert posted(server, report("1 connection opens")) == "https://github.test/c/101"
    assert posted(server, report("no connection opens")) == "https://github.test/c/101"
    assert [each["user"]["login"] for each in server.comments] == ["ann", BOT]
    assert server.comments[1]["body"] == report("no connection opens").text


def test_the_comment_is_found_on_a_later_page() -> None:
    server = GitHub()
    for number in range(250):
        server.add("ann", f"comment {number}")
    server.add(BOT, report("old").text)
    posted(server, report("new"))
    assert len(server.comments) == 251
    assert server.comments[-1]["body"] == report("new").text
    assert server.asked == ["GET", "GET", "GET", "PATCH"]


@pytest.mark.parametrize(
    ("login", "body"),
    [
        pytest.param("mallory", report("nothing to see").text, id="the marker of somebody else"),
        pytest.param(BOT, "<!-- podwall: stack-prod -->\n### other", id="another subject"),
        pytest.param(BOT, "<!-- podwall: stack-dev -->x\n", id="another marker that begins alike"),
        pytest.param(BOT, f"> {report('quoted').text}", id="quoted"),
        pytest.param(BOT, None, id="no body"),
    ],
)
def test_no_other_comment_is_edited(login: str, body: str) -> None:
    server = GitHub()
    server.add(login, body)
    posted(server, report("new"))
    assert server.comments[0]["body"] == body
    assert server.comments[1]["body"] == report("new").text


def test_what_is_too_long_is_said_in_short() -> None:
    server = GitHub()
    posted(server, Report(f"{report('9 connections open').text}{'x' * LONGEST}"))
    (comment,) = server.comments
    assert comment["body"].startswith(report("9 connections open").text)
    assert "too long for a comment" in comment["body"]


@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        pytest.param(Fault(502), 2.0, id="a server that is away"),
        pytest.param(Fault(429, headers={"Retry-After": "7"}), 7.0, id="too many requests"),
        pytest.param(Fault(403, headers={"Retry-After": "900"}), 60.0, id="at most a minute"),
        pytest.param(Fault(403, headers={"X-RateLimit-Remaining": "0"}), 2.0, id="rate limit"),
    ],
)
def test_what_passes_is_tried_again(fault: Fault, wait: float) -> None:
    server, waits = GitHub(faults=[fault]), list[float]()
    posted(server, report("1 connection opens"), waits)
    assert len(server.comments) == 1
    assert waits == [wait]


def test_tries_are_counted() -> None:
    server, waits = GitHub(faults=[Fault(503)] * 10), list[float]()
    with pytest.raises(RefusedError, match="503"):
        posted(server, report("x"), waits)
    assert server.asked == ["GET"] * 4
    assert len(waits) == 3


def test_a_comment_is_not_made_twice_because_of_a_refusal() -> None:
    server = GitHub(faults=[Fault(403, {"message": "Resource not accessible by integration"})])
    with pytest.raises(RefusedError, match="Resource not accessible"):
        posted(server, report("x"))
    assert server.asked == ["GET"]


@pytest.mark.parametrize("made", [True, False], ids=["made all the same", "not made"])
def test_a_lost_answer_makes_no_second_comment(*, made: bool) -> None:
    class Lossy(GitHub):
        def usual(self, method: str, path: str, value: object) -> Fault:
            answer = super().usual(method, path, value)
            if method == "POST" and self.asked.count("POST") == 1:
                self.comments = self.comments if made else []
                return Fault(502)
            return answer

    server = Lossy()
    posted(server, report("1 connection opens"))
    assert len(server.comments) == 1
    assert server.asked[-1] == ("PATCH" if made else "POST")


def test_a_redirect_is_not_followed() -> None:
    elsewhere = GitHub()
    with serving(elsewhere) as other:
        fault = Fault(302, headers={"Location": f"{other}/repos/acme/shop/issues/7/comments"})
        with pytest.raises(RefusedError, match="302"):
            posted(GitHub(faults=[fault]), report("x"))
    assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("address", "token", "message"),
    [
        pytest.param("http://api.example.com", TOKEN, "is not an https address", id="plain http"),
        pytest.param("file:///etc", TOKEN, "is not an https address", id="a file"),
        pytest.param("https://api.example.com", "", "there is no token", id="no token"),
    ],
)
def test_a_token_is_sent_only_where_it_is_safe(address: str, token: str, message: str) -> None:
    with pytest.raises(PodwallError, match=message):
        Api(address, token)


def test_a_token_is_in_no_message() -> None:
    server = GitHub(faults=[Fault(400, {"message": f"bad token {TOKEN}"})])
    with serving(server) as address:
        api = Api(address, TOKEN)
        with pytest.raises(RefusedError, match="bad token") as caught:
            post_to_github(api, "acme/shop", 7, report("x"))
    assert TOKEN not in f"{caught.value} {api!r}"


def environment(folder: Path, address: str) -> dict[str, str]:
    (folder / "event.json").write_text(json.dumps({"pull_request": {"number": 7}}), "utf-8")
    (folder / "comment.md").write_text(report("1 connection opens").text, "utf-8")
    return {
        "GITHUB_API_URL": address,
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_EVENT_PATH": str(folder / "event.json"),
    }


def run(folder: Path, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> int:
    for name in ("GITHUB_API_URL", "GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_EVENT_PATH"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return main(["github", str(folder / "comment.md")])


def test_the_command_takes_everything_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = GitHub()
    with serving(server) as address:
        assert run(tmp_path, environment(tmp_path, address), monkeypatch) == 0
    assert capsys.readouterr().out == "https://github.test/c/100\n"
    assert len(server.comments) == 1


def test_a_fork_that_may_not_comment_ends_well_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    message = {"message": "Resource not accessible by integration"}
    server = GitHub(faults=[Fault(403, message, method="POST")])
    with serving(server) as address:
        assert run(tmp_path, environment(tmp_path, address), monkeypatch) == 0
    said = capsys.readouterr()
    assert "not posted, the report is in the summary" in said.out
    assert TOKEN not in said.out + said.err


@pytest.mark.parametrize("missing", ["GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_EVENT_PATH"])
def test_what_is_missing_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    missing: str,
) -> None:
    variables = environment(tmp_path, "http://127.0.0.1:1") | {missing: ""}
    assert run(tmp_path, variables, monkeypatch) == 2
    assert f"`{missing}`" in capsys.readouterr().err


@pytest.mark.parametrize("event", ["{}", "[]", "no json", '{"pull_request": {"number": "x"}}'])
def test_an_event_without_a_pull_request_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    variables = environment(tmp_path, "http://127.0.0.1:1")
    (tmp_path / "event.json").write_text(event, "utf-8")
    assert run(tmp_path, variables, monkeypatch) == 2


def test_a_text_without_a_marker_is_refused() -> None:
    with pytest.raises(PodwallError, match="no marker"):
        Report("### 1 connection opens\n")
