"""`podwall suggest`: policies from intent, proved, and what stands in their way."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from podwall.policies import NetworkPolicy
from tests.cli.running import ROOT, podwall
from tests.python_code.modules import judged_by_mypy, judged_by_ruff, made_by

SHOP = ROOT / "examples" / "shop"
INTENT = str(SHOP / "expectations.yaml")
HOLD = "4 expectations: all hold, and nothing else is open but name resolution\n"


def intent(folder: Path, text: str) -> str:
    """Write a file of expectations, and return its name."""
    (folder / "intent.yaml").write_text(f"expectations:\n{text}", encoding="utf-8")
    return "intent.yaml"


def test_the_example_in_python_and_in_yaml(tmp_path: Path) -> None:
    python = podwall(tmp_path, "suggest", str(SHOP), INTENT)
    assert (python.code, python.err) == (
        0,
        f"{HOLD}replaces shop/default-deny, shop/web, shop/api and shop/db\n",
    )
    documents = podwall(tmp_path, "suggest", str(SHOP), INTENT, "-o", "yaml")
    made = [each for listed in made_by(python.out).values() for each in listed]
    assert [each.name for each in made] == ["default-deny", "default-deny", "api", "db", "web"]
    assert made == [NetworkPolicy.from_manifest(each) for each in yaml.safe_load_all(documents.out)]


@pytest.mark.timeout(900)
@pytest.mark.long
def test_the_written_file_is_one_that_a_team_can_own(tmp_path: Path) -> None:
    written = podwall(tmp_path, "suggest", str(SHOP), INTENT, "--out", "policies_of_shop.py")
    assert (written.code, written.out) == (0, "")
    assert written.err.endswith("wrote policies_of_shop.py\n")
    assert judged_by_mypy(tmp_path) == ""
    assert judged_by_ruff(tmp_path) == ""
    again = podwall(tmp_path, "suggest", str(SHOP), INTENT, "--out", "policies_of_shop.py")
    assert again.code == 2
    assert "exists already" in again.err


def test_the_manifests_with_the_suggestion_fulfil_the_intent(tmp_path: Path) -> None:
    shutil.copy(SHOP / "workloads.yaml", tmp_path)
    suggested = podwall(tmp_path, "suggest", "workloads.yaml", INTENT, "-o", "yaml").out
    (tmp_path / "policies.yaml").write_text(suggested, encoding="utf-8")
    assert podwall(tmp_path, "check", ".", INTENT).code == 0


def test_a_contradiction_is_one_message_at_its_line(tmp_path: Path) -> None:
    file = intent(
        tmp_path,
        "  - {name: web calls, from: shop/web, to: shop/api, ports: 8080, expect: allowed}\n"
        "  - name: nobody calls\n    from: anything\n    to: shop/api\n    expect: denied\n",
    )
    result = podwall(tmp_path, "suggest", str(SHOP), file)
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "error: intent.yaml:3 expectations[1]: `nobody calls` and `web calls` contradict each "
        "other: shop/web -> shop/api on TCP 8080\n"
        " help: exempt one from the other, or remove one of the two\n"
    )


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        pytest.param(
            "  - {name: a, from: shop/wbe, to: shop/api, ports: 80, expect: allowed}\n",
            1,
            "error[expectation-not-met]: intent.yaml:2 expectations[0]: no policy here fulfils "
            "`a`: `from` selects nothing: there is no workload `shop/wbe`, did you mean",
            id="a workload that is not there",
        ),
        pytest.param(
            "  - {name: a, from: {labels: {a: b c}}, to: shop/api, ports: 80, expect: allowed}\n",
            2,
            "error: intent.yaml:2 expectations[0]: `b c` must be letters, digits",
            id="labels that no pod can have",
        ),
        pytest.param("  - {name: a}\n", 2, "intent.yaml:2 expectations[0].to: is", id="no intent"),
    ],
)
def test_what_stands_in_the_way_has_its_place(
    tmp_path: Path, line: str, code: int, message: str
) -> None:
    result = podwall(tmp_path, "suggest", str(SHOP), intent(tmp_path, line))
    assert result.code == code
    assert message in result.err


def test_what_is_not_certain_ends_with_3(tmp_path: Path) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: x, labels: {app: %s}}\n"
    (tmp_path / "pods.yaml").write_text(
        "---\n".join([pod % ("a", "a"), pod % ("b", "b")]), encoding="utf-8"
    )
    file = intent(
        tmp_path, "  - {name: a, from: x/a, to: x/b, ports: 8000-8005, expect: allowed}\n"
    )
    # Without the cluster's version it is not known whether cilium knows port ranges.
    result = podwall(tmp_path, "suggest", "pods.yaml", file, "--engine", "cilium")
    assert result.code == 3
    assert "warning[expectation-undetermined]: intent.yaml:2" in result.err
    assert result.err.endswith("0 of 1 expectations hold\n")
    asked = podwall(
        tmp_path, "suggest", "pods.yaml", file, "--engine", "cilium", "--fail-on", "error"
    )
    assert asked.code == 0


def test_nothing_to_protect_is_said(tmp_path: Path) -> None:
    file = shutil.copy(SHOP / "policies.yaml", tmp_path)
    result = podwall(tmp_path, "suggest", str(file), INTENT)
    assert (result.code, result.out) == (2, "")
    assert "has no workload that policies could protect" in result.err


def test_the_last_word_is_the_file_of_expectations(tmp_path: Path) -> None:
    result = podwall(tmp_path, "suggest", "a", "b", "c")
    assert result.code == 2
    assert "`c` could not be read" in result.err
