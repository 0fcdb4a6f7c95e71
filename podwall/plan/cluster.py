"""What a plan says about its AKS cluster: engine, version, pod ranges, and whether it survives.

Where objects go to more than one cluster of the plan, one picture mixes them, and a finding says
so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_network
from typing import Any, Final

from podwall.engines import engine_change, minor_version
from podwall.model import IpNetwork
from podwall.plan.model import Operation, Plan, PlannedResource
from podwall.policies.errors import Finding, Place, Severity
from podwall.reading import DeclaredCluster

__all__ = [
    "changed_clusters",
    "engine_changes",
    "planned_cluster",
    "replaced_clusters",
    "several_clusters",
]


_AKS = "azure-native:containerservice"


def planned_cluster(plan: Plan) -> DeclaredCluster:
    """Return what the plan's AKS cluster declares, or nothing where there is not exactly one.

    Without a network policy engine the cluster has none: AKS enforces no policy unless asked to
    (https://learn.microsoft.com/azure/aks/use-network-policies), except in an Automatic cluster.
    """
    found = [
        resource.inputs
        for resource in plan.resources
        if resource.type.startswith(_AKS)
        and resource.type.endswith(":ManagedCluster")
        and resource.change not in {Operation.DELETE, Operation.READ}
    ]
    if len(found) != 1:
        return DeclaredCluster()
    network = _mapping(found[0].get("networkProfile"))
    return DeclaredCluster(
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
    found = minor_version(version) if isinstance(version, str) else None
    return None if found is None else f"{found[0]}.{found[1]}"


def _pod_cidrs(network: Mapping[str, Any]) -> Iterator[IpNetwork]:
    """Yield the ranges that pods get addresses from; without an overlay that is a subnet."""
    overlay = network.get("networkPluginMode") == "overlay"
    if overlay or network.get("networkPlugin") == "kubenet":
        for cidr in network.get("podCidrs") or [network.get("podCidr")]:
            if isinstance(cidr, str):
                yield ip_network(cidr, strict=False)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


_LINK = "https://learn.microsoft.com/azure/aks/use-network-policies"
_WORDS = {Operation.REPLACE: "replaces", Operation.DELETE: "deletes"}


def replaced_clusters(plan: Plan) -> Iterator[Finding]:
    """Yield an error for every AKS cluster that would not survive the deployment."""
    for resource in plan.resources:
        if resource.type.endswith(":ManagedCluster") and resource.change in _WORDS:
            yield Finding(
                f"cluster-{resource.change.value}",
                Severity.ERROR,
                f"the deployment {_WORDS[resource.change]} the AKS cluster `{resource.name}`, "
                f"with everything that runs in it{_because(resource)}",
                resource.place,
                help="change the cluster with `az aks update` first, then `pulumi refresh`",
                link=_LINK,
            )


def changed_clusters(before: Plan, after: Plan) -> Iterator[Finding]:
    """Yield an error for every AKS cluster that is replaced or lost, or gets another engine."""
    yield from replaced_clusters(after)
    kept = {resource.urn for resource in after.resources}
    gone = (each for each in before.resources if each.urn not in kept)
    deleted = tuple(replace(each, change=Operation.DELETE) for each in gone)
    yield from replaced_clusters(replace(before, resources=deleted))
    yield from engine_changes(before, after)


def engine_changes(before: Plan, after: Plan) -> Iterator[Finding]:
    """Yield an error if what enforces the policies of the one cluster changes."""
    old, new = planned_cluster(before).engine, planned_cluster(after).engine
    if old is not None and new is not None:
        yield from engine_change(old, new)


def _because(resource: PlannedResource) -> str:
    paths = ", ".join(f"`{path}`" for path in resource.replaced_by)
    return f", because of {paths}" if paths else ""


PROVIDER: Final = "pulumi:providers:kubernetes"
CLUSTER: Final = ":ManagedCluster"


def several_clusters(plan: Plan) -> Iterator[Finding]:
    """Yield a finding if the objects of a plan go to more than one AKS cluster of the plan."""
    by_urn = {resource.urn: resource for resource in plan.resources}
    providers = {item.provider for item in plan.resources if item.type.startswith("kubernetes:")}
    targets = {
        dependency
        for urn in providers
        if urn in by_urn and by_urn[urn].type == PROVIDER
        for dependency in by_urn[urn].dependencies
        if _is_cluster(by_urn.get(dependency))
    }
    if len(targets) > 1:
        names = ", ".join(sorted(f"`{by_urn[urn].name}`" for urn in targets))
        yield Finding(
            "several-clusters",
            Severity.WARNING,
            f"the stack deploys to {len(targets)} clusters ({names}), shown here as one",
            Place(min(targets)),
            "read their objects apart, or give each cluster a stack of its own",
        )


def _is_cluster(resource: PlannedResource | None) -> bool:
    return resource is not None and resource.type.endswith(CLUSTER)
