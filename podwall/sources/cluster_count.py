"""Notice that a stack deploys to several clusters, which one picture would mix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from podwall.plan import Plan, PlannedResource
from podwall.policies.errors import Place
from podwall.policies.findings import Finding, Severity

__all__ = ["several_clusters"]

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
