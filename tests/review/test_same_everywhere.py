"""The same stack is judged alike, in whatever form it comes and whatever asks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from podwall.planners import source_of_preview
from podwall.policies import Severity
from podwall.policies.errors import InvalidValue
from podwall.reading import ObjectStatus
from podwall.review import Review, review
from podwall.sources import Source, in_cluster, source
from tests.cli.running import podwall
from tests.plan.projects import project_in
from tests.review.sources import FORMS, manifest, opened

CLUSTER = "azure-native:containerservice:ManagedCluster"
POD = manifest("Pod", "web", spec={"containers": [{"name": "web", "image": "web"}]})
RECORDED = Path(__file__).resolve().parents[1] / "data" / "engine"


def _state(type_: str, name: str, inputs: Any = None, **fields: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:dev::shop::{type_}::{name}"
    return {"urn": urn, "type": type_, "custom": True, "id": urn, "inputs": inputs or {}, **fields}


def _two_clusters() -> Iterator[dict[str, Any]]:
    """Yield the states of a stack that deploys to two clusters."""
    for number in (1, 2):
        aks = _state(CLUSTER, f"aks{number}")
        kind = "pulumi:providers:kubernetes"
        provider = _state(kind, f"k8s{number}", dependencies=[aks["urn"]])
        web = _state("kubernetes:core/v1:Pod", f"web{number}", POD)
        yield from (aks, provider, {**web, "provider": f"{provider['urn']}::id"})


def _preview_of(states: list[dict[str, Any]], op: str = "create") -> dict[str, Any]:
    return {"steps": [{"op": op, "newState": each} for each in states]}


@pytest.fixture
def forms(tmp_path: Path) -> dict[str, Source]:
    """The stack of two clusters in every form that can know of a cluster."""
    states = list(_two_clusters())
    written = {"preview": _preview_of(states), "state": {"deployment": {"resources": states}}}
    found = {"the Pulumi CLI's": source_of_preview(written["preview"])}
    for name, document in written.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(document), "utf-8")
        found[name] = source(str(path))
    return found


def test_several_clusters_are_never_one_in_any_form(forms: dict[str, Source]) -> None:
    for name, each in forms.items():
        with pytest.raises(InvalidValue, match=r"2 clusters.*`k8s1` .aks1. and `k8s2` .aks2."):
            review(each)
        for cluster, web in (("k8s1", "web1"), ("aks2", "web2")):
            found = review(in_cluster(each, cluster))
            pods = [each.name for each in found.plan.resources if each.type.endswith(":Pod")]
            assert (pods, len(found.reachability.workloads)) == ([web], 1), name
        together = review(in_cluster(each, "k8s1, k8s2"))
        assert "several-clusters" in {finding.id for finding in together.reading_findings}


_TWO = """
import pulumi
import pulumi_kubernetes as k8s
from pulumi_azure_native import containerservice, resources

group = resources.ResourceGroup("group")
for number in ("1", "2"):
    aks = containerservice.ManagedCluster(f"aks{number}", resource_group_name=group.name)
    provider = k8s.Provider(f"k8s{number}", kubeconfig=aks.fqdn)
    k8s.core.v1.Pod(f"web{number}", opts=pulumi.ResourceOptions(provider=provider),
                    metadata={"name": f"web{number}"},
                    spec={"containers": [{"name": "web", "image": "web"}]})
"""


COMMANDS = (
    ("preview", "--with", "embedded"),
    ("reach",),
    ("lint",),
    ("check", "expectations.yaml"),
    ("explain", "default/web1", "0.0.0.0/0"),
    ("migrate",),
    ("suggest", "expectations.yaml"),
)


@pytest.mark.long
def test_every_command_asks_for_one_of_several_clusters(tmp_path: Path) -> None:
    project = project_in(tmp_path, _TWO)
    outside = "{name: out, from: default/web1, to: 0.0.0.0/0, expect: allowed, ports: [443]}"
    (project / "expectations.yaml").write_text(f"expectations:\n- {outside}\n", "utf-8")
    for command in COMMANDS:
        refused = podwall(project, *command)
        assert (refused.code, "deploys to 2 clusters" in refused.err) == (2, True), command
        chosen = podwall(project, *command, "--cluster", "k8s1")
        assert "2 clusters" not in chosen.err, command
        assert "web2" not in chosen.out, command
    (written,) = (project / "out").iterdir()
    assert written.name == "dev-k8s1"
    assert podwall(project, "lint", str(written / "plan.json")).code != 2
    unknown = podwall(project, "reach", "--cluster", "k8s3")
    assert (unknown.code, "did you mean `k8s" in unknown.err) == (2, True)


def test_what_a_plan_replaces_is_told_of_its_file_too(tmp_path: Path) -> None:
    states = [_state(CLUSTER, "aks"), _state("kubernetes:core/v1:Pod", "web", POD)]
    document = _preview_of(states, "replace")
    (tmp_path / "preview.json").write_text(json.dumps(document), "utf-8")
    for found in (source_of_preview(document), source(str(tmp_path / "preview.json"))):
        ids = [each.id for each in review(found).reading_findings]
        assert ids.count("cluster-replace") == 1


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_same_workloads_verdicts_and_lints(tmp_path: Path, form: str) -> None:
    deny = manifest(
        "NetworkPolicy", "deny", spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    )
    whole = review(opened(tmp_path, "manifests", [POD, deny]))
    found = review(opened(tmp_path, form, [POD, deny]))

    def seen(each: Review) -> object:
        ids = sorted({finding.id for finding in each.findings if finding.severity != "error"})
        pairs = [
            (c.source_id, c.destination_id, str(c.allowed)) for c in each.reachability.connections()
        ]
        return ids, pairs, sorted((entry.kind, entry.status) for entry in each.ledger)

    assert seen(found) == seen(whole)


def test_a_resource_that_is_deleted_brings_nothing_unseen() -> None:
    chart = _state("kubernetes:helm.sh/v4:Chart", "store", custom=False)
    pod = _state("kubernetes:core/v1:Pod", "web", POD)
    steps = [
        {"op": "delete", "oldState": chart},
        {"op": "same", "oldState": pod, "newState": pod},
    ]
    found = review(source_of_preview({"steps": steps}))
    assert [each.name for each in found.plan.resources] == ["store", "web"]
    assert (found.reading_findings, found.unread) == ((), ())


def test_a_policy_that_is_away_is_judged_by_the_engine_that_was_asked_for() -> None:
    away = source(str(RECORDED / "replaced-first.json"))
    assert "policy-away" in {each.id for each in review(away, "azure").reading_findings}
    assert "policy-away" not in {each.id for each in review(away, "none").reading_findings}


def test_every_object_is_accounted_for(tmp_path: Path) -> None:
    secret = manifest("Secret", "key")
    rollout = {**manifest("Rollout", "api"), "apiVersion": "argoproj.io/v1alpha1"}
    broken = manifest("Pod", "broken", spec=1)
    done = manifest("Pod", "done", status={"phase": "Succeeded"})
    cilium = {**manifest("CiliumNetworkPolicy", "c"), "apiVersion": "cilium.io/v2"}
    found = review(opened(tmp_path, "manifests", [POD, secret, rollout, broken, done, cilium]))
    named = {each.name: each.status for each in found.ledger}
    assert named == {
        "shop/web": ObjectStatus.READ,
        "shop/key": ObjectStatus.HARMLESS,
        "shop/api": ObjectStatus.UNREAD,
        "shop/broken": ObjectStatus.UNREAD,
        "shop/done": ObjectStatus.HARMLESS,
        "shop/c": ObjectStatus.UNREAD,
    }
    assert all(bool(each.reason) is (each.status != "read") for each in found.ledger)
    assert all(each.place.line for each in found.ledger)


def test_what_could_not_be_parsed_or_is_no_object_is_accounted_for(tmp_path: Path) -> None:
    FORMS["manifests"](tmp_path, [POD])
    (tmp_path / "broken.yaml").write_text("a: [", "utf-8")
    (tmp_path / "values.yaml").write_text("replicas: 3\n", "utf-8")
    found = review(source(str(tmp_path)))
    left = {Path(each.place.source).name: each.status for each in found.ledger if not each.kind}
    assert left == {"broken.yaml": ObjectStatus.UNREAD, "values.yaml": ObjectStatus.HARMLESS}
    assert [each.severity for each in found.refused] == [Severity.ERROR]


_ROLLOUT = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: api, namespace: shop}
"""
_EXPECTATIONS = "expectations: [{name: fine, from: shop/web, to: shop/web, expect: denied}]\n"


@pytest.mark.parametrize(
    "words",
    [
        "reach a.yaml",
        "lint a.yaml",
        "explain a.yaml shop/web 203.0.113.7",
        "check a.yaml e.yaml",
        "diff a.yaml a.yaml",
        "migrate a.yaml --to cilium",
        "suggest a.yaml e.yaml",
    ],
)
def test_every_command_names_what_it_did_not_read(tmp_path: Path, words: str) -> None:
    (tmp_path / "a.yaml").write_text(_ROLLOUT, "utf-8")
    (tmp_path / "e.yaml").write_text(_EXPECTATIONS, "utf-8")
    said = podwall(tmp_path, *words.split()).err
    assert "not read, and may change who reaches whom: Rollout shop/api" in said
    if not words.startswith("suggest"):
        shown = podwall(tmp_path, *words.split(), "-o", "json").json["unread"]
        assert [(each["kind"], each["name"], each["place"]["line"]) for each in shown] == [
            ("Rollout", "shop/api", 5)
        ]


def test_an_error_is_said_before_any_number_of_warnings(tmp_path: Path) -> None:
    policy = (
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
        "metadata: {{name: p{}, namespace: shop}}\nspec: {}\n"
    )
    ignored = "{{podSelector: {{}}, policyTypes: [Egress], ingress: [{{}}], odd{}: 1}}"
    refused = "{podSelector: {}, ingress: [{ports: [{port: 80800}]}]}"
    parts = [
        _ROLLOUT,
        *(policy.format(n, ignored.format(n)) for n in range(11)),
        policy.format(12, refused),
    ]
    (tmp_path / "a.yaml").write_text("".join(parts), "utf-8")
    said = podwall(tmp_path, "reach", "a.yaml").err.splitlines()
    assert "80800" in said[0]
    assert said[1].startswith("  help: ")
    assert said[-2] == "and 3 more findings: see `podwall lint`"


def test_what_is_found_at_several_places_is_said_once_with_the_places(tmp_path: Path) -> None:
    rule = "{from: [{podSelector: {matchLabels: {a: b c}}}]}"
    policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p%s}\n"
    spec = f"spec: {{podSelector: {{}}, ingress: [{rule}]}}\n---\n"
    (tmp_path / "a.yaml").write_text("".join(policy % n + spec for n in range(8)), "utf-8")
    said = [each for each in podwall(tmp_path, "reach", "a.yaml").err.splitlines() if "b c" in each]
    assert len(said) == 1
    assert said[0].endswith("; also at :9, :14, :19, :24, :29 and 2 more")


def test_a_remedy_that_findings_share_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [\n---\n" + _ROLLOUT + "---\nb: ]\n", "utf-8")
    said = podwall(tmp_path, "reach", "a.yaml").err
    assert said.count("malformed-yaml") == 2
    assert said.count("  help: ") <= 2


@pytest.mark.long
def test_expectations_may_come_from_the_standard_input(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(_ROLLOUT, "utf-8")
    command = [sys.executable, "-m", "podwall", "diff", "a.yaml", "a.yaml", "--expectations", "-"]
    text = _EXPECTATIONS.replace("shop/web, expect", "internet, expect")
    done = subprocess.run(
        command, cwd=tmp_path, input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "error[expectation-broken]: <stdin>:1: the expectation `fine` is broken" in done.stderr
