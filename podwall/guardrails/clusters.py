"""What the rules about clusters have in common: how they judge a property, or can't."""

from __future__ import annotations

from typing import Final, NamedTuple

from podwall.aks.inputs import choice, leaf
from podwall.aks.network_engine import DATAPLANE, PLUGIN, PLUGIN_MODE, POLICY, declared_engine
from podwall.aks.refusal import LEARN
from podwall.guardrails.guardrail import Judgements, UndeterminedJudgement
from podwall.plan import PlannedResource
from podwall.plan.cluster import unread_cluster
from podwall.policies.errors import Finding, Place, Severity
from podwall.policies.unknown import Unknown

__all__ = [
    "ClusterProblem",
    "cluster_finding",
    "undetermined_cluster",
    "undetermined_engine",
    "undetermined_leaves",
]


def undetermined_cluster(cluster: PlannedResource) -> UndeterminedJudgement:
    """Return what every rule answers about a cluster that is not recognised."""
    return UndeterminedJudgement(unread_cluster(cluster), Place(cluster.urn))


_CHOICES: Final = frozenset({DATAPLANE, PLUGIN, PLUGIN_MODE, POLICY})


def undetermined_engine(cluster: PlannedResource) -> Judgements:
    """Yield a judgement if it is not known which engine a cluster has, or whether it has any."""
    engine = declared_engine(cluster.inputs)
    if isinstance(engine, Unknown):
        yield UndeterminedJudgement(
            f"the engine of cluster `{cluster.name}` is not known: {engine.cause}",
            Place(cluster.urn, path=POLICY),
        )


def undetermined_leaves(cluster: PlannedResource, *paths: str) -> Judgements:
    """Yield a judgement for every one of these paths that is not known yet."""
    for path in paths:
        found = (choice if path in _CHOICES else leaf)(cluster.inputs, path)
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
