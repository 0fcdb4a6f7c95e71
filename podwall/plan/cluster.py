"""Read off a plan what the cluster will be: engine, version, addresses of pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from podwall.model import IpNetwork
from podwall.plan.model import Change, Plan
from podwall.reading import Cluster

__all__ = ["planned_cluster"]

_AKS = "azure-native:containerservice"


def planned_cluster(plan: Plan) -> Cluster:
    """Return what the plan's AKS cluster declares, or nothing where there is not exactly one.

    Without a network policy engine the cluster has none: AKS enforces no policy unless asked to
    (https://learn.microsoft.com/azure/aks/use-network-policies), except in an Automatic cluster.
    """
    found = [
        resource.inputs
        for resource in plan.resources
        if resource.type.startswith(_AKS)
        and resource.type.endswith(":ManagedCluster")
        and resource.change not in {Change.DELETE, Change.READ}
    ]
    if len(found) != 1:
        return Cluster()
    network = _mapping(found[0].get("networkProfile"))
    return Cluster(
        engine=_engine(found[0], network),
        kubernetes_version=_minor(found[0].get("kubernetesVersion")),
        pod_cidrs=tuple(_pod_cidrs(network)),
    )


def _engine(inputs: Mapping[str, Any], network: Mapping[str, Any]) -> str | None:
    automatic = _mapping(inputs.get("sku")).get("name") == "Automatic"
    engine = network.get("networkPolicy", "cilium" if automatic else "none")
    return engine if isinstance(engine, str) else None


def _minor(version: Any) -> str | None:
    """Return `major.minor` of a version, which may also name a patch."""
    return ".".join(version.split(".")[:2]) if isinstance(version, str) else None


def _pod_cidrs(network: Mapping[str, Any]) -> Iterator[IpNetwork]:
    """Yield the ranges that pods get addresses from; without an overlay that is a subnet."""
    overlay = network.get("networkPluginMode") == "overlay"
    if overlay or network.get("networkPlugin") == "kubenet":
        for cidr in network.get("podCidrs") or [network.get("podCidr")]:
            if isinstance(cidr, str):
                yield ip_network(cidr, strict=False)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
