"""What the pack shares with `podwall lint`: on one state both say the same, as documented."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from podwall.cli import main
from podwall.guardrails.pack import rules
from podwall.guardrails.rules.analysis import GROUPS, JUDGED_ELSEWHERE, LINT_RULES
from podwall.lint import GUARDRAILS, LINTS
from tests.guardrails.packs import (
    RECORDINGS,
    TODAY,
    State,
    judged,
    messages,
    objects,
    recorded,
    shared,
)
from tests.lint.cases import DENY, SHOP, namespace, pod, policy, service

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guardrails.md").read_text(encoding="utf-8")
DENYING = "namespace-without-default-deny"
BOTH = {DENYING: {"directions": ["ingress", "egress"]}}
DENY_INGRESS = policy("podSelector: {}, policyTypes: [Ingress]", "deny")
IPV6 = "podSelector: {}, egress: [{to: [{ipBlock: {cidr: 2001:db8::/32}}]}]"
PUBLIC = (
    "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}, "
    "annotations: {podwall.dev/ignore: 'workload-open: the front door'}}}"
)
STACKS = {
    "a typing error": (SHOP, DENY, pod("web"), policy("podSelector: {matchLabels: {app: wbe}}")),
    "no way to names": (pod("web"), policy("podSelector: {}, egress: [{ports: [{port: 443}]}]")),
    "no egress at all": (pod("web"), DENY),
    "what is refused": (pod("web"), policy("podSelector: {}, ingress: [{ports: [{port: 99999}]}]")),
    "what an engine leaves out": (pod("web"), policy(IPV6), service("type: NodePort")),
    "everyone": (pod("web"), policy("podSelector: {}, ingress: [{}], egress: [{}]")),
    "a notice and a typing error": (pod("web"), DENY, policy("podSelector: {}, ingres: []", "q")),
    "silence for the pack": (PUBLIC, pod("api", where="tools"), DENY),
    "silence in vain": (PUBLIC.replace("workload-open", "workload-opem"), DENY),
    "ingress alone": (pod("web"), pod("api", where="tools"), DENY_INGRESS),
    "an empty namespace": (namespace("empty"), pod("web"), DENY),
    "the cluster's own": (pod("agent", where="kube-system"), pod("web"), DENY),
    "no policy": (SHOP, pod("web")),
}


def linted(path: Path, capsys: pytest.CaptureFixture[str]) -> list[State]:
    """Return the findings of `podwall lint` on a file."""
    main(["lint", str(path), "-o", "json"])
    found: list[State] = json.loads(capsys.readouterr().out)["findings"]
    return found


def exported(folder: Path, texts: Sequence[str]) -> tuple[Path, list[State]]:
    """Return a state that has these objects, as `pulumi stack export` writes it."""
    states = [{**state, "custom": True} for state in objects(*texts)]
    path = folder / "state.json"
    path.write_text(json.dumps({"deployment": {"resources": states}}), encoding="utf-8")
    return path, states


@pytest.fixture(params=[*STACKS, "state.json", "first.json", "cilium.json"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[State]]:
    """Return a file of Pulumi's, and the states of the resources in it."""
    name: str = request.param
    if name not in STACKS:
        return RECORDINGS / name, recorded(name)
    return exported(tmp_path, STACKS[name])


@pytest.mark.long(keep=2)
def test_the_rules_of_lint_say_what_lint_says(
    stack: tuple[Path, list[State]], capsys: pytest.CaptureFixture[str]
) -> None:
    path, states = stack
    found = judged(states)
    told = [(rule.id, said) for rule in LINT_RULES for said in messages(found, rule.id)]
    assert Counter(told) == Counter(shared(linted(path, capsys)))


@pytest.mark.long(keep=1)
def test_both_miss_the_same_default_denies(
    stack: tuple[Path, list[State]], capsys: pytest.CaptureFixture[str]
) -> None:
    path, states = stack
    findings = [each for each in linted(path, capsys) if each["id"] == DENYING]
    noted = {pair for each in findings for pair in _missing(each["message"])}
    warned = {_missing(each["message"])[0][0] for each in findings if each["severity"] == "warning"}
    told = {pair for said in messages(judged(states, BOTH), DENYING) for pair in _missing(said)}
    by_default = {_missing(said)[0][0] for said in messages(judged(states), DENYING)}
    assert {pair for pair in noted if pair[0] != "kube-system"} == {
        pair for pair in told if pair[0] in {name for name, _ in noted}
    }
    assert warned - {"kube-system"} == by_default & {name for name, _ in noted}


@pytest.mark.parametrize(
    ("name", "only_the_pack", "only_lint"),
    [
        pytest.param("an empty namespace", {"empty"}, set(), id="a namespace without pods"),
        pytest.param("no policy", {"shop"}, set(), id="a stack without a policy"),
        pytest.param("the cluster's own", set(), {"kube-system"}, id="a namespace of AKS"),
        pytest.param("ingress alone", set(), {"shop"}, id="egress, of which lint makes a note"),
    ],
)
def test_where_the_two_look_at_namespaces_differently(
    name: str,
    only_the_pack: set[str],
    only_lint: set[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, states = exported(tmp_path, STACKS[name])
    findings = [each["message"] for each in linted(path, capsys) if each["id"] == DENYING]
    noted = {_missing(message)[0][0] for message in findings}
    told = {_missing(said)[0][0] for said in messages(judged(states), DENYING)}
    assert (told - noted, noted - told) == (only_the_pack, only_lint)


def _missing(message: str) -> list[tuple[str, str]]:
    """Return the namespace that a message is about, with each direction that it misses."""
    said = re.search(r"namespace `(.+?)` has no policy that denies (.+) by default", message)
    assert said is not None
    return [(said[1], direction) for direction in said[2].split(" and ")]


def test_the_documentation_says_which_findings_each_rule_shares() -> None:
    _, _, section = PAGE.partition("## What it shares with `podwall lint`")
    rows = [row.split(" | ") for row in section.partition("\n## ")[0].splitlines()]
    shared_ids = {row[0][2:]: set(re.findall(r"`([a-z0-9-]+)`", row[1])) for row in rows if row[1:]}
    assert {rule.id for rule in LINT_RULES} <= {name.strip("`") for name in shared_ids}
    for group, ids in GROUPS.items():
        assert shared_ids[f"`{group}`"] == ids
    others = [ids for name, ids in shared_ids.items() if name.strip("`") not in GROUPS]
    assert set().union(*others) == JUDGED_ELSEWHERE


def test_lint_knows_what_only_the_pack_says() -> None:
    assert {rule.id for rule in rules(TODAY)} > GUARDRAILS
    assert GUARDRAILS.isdisjoint(each.id for each in LINTS)
