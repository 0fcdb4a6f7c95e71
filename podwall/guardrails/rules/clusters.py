"""A cluster has an engine that enforces policies, fits together, and is not open or unprotected.

How long the engine is supported and how far it goes is judged as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import partial
from ipaddress import ip_network
from typing import Any, Final, NamedTuple

from pulumi_policy import EnforcementLevel, Severity

from podwall.guardrails.clusters import (
    LEARN,
    ClusterProblem,
    cluster_finding,
    clusters,
    leaf,
    pools,
    undetermined_leaves,
)
from podwall.guardrails.deployment import Deployment
from podwall.guardrails.guardrail import (
    ClusterGuardrail,
    Judgement,
    Judgements,
    StackGuardrail,
    UndeterminedJudgement,
)
from podwall.guardrails.settings import AddressSettings, ClusterRuleSettings, EndSettings
from podwall.plan import PlannedResource
from podwall.policies.errors import Place
from podwall.policies.unknown import Unknown
from podwall.policies.wording import shown

__all__ = ["ACCESS_RULES", "AZURE_ENGINE_ENDS", "ENGINE_RULES", "lifetime_rules"]


PLUGIN: Final = "networkProfile.networkPlugin"
MODE: Final = "networkProfile.networkPluginMode"
DATAPLANE: Final = "networkProfile.networkDataplane"
POLICY: Final = "networkProfile.networkPolicy"
ENGINES: Final = ("azure", "calico", "cilium")
PAGE: Final = "use-network-policies"


def _engine(cluster: PlannedResource, _settings: ClusterRuleSettings) -> Judgements:
    engine, sku = leaf(cluster.inputs, POLICY), leaf(cluster.inputs, "sku.name")
    if engine is None and (sku == "Automatic" or isinstance(sku, Unknown)):
        yield from undetermined_leaves(cluster, "sku.name")
    elif isinstance(engine, Unknown):
        yield from undetermined_leaves(cluster, POLICY)
    elif engine not in ENGINES:
        said = "no network policy engine" if engine in {None, "none"} else f"{shown(engine)}"
        yield cluster_finding(
            cluster,
            POLICY,
            ClusterProblem(
                "cluster-without-engine",
                f"cluster `{cluster.name}` has {said}, which enforces no policy at all",
                "choose `cilium`, `azure` or `calico` before the cluster is created",
                PAGE,
            ),
        )


class _RefusedCombination(NamedTuple):
    """Leaves of the network profile that Azure refuses together."""

    paths: tuple[str, ...]
    is_one: Callable[..., bool]
    message: str
    help: str
    page: str


REFUSED_COMBINATIONS: Final = (
    _RefusedCombination(
        (DATAPLANE, POLICY),
        lambda dataplane, policy: (dataplane == "cilium") != (policy == "cilium"),
        "the Cilium dataplane and the engine `cilium` go only together",
        "set both to `cilium`, or neither",
        "azure-cni-powered-by-cilium",
    ),
    _RefusedCombination(
        (MODE, PLUGIN),
        lambda mode, plugin: mode == "overlay" and plugin != "azure",
        "the overlay is a mode of Azure CNI",
        "set `networkPlugin: azure`",
        "azure-cni-overlay",
    ),
    _RefusedCombination(
        (POLICY, PLUGIN),
        lambda policy, plugin: policy in {"azure", "cilium"} and plugin not in {"azure", None},
        "this engine needs Azure CNI",
        "set `networkPlugin: azure`",
        PAGE,
    ),
    _RefusedCombination(
        (POLICY, PLUGIN),
        lambda policy, plugin: policy == "calico" and plugin == "none",
        "a cluster that brings its own network can't have AKS install an engine",
        "set `networkPolicy: none` and install Calico yourself, or `networkPlugin: azure`",
        "use-byo-cni",
    ),
    _RefusedCombination(
        (POLICY, "networkProfile.ipFamilies"),
        lambda policy, families: policy == "azure" and "IPv6" in (families or ()),
        "the engine `azure` does not know IPv6",
        "choose `cilium`, or leave IPv6 out",
        "azure-cni-overlay",
    ),
    _RefusedCombination(
        (POLICY, "networkProfile.advancedNetworking.security.enabled"),
        lambda policy, enabled: enabled is True and policy != "cilium",
        "advanced network policies need the engine `cilium`",
        "choose `cilium`, or switch `advancedNetworking.security` off",
        "container-network-security-concepts",
    ),
)


def _refused_combinations(cluster: PlannedResource, _settings: ClusterRuleSettings) -> Judgements:
    for misfit in REFUSED_COMBINATIONS:
        values = [leaf(cluster.inputs, path) for path in misfit.paths]
        if any(isinstance(value, Unknown) for value in values):
            yield from undetermined_leaves(cluster, *misfit.paths)
        elif misfit.is_one(*values):
            yield cluster_finding(
                cluster,
                misfit.paths[0],
                ClusterProblem(
                    "cluster-network-misfit",
                    f"{_written(cluster.inputs, misfit.paths)}: {misfit.message}",
                    misfit.help,
                    misfit.page,
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
    if leaf(cluster.inputs, PLUGIN) == "kubenet":
        yield cluster_finding(
            cluster,
            PLUGIN,
            ClusterProblem(
                "cluster-on-kubenet",
                f"cluster `{cluster.name}` runs on kubenet, which retires on 31 March 2028",
                "set `networkPlugin: azure` and `networkPluginMode: overlay`",
                "configure-kubenet",
            ),
        )


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
    private, public = leaf(cluster.inputs, PRIVATE), leaf(cluster.inputs, PUBLIC)
    if private is True or public == "Disabled":
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


LIFETIME_POLICY: Final = "networkProfile.networkPolicy"
LIFETIME_PAGE: Final = "use-network-policies"
AZURE_ENGINE_ENDS: Final = date(2028, 9, 30)
"""The last day on which Microsoft supports Azure Network Policy Manager on Linux."""

MOST_NODES, MOST_PODS = 250, 20_000
PODS_OF_A_NODE: Final = 30
"""What Azure CNI puts on a node where neither the overlay nor the program says otherwise."""

PODS_OF_AN_OVERLAY_NODE: Final = 250


def _end(today: date, cluster: PlannedResource, settings: EndSettings) -> Judgements:
    yield from undetermined_leaves(cluster, LIFETIME_POLICY)
    left = (AZURE_ENGINE_ENDS - today).days
    if leaf(cluster.inputs, LIFETIME_POLICY) == "azure" and left <= settings.notice_days:
        when = f"{AZURE_ENGINE_ENDS.day} {AZURE_ENGINE_ENDS:%B %Y}"
        yield cluster_finding(
            cluster,
            LIFETIME_POLICY,
            ClusterProblem(
                "cluster-engine-ends",
                f"support for the engine `azure` {'ends' if left >= 0 else 'ended'} on {when}",
                "choose `cilium`; an existing cluster moves with"
                " `az aks update --network-dataplane cilium`",
                "migrate-from-npm-to-cilium-network-policy",
            ),
        )


def _limits(deployment: Deployment, settings: ClusterRuleSettings) -> Judgements:
    exempt = {each.cluster for each in settings.exempt}
    for cluster in clusters(deployment.plan):
        engine = leaf(cluster.inputs, LIFETIME_POLICY)
        if cluster.name in exempt or engine not in {"azure", "cilium"}:
            yield from undetermined_leaves(cluster, LIFETIME_POLICY)
            continue
        yield from _windows(deployment, cluster, str(engine))
        if engine == "azure":
            yield from _too_large(deployment, cluster)


def _windows(deployment: Deployment, cluster: PlannedResource, engine: str) -> Judgements:
    for pool in pools(deployment.plan, cluster):
        system = pool if isinstance(pool, Unknown) else leaf(pool, "osType")
        if isinstance(system, Unknown):
            yield UndeterminedJudgement(system.cause, Place(cluster.urn, path="agentPoolProfiles"))
        elif system == "Windows":
            yield _beyond(cluster, f"the engine `{engine}` enforces nothing on Windows nodes")


def _too_large(deployment: Deployment, cluster: PlannedResource) -> Judgements:
    nodes = pods = 0
    for pool in pools(deployment.plan, cluster):
        size = pool if isinstance(pool, Unknown) else _size(pool, cluster.inputs)
        if isinstance(size, Unknown):
            yield UndeterminedJudgement(size.cause, Place(cluster.urn, path="agentPoolProfiles"))
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
    return cluster_finding(
        cluster,
        LIFETIME_POLICY,
        ClusterProblem("cluster-beyond-engine", message, help_, LIFETIME_PAGE),
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
            link=f"{LEARN}/{LIFETIME_PAGE}",
            settings=ClusterRuleSettings,
            judge=_limits,
        ),
    )
