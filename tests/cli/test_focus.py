"""`podwall reach` for what is asked for, in every format, and the refusal of idle options."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from podwall.cli import main
from tests.cli.running import ROOT, podwall

SHOP = str(ROOT / "examples/shop")
ASKED = ("--focus", "shop/api", "--direction", "ingress", "--port", "8080")
REST = "what was asked for and is not listed is denied"
ONLY = ("shop/web", "shop/api")


def test_text_says_how_much_is_open_of_what_is_asked_for(tmp_path: Path) -> None:
    result = podwall(tmp_path, "reach", SHOP, *ASKED)
    assert result.code == 0
    assert result.out.splitlines() == [
        "to shop/api, on 8080  the NetworkPolicy specification",
        "  shop/web  ->  shop/api  TCP 8080",
        f"1 of 4 connections between workloads is open; {REST}",
    ]


def test_json_says_that_only_a_part_was_asked_for(tmp_path: Path) -> None:
    found = podwall(tmp_path, "reach", SHOP, *ASKED, "-o", "json").json
    assert found["focus"] == {
        "ends": ["shop/api"],
        "direction": "ingress",
        "sources": [],
        "destinations": [],
        "port": "8080",
    }
    assert [(each["source"], each["destination"]) for each in found["connections"]] == [ONLY]
    assert [each["id"] for each in found["workloads"]] == ["shop/api", "shop/web"]
    assert "focus" not in podwall(tmp_path, "reach", SHOP, "-o", "json").json


def test_csv_and_markdown_have_the_rows_that_are_asked_for(tmp_path: Path) -> None:
    table = podwall(tmp_path, "reach", SHOP, *ASKED, "-o", "csv").out
    _, *rows = csv.reader(io.StringIO(table))
    assert rows == [["shop/web", "shop/api", "TCP 8080", "", ""]]
    markdown = podwall(tmp_path, "reach", SHOP, *ASKED, "-o", "md").out
    assert len(markdown.splitlines()) == 3
    assert "shop/web | shop/api | TCP 8080" in markdown


def test_the_picture_has_the_ends_that_are_asked_for(tmp_path: Path) -> None:
    picture = podwall(tmp_path, "reach", SHOP, *ASKED, "-o", "svg").out
    assert "To shop/api, on 8080" in picture
    assert "only what was asked for is shown" in picture
    assert "prometheus" not in picture
    assert "shop/web to shop/api: TCP 8080" in picture


@pytest.mark.parametrize(
    ("asked", "start"),
    [
        pytest.param(ASKED, "port=8080&amp;to=shop%2Fapi", id="what comes to a workload"),
        pytest.param(["--focus", "shop"], "from=shop%2F", id="a namespace"),
        pytest.param(["--from", "shop", "--to", "outside"], "source=shop%2F", id="from"),
        pytest.param([], "", id="nothing"),
    ],
)
def test_the_page_begins_with_what_is_asked_for_and_has_everything(
    tmp_path: Path, asked: list[str], start: str
) -> None:
    page = podwall(tmp_path, "reach", SHOP, *asked, "-o", "html").out
    assert f'data-start="{start}' in page
    assert "monitoring/prometheus" in page


def test_a_graph_has_a_node_for_each_end_and_an_edge_for_each_pair(tmp_path: Path) -> None:
    graph = podwall(tmp_path, "reach", SHOP, "-o", "dot").out
    assert graph.startswith("digraph podwall {\n")
    assert graph.endswith("}\n")
    assert '  "shop/web" -> "shop/api" [label="8080"]\n' in graph
    assert '    "shop/web" [label="web"]\n' in graph
    assert '  "any:" [label="any pod of other namespaces", style=dashed]\n' in graph
    assert '"shop/web" -> "shop/db"' not in graph
    part = podwall(tmp_path, "reach", SHOP, *ASKED, "-o", "dot").out
    assert part.count("->") == 1


def test_what_is_not_certain_is_dashed_in_a_graph(tmp_path: Path) -> None:
    policy = (
        "apiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\n"
        "metadata: {name: x, namespace: a}\nspec: {appliedTo: [{podSelector: {}}]}\n---\n"
        "apiVersion: v1\nkind: Pod\nmetadata: {name: 'web', namespace: a, labels: {app: web}}\n"
    )
    (tmp_path / "all.yaml").write_text(policy, encoding="utf-8")
    graph = podwall(tmp_path, "reach", "all.yaml", "--engine", "cilium", "-o", "dot").out
    assert "style=dashed]\n" in graph
    assert "?" in graph
    assert graph.startswith("// 1 policy is left out")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["reach", SHOP, "--raw-cells"], "--raw-cells is about `-o csv`", id="cells"),
        pytest.param(
            ["reach", SHOP, "--format-version", "1"], "--format-version is about `-o json`", id="v1"
        ),
        pytest.param(
            ["reach", SHOP, "--direction", "ingress"], "--direction is that of --focus", id="way"
        ),
        pytest.param(["reach", SHOP, "--stack", "dev"], "--stack chooses the stack", id="stack"),
        pytest.param(
            ["reach", SHOP, "--release", "x"], "has no chart that a release", id="release"
        ),
        pytest.param(["lint", SHOP, "--values", "v"], "has no chart that values", id="values"),
        pytest.param(
            ["diff", SHOP, SHOP, "--link", "https://x.example"], "is about the comment", id="link"
        ),
        pytest.param(["import", SHOP, "--force"], "--force replaces what --out names", id="force"),
        pytest.param(
            ["reach", SHOP, "-o", "json", "--format-version", "1", "--focus", "shop/api"],
            "version 1 can't say",
            id="a format without a place for it",
        ),
    ],
)
def test_an_option_that_changes_nothing_is_refused(
    tmp_path: Path, words: list[str], said: str
) -> None:
    result = podwall(tmp_path, *words)
    assert (result.code, result.out) == (2, "")
    assert said in result.err.splitlines()[0]
    assert list(tmp_path.iterdir()) == []


def test_what_a_settings_file_says_is_never_refused_as_idle(tmp_path: Path) -> None:
    (tmp_path / "podwall.toml").write_text("[reach]\nraw-cells = true\n", encoding="utf-8")
    assert podwall(tmp_path, "reach", SHOP).code == 0


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["reach", "nowhere"], id="reach"),
        pytest.param(["diff", SHOP, "nowhere"], id="diff"),
        pytest.param(["lint", "nowhere", "-o", "sarif"], id="lint"),
        pytest.param(["suggest", "nowhere", "e.yaml", "--out", "new/p.py"], id="suggest"),
        pytest.param(["import", "nowhere", "--out", "new/p.py"], id="import"),
        pytest.param(["init", "nowhere"], id="init"),
    ],
)
def test_nothing_is_created_where_a_path_is_misspelt(tmp_path: Path, words: list[str]) -> None:
    result = podwall(tmp_path, *words)
    assert result.code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_proposed_command_has_the_source_that_was_given(tmp_path: Path) -> None:
    result = podwall(tmp_path, "explain", SHOP, "shop/qqqqqq", "shop/api")
    assert result.code == 2
    assert f"`podwall reach {SHOP}` lists all endpoints" in result.err


BEFORE, AFTER = (str(ROOT / "examples" / name) for name in ("shop-before", "shop"))


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        pytest.param(["--focus", "shop/db"], {("shop/web", "shop/db")}, id="an end"),
        pytest.param(["--to", "shop/api"], {("monitoring/prometheus", "shop/api")}, id="to"),
        pytest.param(["--from", "monitoring"], {("monitoring/prometheus", "shop/api")}, id="from"),
        pytest.param(["--port", "9090"], {("monitoring/prometheus", "shop/api")}, id="a port"),
        pytest.param(["--port", "tcp/80"], set(), id="another port"),
        pytest.param(["--focus", "shop/web", "--direction", "ingress"], set(), id="a direction"),
        pytest.param(["--to", "outside"], set(), id="outside"),
    ],
)
@pytest.mark.long(keep=2)
def test_a_diff_lists_what_is_asked_for_and_counts_everything(
    words: list[str], shown: set[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", BEFORE, AFTER, "-o", "json", *words]) == 1, "everything counts"
    document = json.loads(capsys.readouterr().out)
    pairs = {(each["source"], each["destination"]) for each in document["changes"]}
    assert {pair for pair in pairs if "any:" not in pair[0]} == shown
    assert document["focus"]
    assert main(["diff", BEFORE, AFTER, *words]) == 1
    assert f"{len(document['changes'])} of 3 changed connections" in capsys.readouterr().out


def test_the_comment_on_a_part_keeps_the_verdict_on_the_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["diff", BEFORE, AFTER, "-o", "md", "--to", "shop/db"]) == 1
    text = capsys.readouterr().out
    assert "### Stops: 1 connection opens and 1 closes" in text
    assert "Listed are those to shop/db: 2 of 3 changed connections" in text
    assert "| `shop/web` | `shop/db` |" in text
    assert "| `monitoring/prometheus` |" not in text


def test_an_end_that_only_the_state_before_has_can_be_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(
        ["diff", AFTER, str(ROOT / "examples/legacy"), "-o", "json", "--focus", "shop/db"]
    ) in {0, 1}
    assert json.loads(capsys.readouterr().out)["changes"]


def test_an_end_of_neither_state_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", BEFORE, AFTER, "--focus", "shop/dbb"]) == 2
    assert "did you mean `shop/db`?" in capsys.readouterr().err
