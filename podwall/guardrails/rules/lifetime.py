"""How long an engine is supported, and how far it goes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any, Final

from pulumi_policy import EnforcementLevel, Severity

from podwall.guardrails.clusters import LEARN, Complaint, broken, clusters, leaf, pools, unsettled
from podwall.guardrails.deployment import Deployment
from podwall.guardrails.judgements import Doubt, Judgement, Judgements
from podwall.guardrails.rule import ClusterRule, StackRule
from podwall.guardrails.settings import ClusterSettings, EndSettings
from podwall.plan import PlannedResource
from podwall.policies.errors import Place
from podwall.policies.unknown import Unknown

__all__ = ["AZURE_ENGINE_ENDS", "lifetime_rules"]

POLICY: Final = "networkProfile.networkPolicy"
PAGE: Final = "use-network-policies"
AZURE_ENGINE_ENDS: Final = date(2028, 9, 30)
"""The last day on which Microsoft supports Azure Network Policy Manager on Linux."""

MOST_NODES, MOST_PODS = 250, 20_000
PODS_OF_A_NODE: Final = 30
"""What Azure CNI puts on a node where neither the overlay nor the program says otherwise."""

PODS_OF_AN_OVERLAY_NODE: Final = 250


def _end(today: date, cluster: PlannedResource, settings: EndSettings) -> Judgements:
    yield from unsettled(cluster, POLICY)
    left = (AZURE_ENGINE_ENDS - today).days
    if leaf(cluster.inputs, POLICY) == "azure" and left <= settings.notice_days:
        when = f"{AZURE_ENGINE_ENDS.day} {AZURE_ENGINE_ENDS:%B %Y}"
        yield broken(
            cluster,
            POLICY,
            Complaint(
                "cluster-engine-ends",
                f"support for the engine `azure` {'ends' if left >= 0 else 'ended'} on {when}",
                "choose `cilium`; an existing cluster moves with"
                " `az aks update --network-dataplane cilium`",
                "migrate-from-npm-to-cilium-network-policy",
            ),
        )


def _limits(deployment: Deployment, settings: ClusterSettings) -> Judgements:
    exempt = {each.cluster for each in settings.exempt}
    for cluster in clusters(deployment.plan):
        engine = leaf(cluster.inputs, POLICY)
        if cluster.name in exempt or engine not in {"azure", "cilium"}:
            yield from unsettled(cluster, POLICY)
            continue
        yield from _windows(deployment, cluster, str(engine))
        if engine == "azure":
            yield from _too_large(deployment, cluster)


def _windows(deployment: Deployment, cluster: PlannedResource, engine: str) -> Judgements:
    for pool in pools(deployment.plan, cluster):
        system = pool if isinstance(pool, Unknown) else leaf(pool, "osType")
        if isinstance(system, Unknown):
            yield Doubt(system.cause, Place(cluster.urn, path="agentPoolProfiles"))
        elif system == "Windows":
            yield _beyond(cluster, f"the engine `{engine}` enforces nothing on Windows nodes")


def _too_large(deployment: Deployment, cluster: PlannedResource) -> Judgements:
    nodes = pods = 0
    for pool in pools(deployment.plan, cluster):
        size = pool if isinstance(pool, Unknown) else _size(pool, cluster.inputs)
        if isinstance(size, Unknown):
            yield Doubt(size.cause, Place(cluster.urn, path="agentPoolProfiles"))
        else:
            nodes, pods = nodes + size[0], pods + size[0] * size[1]
    for count, most, what in ((nodes, MOST_NODES, "nodes"), (pods, MOST_PODS, "pods")):
        if count > most:
            yield _beyond(
                cluster, f"the pools may grow to {count} {what}, and `azure` supports {most}"
            )


def _size(pool: Mapping[str, Any], cluster: Mapping[str, Any]) -> tuple[int, int] | Unknown:
    """Return the nodes that a pool may grow to, and the pods of each."""
    grows = leaf(pool, "enableAutoScaling")
    overlay = leaf(cluster, "networkProfile.networkPluginMode")
    default = PODS_OF_AN_OVERLAY_NODE if overlay == "overlay" else PODS_OF_A_NODE
    count = leaf(pool, "maxCount" if grows is True else "count")
    each = leaf(pool, "maxPods")
    for value in (grows, count, each):
        if isinstance(value, Unknown):
            return value
    return (count if isinstance(count, int) else 1), (each if isinstance(each, int) else default)


def _beyond(cluster: PlannedResource, message: str) -> Judgement:
    help_ = "choose another engine (`cilium` grows, `calico` knows Windows), or smaller pools"
    return broken(cluster, POLICY, Complaint("cluster-beyond-engine", message, help_, PAGE))


def lifetime_rules(
    today: date,
) -> tuple[ClusterRule[EndSettings], StackRule[ClusterSettings]]:
    """Return the rules, as they are on a day."""
    return (
        ClusterRule(
            id="cluster-engine-ends",
            description="A cluster must not rest on an engine whose support is about to end.",
            severity=Severity.MEDIUM,
            enforcement=EnforcementLevel.ADVISORY,
            remediation="Plan the move to cilium: podwall migrate shows what changes with it.",
            link=f"{LEARN}/migrate-from-npm-to-cilium-network-policy",
            settings=EndSettings,
            judge=partial(_end, today),
        ),
        StackRule(
            id="cluster-beyond-engine",
            description="The node pools of a cluster must stay within what its engine supports.",
            severity=Severity.HIGH,
            enforcement=EnforcementLevel.MANDATORY,
            remediation="Choose cilium, or lower the maximum counts of the node pools.",
            link=f"{LEARN}/{PAGE}",
            settings=ClusterSettings,
            judge=_limits,
        ),
    )
