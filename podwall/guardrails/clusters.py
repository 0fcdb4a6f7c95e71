"""What the rules about clusters have in common: how they judge a property, or can't."""

from __future__ import annotations

from typing import NamedTuple

from podwall.aks.inputs import leaf
from podwall.aks.refusal import LEARN
from podwall.guardrails.guardrail import Judgements, UndeterminedJudgement
from podwall.plan import PlannedResource
from podwall.plan.cluster import unread_cluster
from podwall.policies.errors import Finding, Place, Severity
from podwall.policies.unknown import Unknown

__all__ = ["ClusterProblem", "cluster_finding", "undetermined_cluster", "undetermined_leaves"]


def undetermined_cluster(cluster: PlannedResource) -> UndeterminedJudgement:
    """Return what every rule answers about a cluster that is not recognised."""
    return UndeterminedJudgement(unread_cluster(cluster), Place(cluster.urn))


def undetermined_leaves(cluster: PlannedResource, *paths: str) -> Judgements:
    """Yield a judgement for every one of these paths that is not known yet."""
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


def cluster_finding(cluster: PlannedResource, path: str, problem: ClusterProblem) -> Finding:
    """Return the finding that something is wrong with a property of a cluster."""
    id_, message, help_, page = problem
    place = Place(cluster.urn, path=path)
    return Finding(id_, Severity.ERROR, message, place, help_, f"{LEARN}/{page}")
