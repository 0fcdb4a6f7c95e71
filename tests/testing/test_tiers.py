"""Statements about clusters whose policies stand in tiers: they name the tier and its rule."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from podwall.policies import Ports, tcp
from podwall.testing import Reach, reach_of_source
from podwall.testing.reach import reason
from tests.testing.programs import BASELINE, LONELY

VISITOR: Final = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: elsewhere, labels: {app: web}}
spec: {containers: [{name: web, image: web}]}
"""
GUARD: Final = """
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: Admin
  priority: 1
  subject: {namespaces: {matchLabels: {kubernetes.io/metadata.name: shop}}}
  ingress:
  - {action: Deny, from: [{pods: {podSelector: {matchLabels: {app: web}}}}]}
  - {action: Accept, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: other}}}]}
"""
BY_DEFAULT: Final = """
apiVersion: policy.networking.k8s.io/v1beta1
kind: ClusterNetworkPolicy
metadata: {name: by-default}
spec:
  tier: Baseline
  priority: 9
  subject: {namespaces: {}}
  ingress: [{action: Deny, from: [{namespaces: {}}]}]
"""
CILIUM: Final = """
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: closed}
spec:
  endpointSelector: {matchLabels: {"k8s:io.kubernetes.pod.namespace": other}}
  ingress: [{fromEndpoints: [{matchLabels: {app: web}}], toPorts: [{ports: [{port: "80"}]}]}]
  egress: [{toEntities: [all]}]
"""
CALICO: Final = """
apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: security}
spec: {order: 100}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: security.lonely}
spec:
  tier: security
  namespaceSelector: projectcalico.org/name == 'other'
  types: [Ingress, Egress]
  ingress: [{action: Allow, source: {selector: app == 'web'}}]
  egress: [{action: Allow}]
"""
CLUSTERS: Final = {
    "spec": (GUARD, BY_DEFAULT),
    "cilium": (CILIUM,),
    "calico": (CALICO,),
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reach]:
    folder = tmp_path_factory.mktemp("guarded")
    found = {}
    for engine, policies in CLUSTERS.items():
        path = folder / f"{engine}.yaml"
        path.write_text("---\n".join([BASELINE, LONELY, VISITOR, *policies]), encoding="utf-8")
        found[engine] = reach_of_source(path, engine=engine)
    return found


@pytest.mark.parametrize(
    ("engine", "source", "destination", "ports", "words"),
    [
        pytest.param(
            "spec", "other/lonely", "shop/db", tcp(5432),
            ("ingress allowed by ClusterNetworkPolicy guard (",
             "in the Admin tier, `spec.ingress[1]`",
             "every pod of namespace other"),
            id="an Accept that no NetworkPolicy gives",
        ),
        pytest.param(
            "cilium", "elsewhere/web", "other/lonely", tcp(80),
            ("ingress allowed by CiliumClusterwideNetworkPolicy closed (", "in the Cilium tier",
             "app=web of every namespace on TCP 80"),
            id="an allowing rule of Cilium's",
        ),
        pytest.param(
            "calico", "shop/web", "shop/api", tcp(8080), ("by policy shop/api (",),
            id="a NetworkPolicy that the tiers leave to decide",
        ),
    ],
)  # fmt: skip
def test_what_passes_names_the_rule_of_the_tier(  # noqa: PLR0913, PLR0917 - a case
    guarded: dict[str, Reach],
    engine: str,
    source: str,
    destination: str,
    ports: Ports,
    words: tuple[str, ...],
) -> None:
    statement = guarded[engine].denies(source, destination, ports)
    assert not statement
    assert guarded[engine].allows(source, destination, ports)
    assert [each for each in words if each not in reason(statement.result)] == []


@pytest.mark.parametrize(
    ("engine", "source", "destination", "words"),
    [
        pytest.param(
            "spec", "shop/web", "shop/api",
            ("ingress denied by ClusterNetworkPolicy guard (",
             "in the Admin tier, `spec.ingress[0]`"),
            id="a Deny before a NetworkPolicy that allows",
        ),
        pytest.param(
            "spec", "shop/web", "other/lonely", ("egress denied by policy shop/closed",),
            id="the side that is asked first is a NetworkPolicy's",
        ),
        pytest.param(
            "cilium", "internet", "other/lonely",
            ("ingress denied by CiliumClusterwideNetworkPolicy closed (", "isolation tier",
             "it names pods, and the other end is outside"),
            id="isolated by Cilium's, with what was nearest",
        ),
        pytest.param(
            "calico", "internet", "other/lonely",
            ("ingress denied by Calico GlobalNetworkPolicy security.lonely (", "`spec.ingress[0]`"),
            id="isolated by the end of a tier of Calico's",
        ),
    ],
)  # fmt: skip
def test_what_does_not_pass_names_the_rule_of_the_tier(
    guarded: dict[str, Reach], engine: str, source: str, destination: str, words: tuple[str, ...]
) -> None:
    statement = guarded[engine].allows(source, destination, tcp(8080))
    assert not statement
    assert guarded[engine].denies(source, destination, tcp(8080))
    assert [each for each in words if each not in reason(statement.result)] == []


def test_a_failing_statement_goes_through_the_tiers(guarded: dict[str, Reach]) -> None:
    text = str(guarded["spec"].allows("shop/web", "shop/api", tcp(8080)))
    assert "  Admin tier: comes before NetworkPolicies\n" in text
    assert "Deny decides TCP 8080, it names pods with app=web of every namespace" in text


def test_equal_priorities_are_neither_allowed_nor_denied(tmp_path: Path) -> None:
    other = GUARD.replace("name: guard", "name: other").replace("Deny", "Accept")
    path = tmp_path / "equal.yaml"
    path.write_text(f"{BASELINE}---{GUARD}---{other}", encoding="utf-8")
    reach = reach_of_source(path, engine="spec")
    for statement in (
        reach.allows("shop/web", "shop/api", tcp(8080)),
        reach.denies("shop/web", "shop/api", tcp(8080)),
    ):
        assert not statement
        assert "policies `guard` and `other` have the same priority" in repr(statement)


def test_what_is_idle_decides_nothing_and_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "idle.yaml"
    path.write_text(f"{BASELINE}---{GUARD}", encoding="utf-8")
    reach = reach_of_source(path, engine="azure")
    assert reach.allows("shop/web", "shop/api", tcp(8080))
    with pytest.raises(AssertionError, match="guard is written, and idle under azure"):
        reach.assert_no_findings("warning")


@pytest.mark.parametrize("engine", ["cilium", "calico"])
def test_a_policy_of_a_tier_that_denies_the_rest_isolates(
    guarded: dict[str, Reach], engine: str
) -> None:
    guarded[engine].assert_isolated("other/lonely", "ingress")
    with pytest.raises(AssertionError) as caught:
        guarded[engine].assert_isolated("other/lonely")
    assert "other/lonely is open for egress: " in str(caught.value)
    assert "allows everyone on all ports in spec.egress[0]" in str(caught.value)


def test_a_deny_of_all_pods_isolates_from_pods_alone(guarded: dict[str, Reach]) -> None:
    guarded["spec"].assert_isolated("shop/api", "ingress")
    policy = f"ClusterNetworkPolicy by-default ({_place(guarded['spec'])})"
    with pytest.raises(AssertionError) as caught:
        guarded["spec"].assert_isolated("other/lonely", "ingress")
    assert str(caught.value).splitlines()[:2] == [
        "no policy isolates other/lonely for ingress",
        f"  {policy} decides what its rules name, and isolates nothing",
    ]
    assert guarded["spec"].allows("internet", "other/lonely", tcp(80))


def _place(reach: Reach) -> str:
    (policy,) = (each for each in reach.found.snapshot.tier_policies if each.name == "by-default")
    return str(policy.place)
