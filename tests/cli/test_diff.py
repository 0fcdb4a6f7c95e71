"""`podwall diff`: what it says about two states, in every format, and how it ends."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jsonschema
import pytest

from podwall.cli import main

ROOT = Path(__file__).resolve().parents[2]
BEFORE, AFTER = (str(ROOT / "examples" / name) for name in ("shop-before", "shop"))
PREVIEW = str(ROOT / "tests" / "data" / "previews" / "allow.json")


def output(capsys: pytest.CaptureFixture[str], *words: str, code: int = 1) -> str:
    """Return what the command prints; the shop's change opens a connection."""
    assert main(["diff", *words]) == code
    return capsys.readouterr().out


def test_text_tells_policies_and_connections(capsys: pytest.CaptureFixture[str]) -> None:
    out = output(capsys, BEFORE, AFTER)
    assert out.startswith("2 policies differ: shop/api (edited), shop/db (edited)\n")
    assert "  added     monitoring/prometheus -> shop/api             nothing => TCP 9090 " in out
    assert "  removed   shop/web -> shop/db                           TCP 5432 => nothing " in out


def test_csv_has_a_row_for_each_change(capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.reader(io.StringIO(output(capsys, BEFORE, AFTER, "-o", "csv"))))
    assert rows[1][:3] == ["added", "monitoring/prometheus", "shop/api"]


def test_markdown_is_a_comment_that_tells_what_opens_and_closes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("-o", "md", "--subject", "the shop", "--link", "https://example.com/7")
    out = output(capsys, BEFORE, AFTER, *words)
    assert "### Stops: 1 connection opens and 1 closes in the shop\n" in out
    assert "| `monitoring/prometheus` | `shop/api` | TCP 9090 | `shop/api` (changed)<br>" in out
    closed = "| `shop/web`, pods with app notin \\(api\\) of shop | `shop/db` | was TCP 5432 |"
    rule = "<br>`- from every pod of namespace shop on TCP 5432` |"
    assert f"{closed} `shop/db` (changed){rule}" in out
    assert "1 connection closes from or to pods that are not shown." in out
    assert "[Full report](https://example.com/7)" in out


def test_only_findings_that_the_change_brings_are_in_the_comment(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pod = "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop}, spec: {}}\n"
    policy = (
        "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: %s, "
        "namespace: shop}, spec: {podSelector: {matchLabels: {app: %s}}, ingress: [{}]}}\n"
    )
    (tmp_path / "old.yaml").write_text(f"{pod}{policy % ('old', 'old')}", "utf-8")
    both = f"{pod}{policy % ('old', 'old')}{policy % ('new', 'new')}"
    (tmp_path / "new.yaml").write_text(both, "utf-8")
    states = [str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml")]
    out = output(capsys, *states, "-o", "md", code=0)
    assert "shop/new" in out
    assert "shop/old" not in out


def test_a_comment_on_a_preview_names_its_stack(capsys: pytest.CaptureFixture[str]) -> None:
    assert " in stack dev of " in output(capsys, PREVIEW, "-o", "md").splitlines()[1]
    named = output(capsys, PREVIEW, "-o", "md", "--subject", "the shop").splitlines()[1]
    assert "stack dev" not in named
    assert f" in `{AFTER}`" in output(capsys, BEFORE, AFTER, "-o", "md")


def test_html_is_a_page_with_both_states(capsys: pytest.CaptureFixture[str]) -> None:
    out = output(capsys, BEFORE, AFTER, "-o", "html")
    assert "<h1>1 connection opens and 1 closes.</h1>" in out
    assert '"before":{' in out


@pytest.mark.parametrize("words", [(BEFORE, AFTER), (PREVIEW,)], ids=["folders", "preview"])
def test_json_follows_its_schema(capsys: pytest.CaptureFixture[str], words: tuple[str]) -> None:
    schema = json.loads((ROOT / "docs" / "schemas" / "diff.schema.json").read_text("utf-8"))
    document = json.loads(output(capsys, *words, "-o", "json"))
    jsonschema.validate(document, schema)
    assert document["changes"]


def test_a_preview_holds_both_states(capsys: pytest.CaptureFixture[str]) -> None:
    out = output(capsys, PREVIEW)
    assert "added     shop/web -> shop/api  nothing => TCP 9090  [shop/api]" in out


def test_equal_states_change_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert output(capsys, AFTER, AFTER, code=0) == "no connection changes\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param((BEFORE, AFTER), 1, id="what opens is an error"),
        pytest.param((AFTER, BEFORE, "--fail-on", "error"), 1, id="and so it is back again"),
        pytest.param((AFTER, AFTER, "--fail-on", "any"), 0, id="no change fails on nothing"),
    ],
)
def test_exit_codes(words: tuple[str, ...], code: int) -> None:
    assert main(["diff", *words]) == code


def test_what_closes_is_a_warning(tmp_path: Path) -> None:
    deny = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny, "
    deny += "namespace: shop}, spec: {podSelector: {}, policyTypes: [Egress]}}\n"
    workloads = Path(AFTER, "workloads.yaml").read_text("utf-8")
    (tmp_path / "old.yaml").write_text(workloads, "utf-8")
    (tmp_path / "new.yaml").write_text(f"{workloads}---\n{deny}", "utf-8")
    states = [str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml")]
    assert main(["diff", *states]) == 0
    assert main(["diff", *states, "--fail-on", "warning"]) == 1


def test_a_new_workload_alone_is_a_note(tmp_path: Path) -> None:
    pod = "{apiVersion: v1, kind: Pod, metadata: {name: %s, namespace: default}, spec: {}}\n"
    (tmp_path / "old.yaml").write_text(pod % "a", "utf-8")
    (tmp_path / "new.yaml").write_text(f"{pod % 'a'}---\n{pod % 'b'}", "utf-8")
    states = [str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml")]
    assert main(["diff", *states, "--fail-on", "warning"]) == 0
    assert main(["diff", *states, "--fail-on", "any"]) == 1


def test_a_replaced_cluster_is_an_error_in_a_diff(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preview = json.loads(Path(PREVIEW).read_text("utf-8"))
    urn = "urn:pulumi:dev::p::azure-native:containerservice:ManagedCluster::aks"
    state = {"urn": urn, "type": "azure-native:containerservice:ManagedCluster", "inputs": {}}
    step = {"op": "replace", "urn": urn, "oldState": state, "newState": state}
    kept = {"steps": [*preview["steps"], step | {"replaceReasons": ["networkProfile"]}]}
    (tmp_path / "preview.json").write_text(json.dumps(kept), "utf-8")
    assert main(["diff", str(tmp_path / "preview.json")]) == 1
    assert "error[cluster-replace]" in capsys.readouterr().err
    kept["steps"][-1] = {"op": "delete", "urn": urn, "oldState": state}
    (tmp_path / "preview.json").write_text(json.dumps(kept), "utf-8")
    assert main(["diff", str(tmp_path / "preview.json")]) == 1
    assert "error[cluster-delete]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param((AFTER,), "holds one state, and a diff needs two", id="one folder"),
        pytest.param((AFTER, AFTER, AFTER), "takes one preview or two sources", id="three"),
    ],
)
def test_bad_input_is_refused(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    assert main(["diff", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_first_preview_is_not_stopped_for_its_engine(capsys: pytest.CaptureFixture[str]) -> None:
    first = str(ROOT / "tests" / "data" / "engine" / "first.json")
    assert "engine-changes" not in output(capsys, first, "-o", "md", code=0)


@pytest.mark.parametrize("words", [(), ("--engine", "spec")], ids=["declared", "asked for"])
def test_what_blocks_a_deployment_stands_first_and_once(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    path = str(ROOT / "tests" / "data" / "engine" / "cilium.json")
    out = output(capsys, path, "-o", "md", *words)
    assert " of plain, but the cluster is replaced and the engine changes\n" in out
    errors = [line for line in out.splitlines() if line.startswith("- **error**")]
    assert sum("`engine-changes`" in each for each in errors) == 1
    assert "`cluster-replace`" in "".join(errors[:2])
