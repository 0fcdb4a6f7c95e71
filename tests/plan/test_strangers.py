"""Labels that a policy asks for and nothing carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from podwall.reading import Document, snapshot
from podwall.strangers import strangers
from policies.errors import Place
from policies.findings import Finding, Severity
from policies.unknown import Unknown

NAME = "kubernetes.io/metadata.name"
FRONTEND = {"role": "frontend"}


def pod(labels: Any, namespace: str = "shop") -> Document:
    metadata = {"name": "web", "namespace": namespace, "labels": labels}
    return Document({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})


def policy(spec: Mapping[str, Any], namespace: str = "shop") -> Document:
    manifest = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p", "namespace": namespace},
        "spec": spec,
    }
    return Document(manifest, Place("shop.yaml", 7))


def found(*documents: Document) -> list[Finding]:
    return list(strangers(snapshot(documents).snapshot))


def selecting(**labels: str) -> Mapping[str, Any]:
    return {"podSelector": {"matchLabels": labels}}


def ingress_from(*peers: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"podSelector": {}, "ingress": [{"from": list(peers)}]}


def test_a_label_that_nothing_carries_is_a_warning_with_a_suggestion() -> None:
    (finding,) = found(pod(FRONTEND), policy(selecting(role="frontnd")))
    assert finding == Finding(
        "stranger-label",
        Severity.WARNING,
        "policy `shop/p` asks for `role=frontnd`, which no pod has",
        Place("shop.yaml", 7, "spec.podSelector"),
        help="did you mean `role=frontend`?",
    )


def test_a_peers_label_is_placed_at_the_peer() -> None:
    (finding,) = found(
        pod(FRONTEND), policy(ingress_from({"podSelector": {}}, selecting(role="x")))
    )
    assert finding.place.path == "spec.ingress[0].from[1].podSelector"


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"podSelector": {}}, id="all pods"),
        pytest.param(selecting(role="frontend"), id="a label that a pod has"),
        pytest.param(
            {"podSelector": {"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}},
            id="the absence of a label",
        ),
        pytest.param(
            {
                "podSelector": {
                    "matchExpressions": [
                        {"key": "role", "operator": "In", "values": ["x", "frontend"]}
                    ]
                }
            },
            id="one of several values",
        ),
        pytest.param(
            ingress_from(
                {**selecting(a="b"), "namespaceSelector": {"matchLabels": {NAME: "kube-system"}}}
            ),
            id="pods of a namespace that is not here",
        ),
        pytest.param(selecting(role=Unknown("later")), id="a label that is not known yet"),  # type: ignore[arg-type]  # as a plan has it
    ],
)
def test_nothing_is_said_of(spec: Mapping[str, Any]) -> None:
    assert found(pod(FRONTEND), policy(spec)) == []


def test_nothing_is_said_while_a_pods_labels_are_not_known() -> None:
    stranger = policy(selecting(role="x"))
    assert found(pod({"role": Unknown("later")}), stranger) == []
    assert found(pod(Unknown("later")), stranger) == []


def test_nothing_is_said_where_no_workload_is_planned() -> None:
    assert found(policy(selecting(role="x"))) == []
    assert found(pod(FRONTEND, "other"), policy(selecting(role="x"))) == []


def test_a_key_that_must_exist_is_asked_for_by_its_name() -> None:
    exists = {"podSelector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}}
    (finding,) = found(pod(FRONTEND), policy(exists))
    assert finding.message == "policy `shop/p` asks for `tier`, which no pod has"
    assert finding.help == "label a workload so, or change the policy"
