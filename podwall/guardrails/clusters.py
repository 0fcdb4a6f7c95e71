"""Read AKS clusters and their node pools off a plan, with what is unknown in its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from podwall.guardrails.guardrail import Judgements, UndeterminedJudgement
from podwall.plan import Plan, PlannedResource
from podwall.policies.errors import Finding, Place, Severity
from podwall.policies.unknown import Unknown

__all__ = [
    "LEARN",
    "ClusterProblem",
    "cluster_finding",
    "clusters",
    "is_cluster",
    "leaf",
    "pools",
    "undetermined_leaves",
]


API: Final = "azure-native:containerservice"
LEARN: Final = "https://learn.microsoft.com/azure/aks"


def is_cluster(type_: str) -> bool:
    """Say whether a type token is that of an AKS cluster, in any version of its API."""
    return type_.startswith(API) and type_.endswith(":ManagedCluster")


def clusters(plan: Plan) -> Iterator[PlannedResource]:
    """Yield the AKS clusters of a plan."""
    return (each for each in plan.resources if is_cluster(each.type))


def leaf(inputs: Mapping[str, Any], path: str) -> object:
    """Return the value at a dotted path, None where it is absent, the Unknown that hides it.

    >>> leaf({"networkProfile": {"networkPolicy": "azure"}}, "networkProfile.networkPolicy")
    'azure'
    """
    found: object = inputs
    for key in path.split("."):
        if isinstance(found, Unknown):
            return found
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def undetermined_leaves(cluster: PlannedResource, *paths: str) -> Judgements:
    """Yield a doubt for every one of these paths that is not known yet."""
    for path in paths:
        found = leaf(cluster.inputs, path)
        if isinstance(found, Unknown):
            yield UndeterminedJudgement(found.cause, Place(cluster.urn, path=path))


class ClusterProblem(NamedTuple):
    """What is wrong with a cluster; `page` is one of the AKS documentation."""

    id: str
    message: str
    help: str
    page: str


def cluster_finding(cluster: PlannedResource, path: str, complaint: ClusterProblem) -> Finding:
    """Return the finding that something is wrong with a property of a cluster."""
    id_, message, help_, page = complaint
    place = Place(cluster.urn, path=path)
    return Finding(id_, Severity.ERROR, message, place, help_, f"{LEARN}/{page}")


def pools(plan: Plan, cluster: PlannedResource) -> Iterator[Mapping[str, Any] | Unknown]:
    """Yield the inputs of a cluster's node pools: its own, and those that are resources."""
    inline = cluster.inputs.get("agentPoolProfiles") or ()
    if isinstance(inline, Unknown):
        yield inline
    else:
        yield from (each for each in inline if isinstance(each, Mapping | Unknown))
    alone = sum(1 for _ in clusters(plan)) == 1
    separate = (each for each in plan.resources if _is_pool(each.type))
    yield from (each.inputs for each in separate if alone or _belongs(each, cluster))


def _is_pool(type_: str) -> bool:
    return type_.startswith(API) and type_.endswith(":AgentPool")


def _belongs(pool: PlannedResource, cluster: PlannedResource) -> bool:
    named = pool.inputs.get("resourceName")
    depends = cluster.urn in {*pool.dependencies, pool.parent}
    return depends or (isinstance(named, str) and named == cluster.inputs.get("resourceName"))
