"""What a plan says about its AKS cluster: engine, version, pod ranges, and whether it survives.

Where that is not certain, a finding says so: objects that go to more than one cluster of the plan,
a cluster whose properties are not read, an engine that the cluster's inputs do not name.

Where pods get their addresses from: with the overlay, and with kubenet, that is a range of the
cluster's own. Otherwise pods have addresses of a subnet: of that for pods where a node pool names
one, else of that for nodes (https://learn.microsoft.com/azure/aks/concepts-network-cni-overview). A
subnet's id is known only after it exists. Before, what the node pools depend on says which subnets,
or which networks, it may be one of: pods are somewhere in all of these together.

It is all or nothing: a range that is left out would deny what it may mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any, Final

from podwall.aks.limits import LEARN
from podwall.aks.network_engine import (
    PLUGIN,
    PLUGIN_MODE,
    SKU,
    declared_engine,
    engine_change,
    minor_version,
)
from podwall.aks.resource_types import (
    choice,
    is_any_cluster,
    is_cluster,
    is_node_pool,
    is_subnet,
    is_unrecognised_cluster,
    is_virtual_network,
    leaf,
    may_hide_cluster,
)
from podwall.model import IpNetwork
from podwall.plan.model import Operation, Plan, PlannedResource, depends_on_any, kind_of
from podwall.policies.errors import Finding, Place, Severity, Unknown
from podwall.reading import DeclaredCluster

__all__ = [
    "clusters",
    "engine_changes",
    "hidden_clusters",
    "node_pools",
    "planned_cluster",
    "replaced_clusters",
    "several_clusters",
    "unclear_clusters",
    "unread_cluster",
    "unrecognised_clusters",
]


_Ranges = Sequence[IpNetwork] | None
"""Ranges of addresses, None where they are not known."""

_Pool = tuple[PlannedResource, object]
"""A node pool, and before it the resource that it is written in: the cluster, or its own."""

_ID: Final = re.compile(r".*/virtualNetworks/([^/]+)/subnets/([^/]+)", re.IGNORECASE)
_GONE: Final = frozenset({Operation.DELETE, Operation.READ})


def _pod_ranges(
    cluster: PlannedResource,
    pools: Sequence[_Pool],
    resources: Sequence[PlannedResource],
    families: Sequence[int],
) -> tuple[IpNetwork, ...]:
    """Return the ranges that all pods of a cluster get addresses from, nothing where not known.

    `families` are the versions of IP that pods have addresses of, nothing where not known.
    """
    mode, plugin = choice(cluster.inputs, PLUGIN_MODE), choice(cluster.inputs, PLUGIN)
    found: _Ranges = None
    if mode == "overlay" or plugin == "kubenet":
        found = _of_its_own(cluster.inputs)
    elif (mode, plugin) == (None, "azure") and not _has_pods_elsewhere(cluster.inputs):
        found = _of_pools(pools, [each for each in resources if each.change not in _GONE])
    complete = found and families and set(families) <= {each.version for each in found}
    return tuple(dict.fromkeys(found)) if found and complete else ()


def _of_its_own(inputs: Mapping[str, Any]) -> _Ranges:
    cidrs = leaf(inputs, "networkProfile.podCidrs")
    if cidrs is None or cidrs in ([], ()):
        cidrs = [leaf(inputs, "networkProfile.podCidr")]
    return _ranges(cidrs)


def _ranges(texts: object) -> _Ranges:
    """Return what texts say, None where one of them is not known, or no range."""
    if not isinstance(texts, list | tuple) or not texts:
        return None
    try:
        return [ip_network(each, strict=False) for each in map(_text, texts)]
    except ValueError:
        return None


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(value)


def _has_pods_elsewhere(inputs: Mapping[str, Any]) -> bool:
    """Return whether pods may run where no node pool says so, or on an overlay after all.

    Virtual nodes and those that are provisioned have subnets of their own, Automatic an overlay.
    https://learn.microsoft.com/azure/aks/virtual-nodes,
    https://learn.microsoft.com/azure/aks/node-auto-provisioning-networking,
    https://learn.microsoft.com/azure/aks/intro-aks-automatic
    """
    virtual = leaf(inputs, "addonProfiles.aciConnectorLinux.enabled")
    provisioned = choice(inputs, "nodeProvisioningProfile.mode")
    usual = choice(inputs, SKU) in {None, "base"} and provisioned in {None, "manual"}
    return not (usual and (virtual is None or virtual is False))


def _of_pools(pools: Sequence[_Pool], resources: Sequence[PlannedResource]) -> _Ranges:
    found: list[IpNetwork] = []
    for written_in, pool in pools:
        subnet = _subnet(pool) if isinstance(pool, Mapping) else None
        ranges = _of_subnet(subnet, written_in, resources)
        if not ranges:
            return None
        found += ranges
    return found


def _subnet(pool: Mapping[str, Any]) -> object:
    own = pool.get("podSubnetID")
    return pool.get("vnetSubnetID") if own is None else own


def _of_subnet(
    subnet: object, written_in: PlannedResource, resources: Sequence[PlannedResource]
) -> _Ranges:
    """Return the ranges that the subnet of a node pool is, or is one of."""
    if isinstance(subnet, str):
        return _named(subnet, resources)
    return _depended_on(written_in, resources) if isinstance(subnet, Unknown) else None


def _named(id_: str, resources: Sequence[PlannedResource]) -> _Ranges:
    """Return the ranges of the one subnet that an id names."""
    named = _ID.fullmatch(id_)
    names = tuple(each.lower() for each in named.groups()) if named else ()
    found = [each for each in resources if is_subnet(each.type) and _names(each) == names]
    return _prefixes(found[0].inputs) if len(found) == 1 else None


def _names(subnet: PlannedResource) -> tuple[str, ...]:
    given = subnet.inputs.get
    both = given("virtualNetworkName"), given("subnetName") or given("name")
    return tuple(each.lower() for each in both if isinstance(each, str))


def _depended_on(written_in: PlannedResource, resources: Sequence[PlannedResource]) -> _Ranges:
    """Return the ranges of the subnets and networks that the subnets of node pools come from.

    Of whatever else they come from, it may be a subnet that is not shown.
    """
    of = {each.urn: each for each in resources}
    found: list[IpNetwork] = []
    for urn in _reasons(written_in):
        there = of.get(urn)
        ranges = None if there is None else _of_resource(there)
        if not ranges:
            return None
        found += ranges
    return found


def _reasons(written_in: PlannedResource) -> Iterator[str]:
    depends = written_in.property_dependencies
    for name in ("agentPoolProfiles", "podSubnetID", "vnetSubnetID"):
        yield from depends.get(name, ())


def _of_resource(resource: PlannedResource) -> _Ranges:
    if is_subnet(resource.type):
        return _prefixes(resource.inputs)
    return _space(resource.inputs) if is_virtual_network(resource.type) else None


def _prefixes(inputs: Mapping[str, Any]) -> _Ranges:
    several = inputs.get("addressPrefixes")
    return _ranges([inputs.get("addressPrefix")] if several is None else several)


def _space(inputs: Mapping[str, Any]) -> _Ranges:
    given = inputs.get("addressSpaces")
    return _ranges(leaf(inputs, "addressSpace.addressPrefixes") if given is None else given)


_NOT_OF_THE_STACK: Final = frozenset({Operation.DELETE, Operation.READ})


def clusters(plan: Plan) -> Iterator[PlannedResource]:
    """Yield the AKS clusters of a plan whose inputs have Azure's names."""
    return (each for each in plan.resources if is_cluster(each.type))


def unrecognised_clusters(plan: Plan) -> Iterator[PlannedResource]:
    """Yield the AKS clusters of a plan whose inputs are not read: those of other providers."""
    return (each for each in plan.resources if is_unrecognised_cluster(each.type, each.inputs))


def hidden_clusters(plan: Plan) -> Iterator[PlannedResource]:
    """Yield what may make AKS clusters and does not show it: what no rule can judge."""
    return (
        each
        for each in plan.resources
        if not is_unrecognised_cluster(each.type, each.inputs)
        and may_hide_cluster(each.type, each.inputs)
    )


def node_pools(plan: Plan, cluster: PlannedResource) -> Iterator[Mapping[str, Any] | Unknown]:
    """Yield the inputs of a cluster's node pools: its own, and those that are resources."""
    pools = (each for _, each in _node_pools(plan, cluster))
    return (each for each in pools if isinstance(each, Mapping | Unknown))


def _node_pools(plan: Plan, cluster: PlannedResource) -> Iterator[tuple[PlannedResource, Any]]:
    """Yield every node pool with the resource that it is written in."""
    inline = cluster.inputs.get("agentPoolProfiles") or ()
    listed = inline if isinstance(inline, list | tuple) else (inline,)
    yield from ((cluster, each) for each in listed)
    alone = sum(1 for _ in clusters(plan)) == 1
    separate = (each for each in plan.resources if is_node_pool(each.type))
    yield from ((each, each.inputs) for each in separate if alone or _belongs(each, cluster))


def _belongs(pool: PlannedResource, cluster: PlannedResource) -> bool:
    named = pool.inputs.get("resourceName")
    depends = cluster.urn in {*pool.dependencies, pool.parent}
    return depends or (isinstance(named, str) and named == cluster.inputs.get("resourceName"))


def planned_cluster(plan: Plan) -> DeclaredCluster:
    """Return what the plan's AKS cluster declares, or nothing where there is not exactly one.

    Of several it is the one that the objects' providers depend on. One whose inputs are not read
    declares nothing, and the objects may be in that one.
    """
    there = [each for each in plan.resources if each.change not in _NOT_OF_THE_STACK]
    found = [each for each in there if is_any_cluster(each.type, each.inputs)]
    if len(found) > 1:
        targets = _targets(plan)
        found = [each for each in found if each.urn in targets]
    if len(found) != 1 or not is_cluster(found[0].type):
        return DeclaredCluster()
    inputs = found[0].inputs
    families = tuple(_ip_families(inputs))
    pools = tuple(_node_pools(plan, found[0]))
    return DeclaredCluster(
        engine=_engine(inputs),
        kubernetes_version=_minor(inputs.get("kubernetesVersion")),
        pod_cidrs=_pod_ranges(found[0], pools, there, families),
        ip_families=families,
        name=found[0].name,
    )


def _engine(inputs: Mapping[str, Any]) -> str | None:
    """Return the engine as a snapshot names it: `none` where there is none, None where unknown."""
    found = declared_engine(inputs)
    if isinstance(found, Unknown):
        return None
    return "none" if found is None else found.value


def _minor(version: Any) -> str | None:
    """Return `major.minor` of a version, which may also name a patch."""
    found = minor_version(version) if isinstance(version, str) else None
    return None if found is None else f"{found[0]}.{found[1]}"


def _ip_families(inputs: Mapping[str, Any]) -> Iterator[int]:
    """Yield the versions of IP that pods have addresses of: IPv4 alone, unless both are asked for.

    https://learn.microsoft.com/en-us/azure/aks/configure-dual-stack
    """
    families = leaf(inputs, "networkProfile.ipFamilies")
    if families is None:
        yield 4
    elif isinstance(families, list | tuple) and all(isinstance(each, str) for each in families):
        yield from (version for version in (4, 6) if f"IPv{version}" in families)


_LINK = f"{LEARN}/use-network-policies"
_WORDS = {Operation.REPLACE: "replaces", Operation.DELETE: "deletes"}


def replaced_clusters(plan: Plan) -> Iterator[Finding]:
    """Yield an error for every AKS cluster that would not survive the deployment."""
    for resource in plan.resources:
        if is_any_cluster(resource.type, resource.inputs) and resource.change in _WORDS:
            yield Finding(
                f"cluster-{resource.change.value}",
                Severity.ERROR,
                f"the deployment {_WORDS[resource.change]} the AKS cluster `{resource.name}`, "
                f"with everything that runs in it{_because(resource)}",
                resource.place,
                help="change the cluster with `az aks update` first, then `pulumi refresh`",
                link=_LINK,
            )


def engine_changes(before: Plan, after: Plan) -> Iterator[Finding]:
    """Yield an error if what enforces the policies of the one cluster changes."""
    old, new = planned_cluster(before).engine, planned_cluster(after).engine
    if old is not None and new is not None:
        yield from engine_change(old, new)


def _because(resource: PlannedResource) -> str:
    paths = ", ".join(f"`{path}`" for path in resource.replaced_by)
    return f", because of {paths}" if paths else ""


def unclear_clusters(plan: Plan) -> Iterator[Finding]:
    """Yield a finding for everything that keeps the plan from telling its cluster and engine."""
    yield from several_clusters(plan)
    for resource in plan.resources:
        if resource.change not in _NOT_OF_THE_STACK:
            yield from _unclear(resource)


def _unclear(resource: PlannedResource) -> Iterator[Finding]:
    if is_unrecognised_cluster(resource.type, resource.inputs):
        yield Finding(
            "cluster-not-recognised",
            Severity.WARNING,
            f"{unread_cluster(resource)}: its network policy engine is not known",
            resource.place,
            "name its engine with `--engine`",
            _LINK,
        )
    elif is_cluster(resource.type):
        engine = declared_engine(resource.inputs)
        if isinstance(engine, Unknown):
            yield Finding(
                "engine-not-known",
                Severity.INFO,
                f"the engine of the AKS cluster `{resource.name}` is not known: {engine.cause}",
                resource.place,
                "name it with `--engine`; without it, what engines do differently is undetermined",
                _LINK,
            )


def unread_cluster(resource: PlannedResource) -> str:
    """Return in words why nothing is known of a cluster that is not recognised.

    >>> type_ = "azure:containerservice/kubernetesCluster:KubernetesCluster"
    >>> unread_cluster(PlannedResource("", type_, "aks", {}))
    'the AKS cluster `aks` is a KubernetesCluster of `azure`, whose properties are not read'
    """
    package, kind = resource.type.partition(":")[0], kind_of(resource.type)
    if not is_unrecognised_cluster(resource.type, resource.inputs):
        return f"{kind} `{resource.name}` may make an AKS cluster: what it makes is not shown"
    made = f"the AKS cluster `{resource.name}` is a {kind} of `{package}`"
    return f"{made}, whose properties are not read"


def several_clusters(plan: Plan) -> Iterator[Finding]:
    """Yield a finding if the objects of a plan go to more than one AKS cluster of the plan."""
    targets = _targets(plan)
    if len(targets) > 1:
        names = ", ".join(sorted(f"`{name}`" for name in targets.values()))
        yield Finding(
            "several-clusters",
            Severity.WARNING,
            f"the stack deploys to {len(targets)} clusters ({names}), shown here as one",
            Place(min(targets)),
            "read their objects apart, or give each cluster a stack of its own",
        )


def _targets(plan: Plan) -> Mapping[str, str]:
    """Return the AKS clusters of the plan that its objects go to: their names, by URN."""
    by_urn = {resource.urn: resource for resource in plan.resources}
    providers = {item.provider for item in plan.resources if item.type.startswith("kubernetes:")}
    clusters = (each for each in plan.resources if is_any_cluster(each.type, each.inputs))
    return {
        each.urn: each.name
        for each in clusters
        if any(depends_on_any(urn, {each.urn}, by_urn) for urn in providers if urn in by_urn)
    }
