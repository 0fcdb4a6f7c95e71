"""Files, folders and the standard input."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from podwall.policies.errors import SourceError
from podwall.reading import ObjectStatus
from podwall.review import review
from podwall.sources import Source, SourceKind, source

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\n"
JSON_POD = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "%s"}}'


def names(found: Source) -> list[str]:
    return [workload.name for workload in review(found).reading.snapshot.workloads]


def test_a_file_of_yaml(tmp_path: Path) -> None:
    path = tmp_path / "pods.yaml"
    path.write_text(POD % "a" + "---\n" + POD % "b", encoding="utf-8")
    found = source(str(path))
    assert (found.kind, names(found)) == (SourceKind.MANIFESTS, ["a", "b"])
    assert [document.place.line for document in found.planned.documents] == [1, 5]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(JSON_POD % "a", id="one object"),
        pytest.param("\ufeff" + JSON_POD % "a", id="after a byte order mark"),
        pytest.param(JSON_POD % "a" + " // not JSON", id="broken"),
    ],
)
@pytest.mark.parametrize("suffix", ["json", "yaml", "txt"])
def test_a_file_of_json(tmp_path: Path, text: str, suffix: str) -> None:
    path = tmp_path / f"pod.{suffix}"
    path.write_text(text, encoding="utf-8")
    if "//" not in text:
        assert names(source(str(path))) == ["a"]
        return
    with pytest.raises(SourceError, match=f"pod.{suffix}:1: this is not"):
        source(str(path))


def test_json_objects_one_after_another(tmp_path: Path) -> None:
    path = tmp_path / "pods.json"
    path.write_text(f"{JSON_POD % 'a'}\n{JSON_POD % 'b'}\n", encoding="utf-8")
    assert names(source(str(path))) == ["a", "b"]


def test_a_folder_is_read_with_all_in_it_in_order(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "b.yml").write_text(POD % "b", encoding="utf-8")
    (tmp_path / "a.json").write_text(JSON_POD % "a", encoding="utf-8")
    (tmp_path / "sub" / "c.YAML").write_text(POD % "c", encoding="utf-8")
    (tmp_path / ".git" / "d.yaml").write_text(POD % "version-control", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not: read", encoding="utf-8")
    assert names(source(str(tmp_path))) == ["a", "b", "c"]


@pytest.mark.parametrize("path", [".e.yaml", ".yaml", ".yml", ".json", ".hidden/e.yaml"])
def test_hidden_files_are_read_as_kubectl_reads_them(tmp_path: Path, path: str) -> None:
    hidden = tmp_path / path
    hidden.parent.mkdir(exist_ok=True)
    hidden.write_text(JSON_POD % "hidden", encoding="utf-8")
    assert names(source(str(tmp_path))) == ["hidden"]


def test_a_broken_file_of_a_folder_spoils_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: b: c", encoding="utf-8")
    (tmp_path / "b.yaml").write_text(POD % "b", encoding="utf-8")
    (tmp_path / "c.json").write_text('{"a": 1,}', encoding="utf-8")
    found = source(str(tmp_path))
    assert names(found) == ["b"]
    assert [finding.id for finding in found.findings] == ["malformed-yaml", "malformed-json"]


def test_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((POD % "a").encode())))
    found = source("-")
    assert (found.name, names(found)) == ("<stdin>", ["a"])


def test_files_that_are_not_kubernetes_objects_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("replicas: 3\n", encoding="utf-8")
    (tmp_path / "list.json").write_text("[1, 2]", encoding="utf-8")
    (tmp_path / "b.yaml").write_text(POD % "b", encoding="utf-8")
    found = review(source(str(tmp_path)))
    assert found.reading_findings == ()
    left = [each.place.source for each in found.ledger if each.status is ObjectStatus.HARMLESS]
    assert left == [str(tmp_path / "list.json"), str(tmp_path / "values.yaml")]


def test_a_finding_names_the_line_of_its_field(tmp_path: Path) -> None:
    path = tmp_path / "pods.yaml"
    path.write_text(POD % "a" + "---\n" + POD % "b" + "spec:\n  hostNetwork: 1\n", encoding="utf-8")
    (finding,) = review(source(str(path))).reading_findings
    assert str(finding.place) == f"{path}:9 spec.hostNetwork"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("missing.yaml", "could not be read: no such file or directory", id="missing"),
        pytest.param("empty.yaml", "is empty", id="an empty file"),
        pytest.param("empty", "has no Kubernetes object", id="an empty folder"),
        pytest.param("broken.yaml", "this is not YAML", id="a broken file"),
        pytest.param("values.yaml", "has no Kubernetes object", id="something else"),
    ],
)
def test_where_there_is_nothing_to_read(tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.yaml").touch()
    (tmp_path / "broken.yaml").write_text("a: b: c", encoding="utf-8")
    (tmp_path / "values.yaml").write_text("a: b", encoding="utf-8")
    with pytest.raises(SourceError, match=message) as caught:
        source(str(tmp_path / path))
    assert caught.value.help
    assert path in caught.value.place.source


TWICE = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},\n "spec": {}, "spec": {}}\n'
STATE = '{"deployment": {"resources": [],\n "resources": []}, "resources": "x"}'
EVENT = '{"sequence": 1, "timestamp": 1, "summaryEvent": {},\n "summaryEvent": {}}\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(TWICE, 2, id="an object"),
        pytest.param(TWICE + JSON_POD % "b", 2, id="the first of several objects"),
        pytest.param(JSON_POD % "b" + TWICE, 1, id="a later one, whose line is not told"),
        pytest.param(f'{{"apiVersion": "v1", "kind": "List", "items": [{TWICE}]}}', 2, id="a list"),
        pytest.param(STATE, 2, id="a state"),
        pytest.param(EVENT * 2, 2, id="events"),
        pytest.param(TWICE.replace(', "spec": {}', ', "s": {"spec": "spec\\":"}'), None, id="once"),
    ],
)
def test_a_key_that_stands_twice_in_json_is_told(
    tmp_path: Path, text: str, line: int | None
) -> None:
    for name in ("one.json", "folder/two.json"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if path.parent == tmp_path or "apiVersion" in text:
            read = source(str(path if path.parent == tmp_path else path.parent))
            told = [each.place.line for each in read.findings if each.id == "duplicate-key"]
            assert told == ([] if line is None else [line])
