"""A deployment does not replace or delete a cluster."""

from __future__ import annotations

from typing import Final

from pulumi_policy import EnforcementLevel, Severity

from podwall.aks.limits import LEARN
from podwall.aks.resource_types import Replacement, cluster_replacements, may_be_cluster
from podwall.guardrails.guardrail import (
    ClusterProblem,
    DeployedSettings,
    Deployment,
    Judgements,
    StackGuardrail,
    UndeterminedJudgement,
    cluster_finding,
    undetermined_cluster,
)
from podwall.plan import Plan, PlannedResource
from podwall.plan.cluster import clusters, hidden_clusters, unrecognised_clusters
from podwall.policies.errors import Finding, Place, SourceError, Unknown
from podwall.policies.errors import Severity as FindingSeverity
from podwall.policies.wording import shown
from podwall.sources.files import read_bytes
from podwall.sources.states import is_state, state_plan
from podwall.sources.yaml_documents import BrokenJsonError, parsed_values

__all__ = ["REPLACEMENT_RULES"]


PAGE: Final = "update-azure-cni"


def _replaced(deployment: Deployment, settings: DeployedSettings) -> Judgements:
    exempt = {each.cluster for each in settings.exempt}
    before = _deployed(settings.deployed) if settings.deployed else Plan("", "")
    known = {each.urn: each for each in (*clusters(before), *unrecognised_clusters(before))}
    for cluster in (*unrecognised_clusters(deployment.plan), *hidden_clusters(deployment.plan)):
        if cluster.name not in exempt:
            yield undetermined_cluster(cluster)
    for cluster in clusters(deployment.plan):
        if cluster.name in exempt:
            continue
        if cluster.urn in known:
            yield from _changes(known[cluster.urn], cluster)
        elif not settings.deployed and _may_replace(deployment, cluster):
            yield UndeterminedJudgement(
                f"cluster `{cluster.name}` is made anew: it is either new or replaced, and only"
                " the state tells; set `deployed` to a file that `pulumi stack export` wrote",
                Place(cluster.urn),
            )
    for urn in known.keys() - deployment.resources.keys():
        if known[urn].name not in exempt:
            yield _lost(known[urn].name)


def _deployed(path: str) -> Plan:
    name, data = read_bytes(path)
    try:
        values = parsed_values(data)
    except BrokenJsonError as problem:
        raise SourceError(problem.message, place=Place(name, problem.line)) from problem
    if len(values) != 1 or not is_state(values[0]):
        raise SourceError(
            "is not the state of a stack",
            help="write it with `pulumi stack export`",
            place=Place(name),
        )
    return state_plan(values[0], Place(name))


def _changes(old: PlannedResource, new: PlannedResource) -> Judgements:
    for each in cluster_replacements(old.inputs, new.inputs):
        unknown = [value.cause for value in (each.new, each.old) if isinstance(value, Unknown)]
        if unknown:
            yield UndeterminedJudgement(unknown[0], Place(new.urn, path=each.path))
        else:
            yield _replacing(new, each)


def _replacing(cluster: PlannedResource, change: Replacement) -> Finding:
    return cluster_finding(
        cluster,
        change.path,
        ClusterProblem(
            "cluster-replaced",
            f"from {_written(change.old)} to {_written(change.new)} replaces cluster"
            f" `{cluster.name}`, with everything that runs in it",
            change.instead,
            PAGE,
        ),
    )


def _written(value: object) -> str:
    return "nothing" if value is None else shown(value)


def _may_replace(deployment: Deployment, cluster: PlannedResource) -> bool:
    """Return whether a cluster is made in a stack of which something else exists already."""
    azure = (each for each in deployment.plan.resources if each.type.startswith("azure"))
    others = [each.urn for each in azure if not may_be_cluster(each.type)]
    return cluster.urn in deployment.made and not deployment.existing.isdisjoint(others)


def _lost(name: str) -> Finding:
    return Finding(
        "cluster-replaced",
        FindingSeverity.ERROR,
        f"the deployment deletes cluster `{name}`, with everything that runs in it",
        help="exempt the cluster with a reason, if that is meant",
        link=f"{LEARN}/{PAGE}",
    )


REPLACEMENT_RULES: Final = (
    StackGuardrail(
        id="cluster-replaced",
        description="A deployment must not replace or delete a cluster.",
        severity=Severity.CRITICAL,
        enforcement=EnforcementLevel.MANDATORY,
        remediation="Change the cluster with az aks update, then pulumi refresh, then the program.",
        link=f"{LEARN}/{PAGE}",
        settings=DeployedSettings,
        judge=_replaced,
    ),
)
