"""Which properties of a cluster or node pool can't change without making it anew.

Each comes with what to do instead. Azure changes more in place than the Pulumi provider plans: the
provider replaces the cluster for each of these leaves of `networkProfile`, see `forceNewMap` in
https://github.com/pulumi/pulumi-azure-native/blob/master/provider/pkg/gen/replacement.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from podwall.aks.resource_types import leaf
from podwall.policies.unknown import Unknown
from podwall.quick_dataclass import dataclass

__all__ = [
    "CLUSTER_LEAVES",
    "POOL_LEAVES",
    "Replacement",
    "cluster_replacements",
    "pool_replacements",
]


_REFRESH = "then run `pulumi refresh` and change the program"
_NEVER = "Azure can't change it; make a second cluster beside this one and move"

_ENGINE = (
    "`az aks update --network-dataplane cilium` moves to Cilium in place; between `azure` and"
    " `calico` take the engine away first (`--network-policy none`), which opens every pod;"
    f" {_REFRESH}"
)

CLUSTER_LEAVES: Mapping[str, str] = {
    "networkProfile.networkPolicy": _ENGINE,
    "networkProfile.networkDataplane": _ENGINE,
    "networkProfile.networkPluginMode": (
        "to the overlay, one way only and without a policy engine meanwhile:"
        f" `az aks update --network-plugin-mode overlay`, {_REFRESH}"
    ),
    "networkProfile.networkPlugin": (
        f"from kubenet: `az aks update --network-plugin azure --network-plugin-mode overlay`,"
        f" {_REFRESH}"
    ),
    "networkProfile.networkMode": _NEVER,
    "networkProfile.podCidr": (
        f"to a larger range that contains it: `az aks update --pod-cidr`, {_REFRESH}"
    ),
    "networkProfile.serviceCidr": (
        "Azure can't change it; from Kubernetes 1.33 add ranges with `ServiceCIDR` objects"
    ),
    "networkProfile.serviceCidrs": (
        "Azure can't change it; from Kubernetes 1.33 add ranges with `ServiceCIDR` objects"
    ),
    "networkProfile.dnsServiceIP": _NEVER,
    "networkProfile.outboundType": f"`az aks update --outbound-type`, {_REFRESH}",
    "dnsPrefix": _NEVER,
    "fqdnSubdomain": _NEVER,
    "nodeResourceGroup": _NEVER,
    "location": _NEVER,
    "diskEncryptionSetID": _NEVER,
    "linuxProfile": _NEVER,
    "windowsProfile": _NEVER,
    "resourceGroupName": _NEVER,
    "resourceName": _NEVER,
}
"""Leaves of a ManagedCluster's inputs that replace it, each with what to do instead.

Beside them, `networkProfile.nodePublicIPTags` of a pool inside the cluster replaces it. For
`podCidrs` and `ipFamilies` of the network profile the provider plans an update, and Azure decides.
Providers before https://github.com/pulumi/pulumi-azure-native/pull/4771 replace the cluster for any
change of the network profile.

See https://learn.microsoft.com/azure/aks/update-azure-cni and
https://learn.microsoft.com/azure/aks/migrate-from-npm-to-cilium-network-policy.
"""

_POOL_TAGS = "networkProfile.nodePublicIPTags"

POOL_LEAVES: Mapping[str, str] = dict.fromkeys(
    (
        "name",
        "vmSize",
        "maxPods",
        "availabilityZones",
        "osDiskType",
        "osDiskSizeGB",
        "osType",
        "vnetSubnetID",
        "podSubnetID",
        "podIPAllocationMode",
        "scaleSetPriority",
        "scaleSetEvictionPolicy",
        "enableEncryptionAtHost",
        "gpuInstanceProfile",
        _POOL_TAGS,
    ),
    "Azure can't change it; make a second pool beside this one and drain the first",
)
"""Leaves of a node pool that are fixed when it is made.

For a pool of its own the component asks Pulumi to replace it, because the provider would plan an
update that Azure refuses (`PropertyChangeNotAllowed`); the system pool can't be replaced at all.
"""


@dataclass(frozen=True, slots=True)
class Replacement:
    """A changed leaf that replaces its resource; `instead` says how to change it without.

    `old` and `new` are None where the leaf is absent. Where one of them is `Unknown` the
    replacement is possible and not certain.
    """

    path: str
    old: object
    new: object
    instead: str

    @property
    def is_certain(self) -> bool:
        """Whether both values are known."""
        return not isinstance(self.old, Unknown) and not isinstance(self.new, Unknown)

    def __str__(self) -> str:
        """Write `path: old -> new`.

        >>> print(Replacement("networkProfile.networkPolicy", "azure", "cilium", ""))
        networkProfile.networkPolicy: `azure` -> `cilium`
        """
        old, new = ("nothing" if each is None else f"`{each}`" for each in (self.old, self.new))
        return f"{self.path}: {old} -> {new}"


def cluster_replacements(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Replacement, ...]:
    """Return what replaces a ManagedCluster between two sets of its inputs, in Azure's names.

    A leaf that is added or taken away counts as changed, because the provider plans it so.

    >>> found = cluster_replacements(
    ...     {"networkProfile": {"networkPolicy": "azure"}},
    ...     {"networkProfile": {"networkPolicy": "calico"}},
    ... )
    >>> [str(each) for each in found]
    ['networkProfile.networkPolicy: `azure` -> `calico`']
    """
    return (*_changes(CLUSTER_LEAVES, old, new), *_inline_pool_changes(old, new))


def pool_replacements(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Replacement, ...]:
    """Return what replaces a node pool between two sets of its inputs, in Azure's names."""
    return _changes(POOL_LEAVES, old, new)


def _inline_pool_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Replacement]:
    """Yield what replaces the cluster of what changes in the pools that are a part of it."""
    before, after = _inline_pools(old), _inline_pools(new)
    for name in sorted(before.keys() & after.keys()):
        for each in _changes({_POOL_TAGS: POOL_LEAVES[_POOL_TAGS]}, before[name], after[name]):
            yield replace(each, path=f"agentPoolProfiles[{name}].{each.path}")


def _inline_pools(inputs: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    pools = inputs.get("agentPoolProfiles")
    listed = pools if isinstance(pools, list | tuple) else ()
    found = (each for each in listed if isinstance(each, Mapping))
    return {each["name"]: each for each in found if isinstance(each.get("name"), str)}


def _changes(
    leaves: Mapping[str, str], old: Mapping[str, Any], new: Mapping[str, Any]
) -> tuple[Replacement, ...]:
    return tuple(
        Replacement(path, leaf(old, path), leaf(new, path), instead)
        for path, instead in leaves.items()
        if leaf(old, path) != leaf(new, path)
    )
