"""`podwall reach`: one answer in four formats, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from podwall.cli import main

MANIFESTS = """
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress, Egress]
  ingress:
  - from: [{podSelector: {matchLabels: {app: web}}}]
    ports: [{port: 5432}, {port: 5433, endPort: 5440}, {port: 53, protocol: UDP}]
"""
ROWS = [
    ("shop/db", "shop/db", "all ports"),
    ("shop/web", "shop/db", "TCP 5432-5440; UDP 53"),
    ("shop/web", "shop/web", "all ports"),
    ("shop/web", "0.0.0.0/0", "all ports"),
    ("shop/web", "::/0", "all ports"),
    ("0.0.0.0/0", "shop/web", "all ports"),
    ("::/0", "shop/web", "all ports"),
]
UNSEEN = [
    ("shop/any:app notin (db)", "shop/web", "all ports"),
    ("any:", "shop/web", "all ports"),
    ("shop/web", "shop/any:app notin (db)", "all ports"),
    ("shop/web", "any:", "all ports"),
]
"""Pods that are not shown: the policy of `db` lets none of its label send, or be reached."""


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "shop.yaml").write_text(MANIFESTS, encoding="utf-8")
    return str(tmp_path)


def reach(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["reach", *arguments]) == 0
    return capsys.readouterr().out


def test_csv(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    header, *rows = csv.reader(io.StringIO(reach(capsys, folder, "-o", "csv")))
    assert header == ["source", "destination", "allowed", "undetermined", "because"]
    assert [tuple(row) for row in rows] == [(*row, "", "") for row in (*ROWS, *UNSEEN)]
    _, *closed = csv.reader(io.StringIO(reach(capsys, folder, "-o", "csv", "--closed")))
    assert [tuple(row) for row in closed] == [(*row, "", "") for row in ROWS]


def test_json(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(reach(capsys, folder, "-o", "json"))
    assert (document["format"], document["engine"]) == ("podwall/reach/v2", "spec")
    assert [workload["id"] for workload in document["workloads"]] == ["shop/db", "shop/web"]
    pairs = [(item["source"], item["destination"]) for item in document["connections"]]
    assert pairs == [row[:2] for row in ROWS]
    assert document["connections"][1] == {
        "source": "shop/web",
        "destination": "shop/db",
        "allowed": [
            {"protocol": "TCP", "ports": [[5432, 5440]]},
            {"protocol": "UDP", "ports": [[53, 53]]},
        ],
        "undetermined": [],
    }


def test_json_has_pods_that_are_not_shown(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(reach(capsys, folder, "-o", "json"))
    exposure = [(item["source"], item["destination"]) for item in document["exposure"]]
    assert exposure == [row[:2] for row in UNSEEN]
    assert document["closed"] is False
    assert document["unseen"] == [
        {"id": "any:", "pods": "", "namespaces": [], "other_namespaces": ""},
        {
            "id": "shop/any:app notin (db)",
            "pods": "app notin (db)",
            "namespaces": ["shop"],
            "other_namespaces": None,
        },
    ]
    closed = json.loads(reach(capsys, folder, "-o", "json", "--closed"))
    assert (closed["closed"], closed["unseen"], closed["exposure"]) == (True, [], [])
    assert closed["connections"] == document["connections"]


def test_the_format_of_before_stays(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    latest = json.loads(reach(capsys, folder, "-o", "json"))
    before = json.loads(reach(capsys, folder, "-o", "json", "--format-version", "1"))
    assert before.pop("format") == "podwall/reach/v1"
    assert {key: latest[key] for key in before} == before
    schema = Path(__file__).resolve().parents[2] / "docs" / "schemas" / "reach-v1.schema.json"
    jsonschema.validate(
        {"format": "podwall/reach/v1", **before}, json.loads(schema.read_text("utf-8"))
    )


def test_markdown(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, *lines = reach(capsys, folder, "-o", "md").splitlines()
    assert lines[: len(ROWS)] == [f"| {' | '.join(row)} |  |  |" for row in ROWS]
    assert lines[len(ROWS) :] == [
        r"| pods with app notin \(db\) of shop | shop/web | all ports |  |  |",
        "| any pod of other namespaces | shop/web | all ports |  |  |",
        r"| shop/web | pods with app notin \(db\) of shop | all ports |  |  |",
        "| shop/web | any pod of other namespaces | all ports |  |  |",
    ]


def test_text(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = reach(capsys, folder).splitlines()
    shown = [line.split(maxsplit=3) for line in lines if " -> " in line]
    pairs = [(one, other, ports) for one, _, other, ports in shown[: len(ROWS)]]
    assert pairs == ROWS
    pods = "pods with app notin (db) of shop and any pod of other namespaces"
    assert lines[-2:] == [
        f"{pods}  ->  shop/web  all ports",
        f"shop/web  ->  {pods}  all ports",
    ]
    said = " ".join(" ".join(lines).split())
    assert f"other pods, which nothing here shows: {pods} shop/db ->" in said


def test_what_is_not_certain_says_why(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(folder, "tools.yaml")
    path.write_text(
        "{apiVersion: v1, kind: Pod, metadata: {name: probe, namespace: tools}}\n---\n"
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy,"
        " metadata: {name: web, namespace: shop}, spec: {podSelector: {}, policyTypes: [Ingress],"
        " ingress: [{from: [{namespaceSelector: {matchLabels: {team: a}}}]}]}}\n",
        encoding="utf-8",
    )
    rows = list(csv.reader(io.StringIO(reach(capsys, folder, "-o", "csv"))))
    cause = "the labels of namespace `tools`, which the source does not declare"
    assert ["tools/probe", "shop/web", "", "all ports", cause] in rows


@pytest.mark.parametrize(
    ("manifest", "arguments", "code"),
    [
        pytest.param("kind: Pod", [], 1, id="an object that is refused"),
        pytest.param("kind: Pod", ["--fail-on", "warning"], 1, id="worse than asked for"),
        pytest.param(
            "{apiVersion: crd.antrea.io/v1beta1, kind: NetworkPolicy, metadata: {name: x}}",
            [],
            0,
            id="a warning",
        ),
        pytest.param(
            "{apiVersion: crd.antrea.io/v1beta1, kind: NetworkPolicy, metadata: {name: x}}",
            ["--fail-on", "any"],
            1,
            id="a warning where any counts",
        ),
        pytest.param("a: b: c", [], 1, id="a document that is not YAML, beside others"),
    ],
)
def test_exit_codes(folder: str, manifest: str, arguments: list[str], code: int) -> None:
    Path(folder, "more.yaml").write_text(manifest, encoding="utf-8")
    assert main(["reach", folder, *arguments]) == code


@pytest.mark.parametrize("source", ["missing", "empty"])
def test_nothing_to_read_is_bad_input(
    tmp_path: Path, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["reach", str(tmp_path / source)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: {tmp_path / source}: ")


@pytest.mark.long
def test_the_standard_input_as_a_process() -> None:
    command = [sys.executable, "-m", "podwall", "reach", "-", "-o", "csv"]
    done = subprocess.run(command, input=MANIFESTS, capture_output=True, text=True, check=True)
    assert [tuple(line.split(",")[:2]) for line in done.stdout.splitlines()[1:]] == [
        row[:2] for row in (*ROWS, *UNSEEN)
    ]


def test_a_preview_of_a_real_engine(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(__file__).parents[1] / "data" / "previews" / "allow.json"
    document = json.loads(reach(capsys, str(path), "-o", "json"))
    assert document["engine"] == "azure"
    allowed = {
        (item["source"], item["destination"]): item["allowed"] for item in document["connections"]
    }
    assert allowed["shop/web", "shop/api"] == [{"protocol": "TCP", "ports": [[9090, 9090]]}]
    assert ("tools-0c015392/scan", "shop/api") not in allowed
