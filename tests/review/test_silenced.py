"""What an annotation silences is silent in every command and on every screen, in every form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from podwall.cli.commands import COMMANDS
from podwall.policies import Severity
from podwall.review import review
from tests.cli.running import Result, podwall
from tests.review.sources import FORMS, PROGRAM_FORMS, Objects, manifest, opened, silenced

# Rules of a direction that `policyTypes` does not list: found while reading.
_READ = manifest(
    "NetworkPolicy", "out", spec={"podSelector": {}, "policyTypes": ["Egress"], "ingress": [{}]}
)
# A selector that nothing carries: found by a lint.
_LOST = manifest(
    "NetworkPolicy",
    "lost",
    spec={"podSelector": {"matchLabels": {"app": "x"}}, "policyTypes": ["Ingress"]},
)
_POD = manifest("Pod", "web", spec={"containers": [{"name": "web", "image": "web"}]})
LOUD: Objects = [_POD, _READ, _LOST]
_EXPECTATIONS = "expectations: [{name: n, from: shop/web, to: internet, expect: denied}]\n"


def _quiet() -> Objects:
    return silenced(LOUD, "rules-ignored policy-without-pods")


def _run(folder: Path, words: str, path: Path) -> Result:
    (folder / "e.yaml").write_text(_EXPECTATIONS, "utf-8")
    named = [each.format(path=path.name) for each in words.split()]
    return podwall(folder, *named)


_WEIGHED = {
    "reach": "reach {path} --fail-on warning",
    "diff": "diff {path} {path} --fail-on warning",
    "check": "check {path} e.yaml --fail-on warning",
    "import": "import {path} --fail-on warning",
}
_SHOWN = {
    **_WEIGHED,
    "lint": "lint {path}",
    "explain": "explain {path} shop/web 203.0.113.7",
    "migrate": "migrate {path} --to cilium",
    "suggest": "suggest {path} e.yaml",
    "verify": "verify {path} --dry-run",
    "reach -o json": "reach {path} -o json",
    "reach -o html": "reach {path} -o html",
    "check -o json": "check {path} e.yaml -o json",
    "explain -o json": "explain {path} shop/web 203.0.113.7 -o json",
    "diff -o json": "diff {path} {path} -o json",
    "migrate -o json": "migrate {path} --to cilium -o json",
    "lint -o sarif": "lint {path} -o sarif",
    "lint -o junit": "lint {path} -o junit",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("words", _WEIGHED.values(), ids=_WEIGHED)
@pytest.mark.long(keep=5)
def test_what_is_silenced_decides_about_no_command(tmp_path: Path, words: str, form: str) -> None:
    loud = _run(tmp_path, words, FORMS[form](tmp_path, LOUD))
    quiet = _run(tmp_path, words, FORMS[form](tmp_path, _quiet()))
    assert (loud.code, quiet.code) == (1, 0), quiet.err


@pytest.mark.parametrize("words", _SHOWN.values(), ids=_SHOWN)
@pytest.mark.long(keep=5)
def test_what_is_silenced_is_on_no_screen(tmp_path: Path, words: str) -> None:
    loud = _run(tmp_path, words, FORMS["manifests"](tmp_path, LOUD))
    quiet = _run(tmp_path, words, FORMS["manifests"](tmp_path, _quiet()))
    listed = quiet.out.partition("ignored\n")[0] if words.startswith("lint {path}") else quiet.out
    assert "ignore these rules" in loud.out + loud.err
    assert "ignore these rules" not in listed + quiet.err


_OTHERS = {"completion", "config", "init", "preview", "walkthrough", "watch"}
"""Commands that read no manifests, or show no findings on them."""


def test_every_command_that_reads_a_source_is_tried() -> None:
    named = {words.split()[0] for words in _SHOWN.values()}
    assert named == {each.name for each in COMMANDS} - _OTHERS


def test_the_reason_is_repeated_where_findings_are_listed(tmp_path: Path) -> None:
    shown = _run(tmp_path, "lint {path} -o json", FORMS["manifests"](tmp_path, _quiet())).json
    assert {(each["id"], each["reason"]) for each in shown["suppressed"]} == {
        ("rules-ignored", "agreed"),
        ("policy-without-pods", "agreed"),
    }


@pytest.mark.parametrize("form", PROGRAM_FORMS)
def test_a_program_is_silenced_like_its_plan_and_its_manifests(tmp_path: Path, form: str) -> None:
    path = PROGRAM_FORMS[form](tmp_path, _quiet())
    words = ["lint", "-o", "json"] if form == "program" else ["lint", path.name, "-o", "json"]
    shown = podwall(tmp_path, *words).json
    left = {each["id"] for each in shown["findings"]}
    assert left.isdisjoint({"rules-ignored", "policy-without-pods"})


def test_an_object_of_a_program_silences_nothing_on_the_lines_below_it(tmp_path: Path) -> None:
    quiet = [*silenced([_POD], "policy-without-pods"), _LOST]
    PROGRAM_FORMS["program"](tmp_path, quiet)
    assert podwall(tmp_path, "lint").code == 2


def test_what_the_api_server_refuses_is_never_silenced(tmp_path: Path) -> None:
    twice = [manifest("Pod", "web", spec={"containers": [{"name": "a", "image": "b"}]})] * 2
    other = manifest("Pod", "api", spec={"containers": [{"name": "a", "image": "b"}]})
    changed = {**other, "metadata": {**other["metadata"], "labels": {"a": "b"}}}
    objects = silenced([*twice, other, changed], "duplicate-object")
    found = review(opened(tmp_path, "manifests", objects))
    assert [each.severity for each in found.reading_findings] == [Severity.ERROR]
    assert [each.finding.severity for each in found.suppressed] == [Severity.INFO]


def test_an_annotation_that_says_nothing_known_is_told_at_its_line(tmp_path: Path) -> None:
    path = FORMS["manifests"](tmp_path, silenced([_POD, _READ], "rules-ignord"))
    for words in ("lint {path} -o json", "reach {path} -o json"):
        shown = _run(tmp_path, words, path).json["findings"]
        places = [each["place"] for each in shown if each["id"] == "ignore-without-effect"]
        lines = path.read_text("utf-8").splitlines()
        assert len(places) == 2
        assert all("podwall.dev/ignore" in lines[each["line"] - 1] for each in places)


def test_json_has_what_the_person_is_told(tmp_path: Path) -> None:
    path = FORMS["manifests"](tmp_path, LOUD)
    for words in _SHOWN.values():
        if words.endswith("-o json"):
            result = _run(tmp_path, words, path)
            assert "rules-ignored" in {each["id"] for each in json.loads(result.out)["findings"]}
