"""Notice that a deployment would replace or delete a whole cluster, or change its engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from podwall.engines import engine_change
from podwall.plan.cluster import planned_cluster
from podwall.plan.model import Change, Plan, PlannedResource
from podwall.policies.findings import Finding, Severity

__all__ = ["changed_clusters", "engine_changes", "replaced_clusters"]

_LINK = "https://learn.microsoft.com/azure/aks/use-network-policies"
_WORDS = {Change.REPLACE: "replaces", Change.DELETE: "deletes"}


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
    deleted = tuple(replace(each, change=Change.DELETE) for each in gone)
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
