"""What a change does, at the lines of its files, as build agents show it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from podwall.cli import main
from podwall.policies.errors import Severity
from podwall.reports.annotations import Annotation, azure_annotations, github_annotations

POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress]
  ingress:
"""
CLOSED = "  - from: [{podSelector: {matchLabels: {app: api}}}]\n"
OPENED = CLOSED + "  - from: [{podSelector: {matchLabels: {app: web}}}]\n"
WORKLOAD = """\
apiVersion: v1
kind: Pod
metadata: {name: NAME, namespace: shop, labels: {app: NAME}}
spec: {containers: [{name: c, image: i}]}
---
"""


@pytest.fixture
def changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the files of `old`, and those of `new file`, in which `web` may more."""
    workloads = "".join(WORKLOAD.replace("NAME", name) for name in ("db", "api", "web"))
    for name, rules in (("old", CLOSED), ("new file", OPENED)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shop.yaml").write_text(f"{workloads}{POLICY}{rules}", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(folder: Path, host: str) -> list[str]:
    return (folder / "out" / f"{host}-annotations.txt").read_text("utf-8").splitlines()


def test_what_opens_stands_at_the_rule_behind_it(changed: Path) -> None:
    assert main(["diff", "old", "new file", "--out", "out"]) == 1
    (line,) = lines(changed, "github")
    head, _, message = line.removeprefix("::").partition("::")
    assert head == "error file=new file/shop.yaml,line=24,title=opens%3A shop/db"
    assert "shop/web -> shop/db: nothing => all ports" in message.split("%0A")
    (line,) = lines(changed, "azure")
    command = "##vso[task.logissue type=error;sourcepath=new file/shop.yaml;linenumber=24]"
    assert line.startswith(f"{command}opens: shop/db: ")


def test_several_new_rules_are_named_at_the_first_of_them(changed: Path) -> None:
    written = changed / "new file" / "shop.yaml"
    further = "  - from: [{namespaceSelector: {matchLabels: {team: b}}}]\n"
    written.write_text(written.read_text("utf-8") + further, "utf-8")
    main(["diff", "old", "new file", "--out", "out"])
    (line,) = lines(changed, "github")
    assert ",line=24," in line
    assert line.endswith("%0Aalso new: line 25")


def test_what_isolates_stands_at_its_directions(changed: Path) -> None:
    (changed / "open").mkdir()
    workloads = "".join(WORKLOAD.replace("NAME", name) for name in ("db", "api", "web"))
    (changed / "open" / "shop.yaml").write_text(workloads, "utf-8")
    assert main(["diff", "open", "old", "--out", "out"]) == 0
    (closes,) = [line for line in lines(changed, "github") if "title=closes" in line]
    assert closes.startswith("::notice file=old/shop.yaml,line=21,title=closes%3A shop/db")


def test_the_comment_links_to_the_rule(changed: Path) -> None:
    link = "https://git.example/{path}#L{line}"
    main(["diff", "old", "new file", "--out", "out", "--line-link", link])
    comment = (changed / "out" / "comment.md").read_text("utf-8")
    assert "[`shop/db`](https://git.example/new%20file/shop.yaml#L24) (changed)" in comment


def test_what_closes_is_a_note_and_stops_only_where_it_is_asked_for(changed: Path) -> None:
    assert main(["diff", "new file", "old", "--out", "out"]) == 0
    assert [line.partition("::sh")[0] for line in lines(changed, "github")] == [
        "::notice file=old/shop.yaml,line=16,title=closes%3A shop/db"
    ]
    assert lines(changed, "azure") == []
    assert main(["diff", "new file", "old", "--out", "out", "--fail-on", "warning"]) == 1
    assert lines(changed, "github")[0].startswith("::error file=old/shop.yaml,line=16,")


def test_what_is_accepted_is_a_note(changed: Path) -> None:
    accepted = [{"from": "shop/web", "to": "shop/db", "because": "it may"}]
    (changed / "accepted.yaml").write_text(json.dumps({"accepted": accepted}), "utf-8")
    assert main(["diff", "old", "new file", "--out", "out", "--accepted", "accepted.yaml"]) in {
        0,
        1,
    }
    assert any(
        "title=opens, accepted".replace(",", "%2C") in each for each in lines(changed, "github")
    )


def test_a_file_that_is_not_here_has_no_line(changed: Path) -> None:
    (changed / "elsewhere").mkdir()
    (changed / "new file").rename(changed.parent / "far")
    far = str(changed.parent / "far")
    assert main(["diff", "old", far, "--out", "out"]) == 1
    assert lines(changed, "github") == []


HOSTILE = Annotation(
    Severity.ERROR,
    "a\n::error::b,line=9;]##vso[task.x].yaml",
    3,
    "t\r::stop",
    "m\n::set-output name=x::y\n##vso[task.setvariable variable=a]b",
)


def test_nothing_that_is_named_by_others_is_a_command() -> None:
    for text in (github_annotations([HOSTILE]), azure_annotations([HOSTILE])):
        assert len(text.splitlines()) == 1
        assert text.count("##vso[") == text.startswith("##vso[")
    head = github_annotations([HOSTILE]).removeprefix("::").partition("::")[0]
    assert head.count(",") == 2
    command = azure_annotations([HOSTILE]).partition("]")[0]
    assert command.count(";") == 2


def test_no_more_than_the_host_shows_of_each_level() -> None:
    found = [Annotation(level, "a", n, "t", "m") for level in Severity for n in range(12)]
    shown = github_annotations(found).splitlines()
    assert [sum(line.startswith(f"::{each} ") for line in shown)
            for each in ("error", "warning", "notice")] == [10, 10, 10]  # fmt: skip
