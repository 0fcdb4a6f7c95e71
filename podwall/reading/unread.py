"""Judge the objects that are not part of a snapshot: most do not matter, some do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from podwall.policies.findings import Finding, Severity
from podwall.reading.metadata import KubernetesObject

__all__ = ["removed_version", "unread"]

#: Policies that are not Kubernetes' own NetworkPolicy and change who reaches whom.
OTHER_POLICIES: Final = {
    ("cilium.io", "CiliumNetworkPolicy"),
    ("cilium.io", "CiliumClusterwideNetworkPolicy"),
    ("crd.projectcalico.org", "NetworkPolicy"),
    ("crd.projectcalico.org", "GlobalNetworkPolicy"),
    ("projectcalico.org", "NetworkPolicy"),
    ("projectcalico.org", "GlobalNetworkPolicy"),
    ("policy.networking.k8s.io", "AdminNetworkPolicy"),
    ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy"),
    ("policy.networking.k8s.io", "ClusterNetworkPolicy"),
}
FORMER_GROUP: Final = "extensions"
FORMER_KINDS: Final = {
    "NetworkPolicy": "networking.k8s.io/v1",
    "DaemonSet": "apps/v1",
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
}
DEPRECATION_GUIDE: Final = "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"


def unread(item: KubernetesObject) -> Iterator[Finding]:
    """Yield a finding if an object of a kind that is not read could still change the verdicts."""
    if (item.group, item.kind) in OTHER_POLICIES:
        yield Finding(
            "policy-kind-not-analysed",
            Severity.WARNING,
            f"{item.kind} `{item.name}` may allow or deny traffic, and is not taken into account",
            item.place,
            "verdicts hold for Kubernetes NetworkPolicies alone",
        )
    if item.group == FORMER_GROUP and item.kind in FORMER_KINDS:
        yield removed_version(item, FORMER_KINDS[item.kind])


def removed_version(item: KubernetesObject, current: str) -> Finding:
    """Return the finding on an object of a version that the API server no longer serves."""
    return Finding(
        "removed-api-version",
        Severity.ERROR,
        f"no current API server knows {item.kind} of `{item.manifest['apiVersion']}`",
        item.place.at("apiVersion"),
        f"write `apiVersion: {current}`; the object is left out",
        DEPRECATION_GUIDE,
    )
