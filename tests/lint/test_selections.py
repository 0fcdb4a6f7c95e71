"""Policies and peers that select nothing, told apart by the reason."""

from __future__ import annotations

import pytest

from podwall.lint import lint
from podwall.policies.errors import Severity
from podwall.reachability import reachability
from podwall.reading import Document, snapshot
from tests.lint.cases import SHOP, findings, namespace, pod, policy, said

WEB = pod("web")
HOST = pod("web", "hostNetwork: true")
OF_WEB = "podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]"


def from_peer(peer: str) -> str:
    return policy(f"{OF_WEB}, ingress: [{{from: [{peer}]}}]")


@pytest.mark.parametrize(
    ("id_", "documents", "expected"),
    [
        pytest.param(
            "policy-without-namespace",
            (WEB, policy(OF_WEB, where="shpo")),
            ["2 metadata.namespace"],
            id="a namespace without pods",
        ),
        pytest.param("policy-without-namespace", (WEB, policy(OF_WEB)), [], id="one with pods"),
        pytest.param(
            "policy-without-pods",
            (pod("api"), policy(OF_WEB)),
            ["2 spec.podSelector"],
            id="a label that no pod has",
        ),
        pytest.param("policy-without-pods", (WEB, policy(OF_WEB)), [], id="a label that one has"),
        pytest.param(
            "policy-on-host-network",
            (HOST, policy(OF_WEB)),
            ["2 spec.podSelector"],
            id="only pods on the host network",
        ),
        pytest.param(
            "policy-on-host-network",
            (HOST, pod("web2", app="web"), policy(OF_WEB)),
            [],
            id="other pods, too",
        ),
        pytest.param(
            "peer-without-pods",
            (WEB, from_peer("{podSelector: {matchLabels: {app: frontend}}}")),
            ["2 spec.ingress[0].from[0]"],
            id="a peer that no pod is",
        ),
        pytest.param(
            "peer-without-pods",
            (WEB, from_peer("{podSelector: {matchLabels: {app: web}}}")),
            [],
            id="a peer that a pod is",
        ),
        pytest.param(
            "peer-without-pods",
            (
                WEB,
                from_peer(
                    "{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: kube-dns}}}"
                ),
            ),
            [],
            id="the cluster's DNS, which is in every cluster and in few sources",
        ),
        pytest.param(
            "peer-without-pods",
            (WEB, from_peer("{podSelector: {matchLabels: {k8s-app: kube-dns}}}")),
            ["2 spec.ingress[0].from[0]"],
            id="the cluster's DNS, looked for in the wrong namespace",
        ),
        pytest.param(
            "peer-without-namespace",
            (SHOP, WEB, from_peer("{namespaceSelector: {matchLabels: {team: a}}}")),
            ["3 spec.ingress[0].from[0]"],
            id="namespaces that do not exist",
        ),
        pytest.param(
            "peer-without-namespace",
            (
                SHOP,
                WEB,
                from_peer(
                    "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}"
                ),
            ),
            [],
            id="a namespace by name, which another source may declare",
        ),
        pytest.param(
            "peer-without-namespace",
            (WEB, from_peer("{namespaceSelector: {matchLabels: {team: a}}}")),
            [],
            id="namespaces whose labels are not known",
        ),
        pytest.param(
            "peer-on-host-network",
            (
                WEB,
                pod("agent", "hostNetwork: true"),
                from_peer("{podSelector: {matchLabels: {app: agent}}}"),
            ),
            ["3 spec.ingress[0].from[0]"],
            id="a peer on the host network",
        ),
    ],
)
def test_what_selects_nothing(id_: str, documents: tuple[str, ...], expected: list[str]) -> None:
    assert said(id_, *documents) == expected


def test_a_label_that_is_almost_right_is_suggested() -> None:
    asked = from_peer("{podSelector: {matchLabels: {role: fronted}}}")
    (finding,) = [
        each
        for each in findings((WEB, pod("x", role="frontend"), asked))
        if each.id == "peer-without-pods"
    ]
    assert finding.help == "did you mean `role=frontend`?"


def test_a_default_deny_for_pods_to_come_is_only_worth_knowing() -> None:
    deny = policy("podSelector: {}, policyTypes: [Ingress]", where="later")
    (finding,) = [each for each in findings((WEB, deny)) if each.id == "policy-without-namespace"]
    assert finding.severity is Severity.INFO


RELEASE = """
kind: HelmRelease
apiVersion: helm.toolkit.fluxcd.io/v2
metadata: {name: cache, namespace: %s}
spec: {chart: {spec: {chart: cache}}}
"""


@pytest.mark.parametrize(
    ("namespace", "severity"), [("shop", Severity.INFO), ("other", Severity.WARNING)]
)
@pytest.mark.parametrize(
    ("id_", "documents"),
    [
        ("policy-without-pods", (WEB, policy("podSelector: {matchLabels: {app: cache}}"))),
        ("policy-without-namespace", (policy("podSelector: {matchLabels: {app: cache}}"),)),
        ("peer-without-pods", (WEB, from_peer("{podSelector: {matchLabels: {app: cache}}}"))),
    ],
)
def test_what_is_not_read_may_make_the_pods(
    id_: str, documents: tuple[str, ...], namespace: str, severity: Severity
) -> None:
    (finding,) = [each for each in findings((*documents, RELEASE % namespace)) if each.id == id_]
    made = ": HelmRelease `shop/cache`, which is not read, may make such pods"
    assert finding.severity is severity
    assert finding.message.endswith(made) == (severity is Severity.INFO)


def test_pods_in_any_namespace_may_be_in_another_source() -> None:
    anywhere = from_peer("{namespaceSelector: {}, podSelector: {matchLabels: {app: gateway}}}")
    (finding,) = [each for each in findings((WEB, anywhere)) if each.id == "peer-without-pods"]
    assert finding.severity is Severity.INFO


def test_only_of_a_complete_source_is_it_said_that_there_is_no_pod() -> None:
    asked = from_peer("{podSelector: {matchLabels: {app: gateway}}}")
    part, whole = findings((WEB, asked)), findings((WEB, asked), complete=True)
    messages = [each.message for each in (*part, *whole) if each.id == "peer-without-pods"]
    assert messages == [
        "no pod here that the peer could mean has `app=gateway`",
        "no pod that the peer could mean has `app=gateway`",
    ]


def test_in_a_complete_source_a_namespace_by_name_is_looked_for() -> None:
    manifest = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": "shop"},
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [
                        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "x"}}}
                    ]
                }
            ],
        },
    }
    found = lint(reachability(snapshot([Document(manifest)], complete=True).snapshot))
    assert "peer-without-namespace" in {finding.id for finding in found}


def test_a_namespace_that_exists_without_pods() -> None:
    peer = from_peer("{namespaceSelector: {matchLabels: {team: a}}}")
    documents = (SHOP, namespace("tools", team="a"), WEB, peer)
    assert said("peer-without-namespace", *documents) == []
    assert said("peer-without-pods", *documents) == ["4 spec.ingress[0].from[0]"]
