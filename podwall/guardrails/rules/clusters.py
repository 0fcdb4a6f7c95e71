"""A cluster has an engine that enforces policies, fits together, and is not open or unprotected.

How long the engine is supported and how far it goes is judged as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import partial
from ipaddress import ip_network
from typing import Any, Final

from pulumi_policy import EnforcementLevel, Severity

from podwall.aks.limits import (
    DEFAULT_MAX_PODS_KUBENET,
    DEFAULT_MAX_PODS_NODE_SUBNET,
    DEFAULT_MAX_PODS_OVERLAY,
    DEFAULT_MAX_PODS_POD_SUBNET,
    LEARN,
    written_day,
)
from podwall.aks.network_engine import (
    AUTOMATIC,
    KUBENET_ENDS,
    PLUGIN,
    PLUGIN_MODE,
    POLICY,
    REFUSED_COMBINATIONS,
    SKU,
    EngineLimits,
    NetworkEngine,
    declared_engine,
)
from podwall.aks.resource_types import choice, leaf
from podwall.guardrails.guardrail import (
    AddressSettings,
    ClusterGuardrail,
    ClusterProblem,
    ClusterRuleSettings,
    Deployment,
    EndSettings,
    Judgement,
    Judgements,
    StackGuardrail,
    UndeterminedJudgement,
    cluster_finding,
    undetermined_cluster,
    undetermined_engine,
    undetermined_leaves,
)
from podwall.plan import PlannedResource
from podwall.plan.cluster import clusters, hidden_clusters, node_pools, unrecognised_clusters
from podwall.policies.errors import Place, Unknown
from podwall.policies.wording import shown

__all__ = ["ACCESS_RULES", "ENGINE_RULES", "lifetime_rules"]


PAGE: Final = "use-network-policies"


def _engine(cluster: PlannedResource, _settings: ClusterRuleSettings) -> Judgements:
    engine, written = declared_engine(cluster.inputs), choice(cluster.inputs, POLICY)
    is_other = isinstance(written, str) and written != "none"
    if isinstance(engine, Unknown) and not is_other:
        yield UndeterminedJudgement(
            f"whether cluster `{cluster.name}` has a network policy engine: {engine.cause}",
            Place(cluster.urn, path=POLICY),
        )
    elif not isinstance(engine, NetworkEngine):
        found = shown(leaf(cluster.inputs, POLICY)) if is_other else "no network policy engine"
        yield cluster_finding(
            cluster,
            POLICY,
            ClusterProblem(
                "cluster-without-engine",
                f"cluster `{cluster.name}` has {found}, which enforces no policy at all",
                "choose `cilium`, `azure` or `calico` before the cluster is created",
                PAGE,
            ),
        )


def _refused_combinations(cluster: PlannedResource, _settings: ClusterRuleSettings) -> Judgements:
    for each in REFUSED_COMBINATIONS:
        found = each.is_in(cluster.inputs)
        if isinstance(found, Unknown):
            yield from undetermined_leaves(cluster, *each.paths)
        elif found:
            yield cluster_finding(
                cluster,
                each.paths[0],
                ClusterProblem(
                    "cluster-network-misfit",
                    f"{_written(cluster.inputs, each.paths)}: {each.message}",
                    each.help,
                    each.page,
                ),
            )


def _written(inputs: Mapping[str, Any], paths: tuple[str, ...]) -> str:
    """Return the leaves as the program has them."""
    leaves = ((path.rpartition(".")[2], leaf(inputs, path)) for path in paths)
    return " with ".join(
        f"no `{name}`" if value is None else f"`{name}: {value}`" for name, value in leaves
    )


def _kubenet(cluster: PlannedResource, _settings: ClusterRuleSettings) -> Judgements:
    yield from undetermined_leaves(cluster, PLUGIN)
    plugin = choice(cluster.inputs, PLUGIN)
    if plugin is None and not _needs_azure_cni(cluster):
        yield UndeterminedJudgement(
            f"whether cluster `{cluster.name}` runs on kubenet: it names no network plugin, and"
            " what Azure takes then is documented in two ways",
            Place(cluster.urn, path=PLUGIN),
        )
    if plugin == "kubenet":
        yield cluster_finding(
            cluster,
            PLUGIN,
            ClusterProblem(
                "cluster-on-kubenet",
                f"cluster `{cluster.name}` runs on kubenet, which retires on"
                f" {written_day(KUBENET_ENDS)}",
                "set `networkPlugin: azure` and `networkPluginMode: overlay`",
                "configure-kubenet",
            ),
        )


def _needs_azure_cni(cluster: PlannedResource) -> bool:
    """Return whether something else that a cluster asks for is there with Azure CNI alone."""
    policy, mode, sku = (choice(cluster.inputs, path) for path in (POLICY, PLUGIN_MODE, SKU))
    return policy in {"azure", "cilium"} or mode == "overlay" or sku == AUTOMATIC


ENGINE_RULES: Final = (
    ClusterGuardrail(
        id="cluster-without-engine",
        description="A cluster needs an engine that enforces network policies.",
        severity=Severity.CRITICAL,
        enforcement=EnforcementLevel.MANDATORY,
        remediation="Set networkProfile.networkPolicy to cilium, azure or calico.",
        link=f"{LEARN}/{PAGE}",
        settings=ClusterRuleSettings,
        judge=_engine,
    ),
    ClusterGuardrail(
        id="cluster-network-misfit",
        description="Network plugin, mode, dataplane and policy engine must fit together.",
        severity=Severity.HIGH,
        enforcement=EnforcementLevel.MANDATORY,
        remediation="Choose one of the combinations that Azure supports; each finding names one.",
        link=f"{LEARN}/azure-cni-powered-by-cilium",
        settings=ClusterRuleSettings,
        judge=_refused_combinations,
    ),
    ClusterGuardrail(
        id="cluster-on-kubenet",
        description="A cluster must not be built on kubenet, which retires.",
        severity=Severity.MEDIUM,
        enforcement=EnforcementLevel.MANDATORY,
        remediation="Set networkPlugin to azure and networkPluginMode to overlay.",
        link=f"{LEARN}/configure-kubenet",
        settings=ClusterRuleSettings,
        judge=_kubenet,
    ),
)


PRIVATE: Final = "apiServerAccessProfile.enablePrivateCluster"
RANGES: Final = "apiServerAccessProfile.authorizedIPRanges"
PUBLIC: Final = "publicNetworkAccess"
RANGES_PAGE: Final = "api-server-authorized-ip-ranges"


def _api_server(cluster: PlannedResource, settings: AddressSettings) -> Judgements:
    private, public = leaf(cluster.inputs, PRIVATE), choice(cluster.inputs, PUBLIC)
    if private is True or public == "disabled":
        return
    ranges = leaf(cluster.inputs, RANGES)
    if isinstance(ranges, Iterable) and not isinstance(ranges, str) and tuple(ranges):
        yield from _ranges(cluster, tuple(ranges), settings)
    elif any(isinstance(each, Unknown) for each in (private, public, ranges)):
        yield from undetermined_leaves(cluster, PRIVATE, PUBLIC, RANGES)
    else:
        yield _open(cluster, RANGES, f"the API server of `{cluster.name}` answers to everyone")


def _ranges(
    cluster: PlannedResource, ranges: tuple[object, ...], settings: AddressSettings
) -> Judgements:
    for index, each in enumerate(ranges):
        path = f"{RANGES}[{index}]"
        if isinstance(each, Unknown):
            yield UndeterminedJudgement(each.cause, Place(cluster.urn, path=path))
        elif not _is_narrow(each, settings.shortest_prefix):
            yield _open(cluster, path, f"{shown(each)} lets too much of the Internet in")


def _is_narrow(written: object, shortest: int) -> bool:
    try:
        return ip_network(str(written), strict=False).prefixlen >= shortest
    except ValueError:
        return False


def _open(cluster: PlannedResource, path: str, message: str) -> Judgement:
    help_ = "name your own ranges, or set `enablePrivateCluster: true`"
    return cluster_finding(
        cluster, path, ClusterProblem("cluster-api-server-open", message, help_, RANGES_PAGE)
    )


def _protected(cluster: PlannedResource, _settings: ClusterRuleSettings) -> Judgements:
    if not cluster.protect:
        yield cluster_finding(
            cluster,
            "",
            ClusterProblem(
                "cluster-unprotected",
                f"nothing keeps a deployment from deleting or replacing cluster `{cluster.name}`",
                "set the resource option `protect` to true",
                "use-network-policies",
            ),
        )


ACCESS_RULES: Final = (
    ClusterGuardrail(
        id="cluster-api-server-open",
        description="A public API server must name the addresses that may ask it.",
        severity=Severity.HIGH,
        enforcement=EnforcementLevel.ADVISORY,
        remediation="Set apiServerAccessProfile.authorizedIPRanges, or make the cluster private.",
        link=f"{LEARN}/{RANGES_PAGE}",
        settings=AddressSettings,
        judge=_api_server,
    ),
    ClusterGuardrail(
        id="cluster-unprotected",
        description="A cluster must be protected from being deleted or replaced by a deployment.",
        severity=Severity.HIGH,
        enforcement=EnforcementLevel.ADVISORY,
        remediation="Set the resource option protect to true; take it back for one deployment.",
        link="https://www.pulumi.com/docs/iac/concepts/resources/options/protect/",
        settings=ClusterRuleSettings,
        judge=_protected,
    ),
)


def _end(today: date, cluster: PlannedResource, settings: EndSettings) -> Judgements:
    yield from undetermined_engine(cluster)
    engine = declared_engine(cluster.inputs)
    ends = engine.support_ends if isinstance(engine, NetworkEngine) else None
    left = None if ends is None else (ends - today).days
    if ends is not None and left is not None and left <= settings.notice_days:
        word = "ends" if left >= 0 else "ended"
        yield cluster_finding(
            cluster,
            POLICY,
            ClusterProblem(
                "cluster-engine-ends",
                f"support for the engine `{engine}` {word} on {written_day(ends)}",
                "choose `cilium`; an existing cluster moves with"
                " `az aks update --network-dataplane cilium`",
                "migrate-from-npm-to-cilium-network-policy",
            ),
        )


def _limits(deployment: Deployment, settings: ClusterRuleSettings) -> Judgements:
    exempt = {each.cluster for each in settings.exempt}
    plan = deployment.plan
    for cluster in (*unrecognised_clusters(plan), *hidden_clusters(plan)):
        if cluster.name not in exempt:
            yield undetermined_cluster(cluster)
    for cluster in clusters(plan):
        if cluster.name not in exempt:
            yield from undetermined_engine(cluster)
            engine = declared_engine(cluster.inputs)
            if isinstance(engine, NetworkEngine):
                pools = tuple(node_pools(plan, cluster))
                yield from _windows(cluster, pools, engine)
                yield from _too_large(cluster, pools, engine)


Pools = tuple[Mapping[str, Any] | Unknown, ...]


def _windows(cluster: PlannedResource, pools: Pools, engine: NetworkEngine) -> Judgements:
    for pool in pools if engine.without_windows else ():
        system = pool if isinstance(pool, Unknown) else choice(pool, "osType")
        if isinstance(system, Unknown):
            yield UndeterminedJudgement(system.cause, Place(cluster.urn, path="agentPoolProfiles"))
        elif system == "windows":
            yield _beyond(cluster, f"the engine `{engine}` enforces nothing on Windows nodes")


def _too_large(cluster: PlannedResource, pools: Pools, engine: NetworkEngine) -> Judgements:
    if engine.limits == EngineLimits():
        return
    nodes = pods = 0
    for pool in pools:
        size = pool if isinstance(pool, Unknown) else _size(pool, cluster.inputs)
        if isinstance(size, Unknown):
            yield UndeterminedJudgement(size.cause, Place(cluster.urn, path="agentPoolProfiles"))
        else:
            nodes, pods = nodes + size[0], pods + size[0] * size[1]
    for count, most, what in (
        (nodes, engine.limits.nodes, "nodes"),
        (pods, engine.limits.pods, "pods"),
    ):
        if most is not None and count > most:
            yield _beyond(
                cluster, f"the pools may grow to {count} {what}, and `{engine}` supports {most}"
            )


def _size(pool: Mapping[str, Any], cluster: Mapping[str, Any]) -> tuple[int, int] | Unknown:
    """Return the nodes that a pool may grow to, and the pods of each."""
    grows = leaf(pool, "enableAutoScaling")
    count = leaf(pool, "maxCount" if grows is True else "count")
    each = leaf(pool, "maxPods")
    for value in (grows, count, each):
        if isinstance(value, Unknown):
            return value
    return (count if isinstance(count, int) else 1), (
        each if isinstance(each, int) else _default_max_pods(pool, cluster)
    )


def _default_max_pods(pool: Mapping[str, Any], cluster: Mapping[str, Any]) -> int:
    """Return how many pods a node of a pool takes where the pool does not say."""
    if choice(cluster, PLUGIN_MODE) == "overlay":
        return DEFAULT_MAX_PODS_OVERLAY
    if choice(cluster, PLUGIN) == "kubenet":
        return DEFAULT_MAX_PODS_KUBENET
    own_subnet = leaf(pool, "podSubnetID") is not None
    return DEFAULT_MAX_PODS_POD_SUBNET if own_subnet else DEFAULT_MAX_PODS_NODE_SUBNET


def _beyond(cluster: PlannedResource, message: str) -> Judgement:
    help_ = "choose another engine (`cilium` grows, `calico` knows Windows), or smaller pools"
    return cluster_finding(
        cluster,
        POLICY,
        ClusterProblem("cluster-beyond-engine", message, help_, PAGE),
    )


def lifetime_rules(
    today: date,
) -> tuple[ClusterGuardrail[EndSettings], StackGuardrail[ClusterRuleSettings]]:
    """Return the rules, as they are on a day."""
    return (
        ClusterGuardrail(
            id="cluster-engine-ends",
            description="A cluster must not rest on an engine whose support is about to end.",
            severity=Severity.MEDIUM,
            enforcement=EnforcementLevel.ADVISORY,
            remediation="Plan the move to cilium: podwall migrate shows what changes with it.",
            link=f"{LEARN}/migrate-from-npm-to-cilium-network-policy",
            settings=EndSettings,
            judge=partial(_end, today),
        ),
        StackGuardrail(
            id="cluster-beyond-engine",
            description="The node pools of a cluster must stay within what its engine supports.",
            severity=Severity.HIGH,
            enforcement=EnforcementLevel.MANDATORY,
            remediation="Choose cilium, or lower the maximum counts of the node pools.",
            link=f"{LEARN}/{PAGE}",
            settings=ClusterRuleSettings,
            judge=_limits,
        ),
    )
