"""`--patch`: what git applies, after which the finding is gone and nothing else is different."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from podwall.sources.yaml_lines import RuleEdit, edited
from tests.cli.running import ROOT, Result, podwall

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
"""
POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: NAME, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress]
"""
SWALLOWED = """\
  ingress:
    # everybody of the shop
    - from:
        - podSelector: {}
    # already said
    - from:
        - podSelector: {matchLabels: {app: web}}
      ports: [{port: 80}]
"""
TWICE = """\
  ingress:
    - ports: [{port: 80}]
    - ports: [{port: 80}]  # again
"""
FLOW = (
    "  ingress: [{from: [{podSelector: {}}]}, {from: [{podSelector: {matchLabels: {app: web}}}]}]\n"
)


GONE = {"rule-swallowed", "repetition"}
"""Two rules that are equal are both."""


def applied(folder: Path, *words: str) -> Result:
    """Make the patch, let git apply it, and return what was said."""
    result = podwall(folder, *words, "--patch")
    (folder / "it.patch").write_text(result.out, encoding="utf-8")
    subprocess.run(["git", "apply", "it.patch"], cwd=folder, check=True)
    (folder / "it.patch").unlink()
    return result


def written(folder: Path, *policies: str, end: str = "") -> Path:
    names = (each.replace("NAME", f"p{number}") for number, each in enumerate(policies))
    path = folder / "deploy" / "shop.yaml"
    path.parent.mkdir()
    path.write_bytes("---\n".join((POD, *names)).removesuffix(end).encode())
    return path


def kinds(folder: Path) -> list[str]:
    found = podwall(folder, "lint", "deploy", "-o", "json").json
    return sorted(each["id"] for each in found["findings"])


def reach(folder: Path, *words: str) -> object:
    return podwall(folder, "reach", "deploy", "-o", "json", *words).json["connections"]


@pytest.mark.parametrize("end", ["", "\n"], ids=["a newline at the end", "none"])
@pytest.mark.parametrize(
    ("rules", "rest"),
    [
        pytest.param(SWALLOWED, "    # already said\n", id="a narrower rule"),
        pytest.param(TWICE, "    - ports: [{port: 80}]\n", id="the same twice: one stays"),
    ],
)
def test_a_rule_that_adds_nothing_goes_and_all_else_stays(
    tmp_path: Path, rules: str, rest: str, end: str
) -> None:
    other = POLICY.replace("{}", "{matchLabels: {app: other}}")
    path = written(tmp_path, other, POLICY + rules, end=end)
    before, reached = kinds(tmp_path), reach(tmp_path)
    text = path.read_text(encoding="utf-8")
    applied(tmp_path, "lint", "deploy")
    assert "rule-swallowed" in before
    assert set(kinds(tmp_path)) == {*before} - GONE
    assert reach(tmp_path) == reached
    left = path.read_text(encoding="utf-8")
    assert rest in left
    assert {*left.splitlines()} <= {*text.splitlines()}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(POLICY + FLOW, id="a list in flow style"),
        pytest.param(POLICY.replace("{}", "&all {}") + SWALLOWED, id="an anchor"),
        pytest.param((POLICY + SWALLOWED).replace("\n", "\r"), id="odd line ends"),
    ],
)
def test_what_is_not_certain_is_left_out_and_said(tmp_path: Path, text: str) -> None:
    written(tmp_path, text)
    result = podwall(tmp_path, "lint", "deploy", "--patch")
    assert result.out == ""
    assert "not in the patch: deploy/shop.yaml" in result.err


def test_a_rule_that_another_policy_has_stays(tmp_path: Path) -> None:
    written(tmp_path, POLICY + TWICE[:37], POLICY + TWICE[:37])
    result = podwall(tmp_path, "lint", "deploy", "--patch")
    assert (result.out, "of policy `shop/p0`" in result.err) == ("", True)


def test_what_is_outside_of_this_folder_is_not_patched(tmp_path: Path) -> None:
    path = written(tmp_path, POLICY + SWALLOWED)
    outside = podwall(tmp_path, "lint", str(path.absolute()), "--patch")
    assert (outside.out, "not in the patch" in outside.err) == ("", True)


def test_a_migration_is_applied_and_then_nothing_changes(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples/azure", tmp_path / "deploy")
    before = reach(tmp_path, "--engine", "azure")
    result = applied(tmp_path, "migrate", "deploy", "--from", "azure", "--to", "cilium")
    assert "not in the patch" not in result.err
    assert reach(tmp_path, "--engine", "cilium") == before
    assert "# Runs under the azure engine today" in (tmp_path / "deploy/shop.yaml").read_text(
        "utf-8"
    )
    again = podwall(tmp_path, "migrate", "deploy", "--from", "cilium", "--to", "cilium", "--patch")
    assert again.out == ""


def test_several_policies_of_one_file_are_edited(tmp_path: Path) -> None:
    block = "  ingress:\n    - from: [{ipBlock: {cidr: 0.0.0.0/0}}]\n      ports: [{port: 80}]\n"
    written(tmp_path, POLICY + block, POLICY + block + block[11:])
    before = reach(tmp_path, "--engine", "azure")
    applied(tmp_path, "migrate", "deploy", "--from", "azure", "--to", "cilium")
    assert reach(tmp_path, "--engine", "cilium") == before


def test_an_item_is_replaced_removed_or_added_and_the_rest_is_as_it_was() -> None:
    text = "a: 1\n---\nspec:\n  ingress:\n  - {a: 1}\n  # b\n  - b: 2\n\n  # end\nz: 1\n"
    new = {"port": "1e3"}
    found = edited(text, [RuleEdit(3, "ingress", 0, new), RuleEdit(3, "ingress", 2, {"c": 3})])
    expected = ("- {a: 1}", '- port: "1e3"'), ("- b: 2\n", "- b: 2\n  - c: 3\n")
    for old, now in expected:
        text = text.replace(old, now)
    assert found == text
    text = text.replace('- port: "1e3"', "- {a: 1}")
    assert edited(text, [RuleEdit(1, "ingress", 0)]) is None
    assert edited(text, [RuleEdit(3, "egress", 0)]) is None


SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""
LISTENING = POD + "spec: {containers: [{name: c, image: i, ports: [{containerPort: 8080}]}]}\n"
BLOCK = "  ingress:\n  - from:\n    - ipBlock: {cidr: CIDR}  # the office\n"


def shop(folder: Path, *documents: str) -> Path:
    path = folder / "deploy" / "shop.yaml"
    path.parent.mkdir()
    path.write_text("---\n".join(documents), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("policy", "gone", "old", "new"),
    [
        pytest.param(
            POLICY + BLOCK.replace("CIDR", "10.20.3.7/16"),
            "cidr-host-bits",
            "cidr: 10.20.3.7/16}  # the office",
            "cidr: 10.20.0.0/16}  # the office",
            id="host bits",
        ),
        pytest.param(
            POLICY + BLOCK.replace("CIDR", '"10.20.3.7/16"'),
            "cidr-host-bits",
            'cidr: "10.20.3.7/16"',
            'cidr: "10.20.0.0/16"',
            id="host bits in quotes",
        ),
        pytest.param(
            POLICY + BLOCK.replace("CIDR", "2001:db8::7/32"),
            "cidr-host-bits",
            "2001:db8::7/32",
            "2001:db8::/32",
            id="host bits of IPv6",
        ),
        pytest.param(
            POLICY.replace("  policyTypes: [Ingress]\n", "  egress:\n  - {}\n"),
            "policy-types-not-written",
            "  podSelector: {}\n",
            "  podSelector: {}\n  policyTypes: [Ingress, Egress]\n",
            id="no policyTypes",
        ),
        pytest.param(
            POLICY.partition("spec:")[0] + "spec: {podSelector: {}, egress: [{}]}\n",
            "policy-types-not-written",
            "spec: {podSelector",
            "spec: {policyTypes: [Ingress, Egress], podSelector",
            id="no policyTypes, in flow style",
        ),
        pytest.param(
            POLICY.replace("networking.k8s.io/v1", "networking/v1"),
            "no-such-kind",
            "apiVersion: networking/v1\n",
            "apiVersion: networking.k8s.io/v1\n",
            id="a mistyped version",
        ),
        pytest.param(
            POLICY.replace("kind: NetworkPolicy", "kind: Networkpolicy"),
            "no-such-kind",
            "kind: Networkpolicy\n",
            "kind: NetworkPolicy\n",
            id="a mistyped kind",
        ),
        pytest.param(
            POLICY.replace("networking.k8s.io/v1", "extensions/v1beta1"),
            "removed-api-version",
            "apiVersion: extensions/v1beta1\n",
            "apiVersion: networking.k8s.io/v1\n",
            id="a version that is gone",
        ),
        pytest.param(
            POLICY + "  ingress:\n  - ports: [{port: 80}]\n",
            "port-nobody-declares",
            "[{port: 80}]",
            "[{port: 8080}]",
            id="the port of a service",
        ),
    ],
)
def test_what_is_written_wrong_is_written_right_and_all_else_stays(
    tmp_path: Path, policy: str, gone: str, old: str, new: str
) -> None:
    path = shop(tmp_path, SERVICE, LISTENING, policy.replace("NAME", "one"))
    text = path.read_text("utf-8")
    assert gone in kinds(tmp_path)
    applied(tmp_path, "lint", "deploy")
    assert gone not in kinds(tmp_path)
    assert path.read_text("utf-8") == text.replace(old, new)


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(
            "kind: List\napiVersion: v1\nitems:\n- apiVersion: networking/v1\n"
            "  kind: NetworkPolicy\n  metadata: {name: a, namespace: shop}\n"
            "  spec: {podSelector: {}}\n",
            id="in a list",
        ),
        pytest.param(
            POLICY.replace("networking.k8s.io/v1", "networking/v1").replace(
                "{}", "{matchLabels: {'a b': c}}"
            ),
            id="what would be refused then",
        ),
    ],
)
def test_an_edit_that_is_not_certain_is_not_made(tmp_path: Path, policy: str) -> None:
    shop(tmp_path, SERVICE, LISTENING, policy.replace("NAME", "one"))
    result = podwall(tmp_path, "lint", "deploy", "--patch")
    assert (result.out, "not in the patch: deploy/shop.yaml" in result.err) == ("", True)


def test_one_block_in_several_places_is_written_right_in_all(tmp_path: Path) -> None:
    block = POLICY + BLOCK.replace("CIDR", "10.20.3.7/16")
    path = shop(tmp_path, LISTENING, block.replace("NAME", "one"), block.replace("NAME", "two"))
    applied(tmp_path, "lint", "deploy")
    assert path.read_text("utf-8").count("cidr: 10.20.0.0/16}") == 2


def test_that_nothing_is_certain_is_said(tmp_path: Path) -> None:
    shop(tmp_path, LISTENING)
    result = podwall(tmp_path, "lint", "deploy", "--patch")
    assert (result.out, result.err) == (
        "",
        "nothing to edit of which it is certain what an edit does\n",
    )
