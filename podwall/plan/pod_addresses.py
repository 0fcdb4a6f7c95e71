"""Where the pods of a planned AKS cluster get their addresses from, as far as the plan shows it.

With the overlay, and with kubenet, that is a range of the cluster's own. Otherwise pods have
addresses of a subnet: of that for pods where a node pool names one, else of that for nodes
(https://learn.microsoft.com/azure/aks/concepts-network-cni-overview). A subnet's id is known only
after it exists. Before, what the node pools depend on says which subnets, or which networks, it may
be one of: pods are somewhere in all of these together.

It is all or nothing: a range that is left out would deny what it may mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any, Final

from podwall.aks.network_engine import PLUGIN, PLUGIN_MODE, SKU
from podwall.aks.resource_types import choice, is_subnet, is_virtual_network, leaf
from podwall.model import IpNetwork
from podwall.plan.model import Operation, PlannedResource
from podwall.policies.unknown import Unknown

__all__ = ["pod_ranges"]

_Ranges = Sequence[IpNetwork] | None
"""Ranges of addresses, None where they are not known."""

_Pool = tuple[PlannedResource, object]
"""A node pool, and before it the resource that it is written in: the cluster, or its own."""

_ID: Final = re.compile(r".*/virtualNetworks/([^/]+)/subnets/([^/]+)", re.IGNORECASE)
_GONE: Final = frozenset({Operation.DELETE, Operation.READ})


def pod_ranges(
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
