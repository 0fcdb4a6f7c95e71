"""Which objects count as policies that are not read, and where they act."""

from __future__ import annotations

from typing import Any, Final

import pytest

from podwall.model import UnreadPolicy
from podwall.reading import Document, snapshot

NODES: Final[dict[str, Any]] = {"ingress": [{"fromNodes": [{}]}]}
"""What is not read of a policy of Cilium's."""


def read(api: str, kind: str, spec: Any = None, namespace: str = "shop") -> UnreadPolicy:
    metadata = {"name": "x", "namespace": namespace}
    manifest = {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec or NODES}
    [found] = snapshot([Document(manifest)]).snapshot.unread_policies
    return found


@pytest.mark.parametrize(
    ("api", "kind", "namespace"),
    [
        ("cilium.io/v2", "CiliumNetworkPolicy", "shop"),
        ("cilium.io/v2", "CiliumClusterwideNetworkPolicy", None),
        ("crd.projectcalico.org/v1", "GlobalNetworkPolicy", None),
        ("projectcalico.org/v3", "NetworkPolicy", "shop"),
        ("policy.networking.k8s.io/v1", "ClusterNetworkPolicy", None),
        ("crd.antrea.io/v1beta1", "ClusterNetworkPolicy", None),
        ("security.istio.io/v1", "AuthorizationPolicy", "shop"),
        ("k8s.ovn.org/v1", "EgressFirewall", "shop"),
    ],
)
def test_it_acts_in_its_namespace_or_everywhere(api: str, kind: str, namespace: str | None) -> None:
    assert read(api, kind).namespace == namespace


def test_istio_reads_those_of_its_root_namespace_for_the_whole_mesh() -> None:
    assert read("security.istio.io/v1", "AuthorizationPolicy", {}, "istio-system").namespace is None


@pytest.mark.parametrize(
    ("spec", "is_narrow"),
    [
        pytest.param({"endpointSelector": {"matchLabels": {"app": "web"}}}, True, id="labels"),
        pytest.param({"endpointSelector": {"matchLabels": {"k8s:app": "web"}}}, False, id="source"),
        pytest.param({"endpointSelector": {}}, False, id="everything"),
        pytest.param({"endpointSelector": 7}, False, id="nonsense"),
        pytest.param({"nodeSelector": {}}, False, id="nodes"),
    ],
)
def test_only_a_selector_that_means_what_one_of_kubernetes_means_narrows(
    spec: Any, *, is_narrow: bool
) -> None:
    found = read("cilium.io/v2", "CiliumNetworkPolicy", {**spec, **NODES})
    assert bool(found.pods.requirements) == is_narrow


def test_what_decides_nothing_about_pods_is_none() -> None:
    manifest = {"apiVersion": "security.istio.io/v1", "kind": "RequestAuthentication"}
    read_ = snapshot([Document({**manifest, "metadata": {"name": "x", "namespace": "shop"}})])
    assert not read_.snapshot.unread_policies
