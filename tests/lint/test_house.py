"""Rules for the lints themselves, and what silences a finding."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from podwall.cli import main
from podwall.lint import LINTS, Lint, lint, triaged
from podwall.model import Policy, Selector, Snapshot, Unknown
from podwall.policies.errors import Finding, Place, Severity
from podwall.reachability import reachability
from podwall.reading import Document

TESTS = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("*.py"))


@pytest.mark.parametrize("each", LINTS, ids=[each.id for each in LINTS])
def test_every_lint_is_named_helped_linked_and_tested(each: Lint) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", each.id)
    assert each.help
    assert not each.help.endswith(".")
    assert each.link.startswith("https://") or each.id == "known-only-after-deployment"
    assert f'"{each.id}"' in TESTS


def test_ids_are_unique() -> None:
    assert len({each.id for each in LINTS}) == len(LINTS)


def test_what_is_known_only_after_deployment_is_told() -> None:
    policy = Policy("shop", "p", Selector(), ingress=Unknown("`spec` of `p` is not known"))
    found = lint(reachability(Snapshot(policies=(policy,))))
    told = [each.message for each in found if each.id == "known-only-after-deployment"]
    assert told == ["policy `shop/p`: `spec` of `p` is not known"]


KNOWN = frozenset({"open-to-everyone", "host-network"})


def document(annotation: str, line: int = 1, path: str = "") -> Document:
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x", "annotations": {"podwall.dev/ignore": annotation}},
    }
    return Document(manifest, Place("a.yaml", line, path))


def finding(line: int, path: str = "spec.ingress[0]", id_: str = "open-to-everyone") -> Finding:
    return Finding(id_, Severity.WARNING, "…", Place("a.yaml", line, path))


@pytest.mark.parametrize(
    ("documents", "found", "silenced"),
    [
        pytest.param([document("open-to-everyone: a web server")], finding(1), True, id="reason"),
        pytest.param(
            [document("host-network: agent; open-to-everyone: a web server")],
            finding(3),
            True,
            id="one of two, at a line further down",
        ),
        pytest.param([document("host-network: agent")], finding(1), False, id="another id"),
        pytest.param([document("open-to-everyone")], finding(1), False, id="no reason"),
        pytest.param(
            [document("open-to-everyone: a"), document("host-network: b", 9)],
            finding(9),
            False,
            id="the next object",
        ),
        pytest.param(
            [document("open-to-everyone: a", 1, "items[1]"), document("", 1, "items[10]")],
            finding(1, "items[10].spec"),
            False,
            id="another item of the list",
        ),
        pytest.param(
            [document("open-to-everyone: a"), document("")],
            finding(1),
            False,
            id="one of two objects that one line makes",
        ),
        pytest.param(
            [document("malformed-object: never mind")],
            finding(1, id_="malformed-object"),
            False,
            id="what the API server refuses",
        ),
    ],
)
def test_silence_needs_a_reason(
    documents: list[Document], found: Finding, *, silenced: bool
) -> None:
    result = triaged([found], documents, KNOWN)
    assert (found in result.findings) is not silenced
    assert [each.finding for each in result.suppressed] == ([found] if silenced else [])


@pytest.mark.parametrize(
    ("annotation", "message", "help_"),
    [
        pytest.param(
            "open-to-everyone",
            "`open-to-everyone` is ignored without a reason",
            "write `open-to-everyone: the reason`",
            id="no reason",
        ),
        pytest.param(
            "open-to-everybody: a",
            "there is no finding `open-to-everybody` to ignore",
            "did you mean `open-to-everyone`?",
            id="no such id",
        ),
    ],
)
def test_a_wish_without_effect_is_a_finding(annotation: str, message: str, help_: str) -> None:
    (found,) = triaged([], [document(annotation)], KNOWN).findings
    assert (found.id, found.message, found.help) == ("ignore-without-effect", message, help_)


MANIFESTS = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
  namespace: shop
  annotations: {podwall.dev/ignore: "open-to-everyone: it serves the public"}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  ingress: [{}]
  egress:
  - to: [{podSelector: {matchLabels: {app: db}}}]
"""


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(MANIFESTS, encoding="utf-8")
    assert main(["lint", str(path), "-o", "json", "--fail-on", "warning"]) == 1
    written = json.loads(capsys.readouterr().out)
    assert (written["format"], written["engine"]) == ("podwall/lint/v1", "spec")
    places = {each["id"]: each["place"] for each in written["findings"]}
    assert places["peer-without-pods"] == {
        "source": str(path),
        "line": 17,
        "path": "spec.egress[0].to[0]",
    }
    assert [(each["id"], each["reason"]) for each in written["suppressed"]] == [
        ("open-to-everyone", "it serves the public")
    ]


def test_the_command_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(MANIFESTS, encoding="utf-8")
    assert main(["lint", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "warning[peer-without-pods]" in shown
    assert "it serves the public" in shown


REFUSED = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
  namespace: shop
  annotations: {podwall.dev/ignore: "invalid-port: never mind; workload-open: the front door"}
spec:
  podSelector: {}
  ingress: [{ports: [{port: 99999}]}]
"""


@pytest.mark.parametrize("command", ["lint", "diff"])
def test_no_command_silences_a_refusal_or_doubts_a_wish_to_the_policy_pack(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(REFUSED, encoding="utf-8")
    main([command, *[str(path)] * (2 if command == "diff" else 1)])
    shown = "".join(capsys.readouterr())
    assert "`99999` is not a port number" in shown
    assert "`workload-open` to ignore" not in shown
