"""AKS clusters and node pools as Pulumi spells them: types, inputs, and what replaces one.

The provider azure-native has one type for the default version of Azure's API, one for each other
version, and since its third major version a package of its own for each; all of them have Azure's
names for properties and are read alike. The same cluster can be made by other providers, whose
properties have other names: those are recognised as clusters, so that none of them passes for
guarded, and are not read.

Which properties can't change without making it anew: each comes with what to do instead. Azure
changes more in place than the Pulumi provider plans: the provider replaces the cluster for each of
these leaves of `networkProfile`, see `forceNewMap` in
https://github.com/pulumi/pulumi-azure-native/blob/master/provider/pkg/gen/replacement.go.

Sources: `createSchema` in
https://github.com/pulumi/pulumi-azure-native/blob/master/provider/pkg/provider/provider_parameterize.go,
https://www.pulumi.com/registry/packages/azure/api-docs/containerservice/kubernetescluster/,
https://www.pulumi.com/docs/iac/concepts/providers/any-terraform-provider/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from podwall.policies.errors import Unknown
from podwall.quick_dataclass import dataclass

__all__ = [
    "CLUSTER_LEAVES",
    "POOL_LEAVES",
    "Replacement",
    "choice",
    "cluster_replacements",
    "is_any_cluster",
    "is_cluster",
    "is_fleet_namespace",
    "is_managed_namespace",
    "is_node_pool",
    "is_subnet",
    "is_unrecognised_cluster",
    "is_virtual_network",
    "leaf",
    "may_be_cluster",
    "may_hide_cluster",
    "pool_replacements",
]


def leaf(inputs: Mapping[str, Any], path: str) -> object:
    """Return the value at a dotted path, None where it is absent, the `Unknown` that hides it.

    >>> leaf({"networkProfile": {"networkPolicy": "azure"}}, "networkProfile.networkPolicy")
    'azure'
    """
    found: object = inputs
    for key in path.split("."):
        if isinstance(found, Unknown):
            return found
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def choice(inputs: Mapping[str, Any], path: str) -> str | Unknown | None:
    """Return one of Azure's named choices in lower case; Azure takes them in any.

    What is not text, such as a secret, is unknown. See https://github.com/Azure/AKS/issues/3444.

    >>> choice({"networkProfile": {"networkPolicy": "Cilium"}}, "networkProfile.networkPolicy")
    'cilium'
    """
    found = leaf(inputs, path)
    if found is None or isinstance(found, Unknown):
        return found
    return found.lower() if isinstance(found, str) else Unknown(f"`{path}` is not a readable name")


_AZURE_NATIVE = re.compile(
    r"azure-(?:native|nextgen)(?:_containerservice_\w+)?:containerservice(?:/\w+)?:(?P<kind>\w+)"
)
_NETWORKS = re.compile(
    r"azure-native(?:_network_\w+)?:network(?:/\w+)?:(?:Subnet|VirtualNetwork)"
    r"|azure:network/(?:subnet:Subnet|virtualNetwork:VirtualNetwork)"
)
_BRIDGED = re.compile(
    r"azure(?:rm)?:\w+/kubernetes(?:Automatic)?Cluster:\w+"
    r"|[\w-]+:tf:azurerm_kubernetes_(?:automatic_)?cluster"
)
_ANY_RESOURCE = re.compile(
    r"azapi:\w+/\w+:\w+|[\w-]+:tf:azapi_\w+"
    r"|azure-native(?:_resources_\w+)?:resources(?:/\w+)?:(?:Deployment\w*|Resource)"
    r"|azure(?:rm)?:\w+/\w*[tT]emplateDeployment:\w+|[\w-]+:tf:azurerm_\w*template_deployment"
)
_AZURE_TYPE = re.compile(r"Microsoft\.ContainerService/managedClusters(?:@\S*)?", re.IGNORECASE)
_DECIDING = frozenset({"properties", "resourceProviderNamespace", "resourceType", "type"})
_TEMPLATES = frozenset({"template", "templateBody", "templateContent"})
_LINKS = frozenset({"templateLink", "templateSpecVersionId"})
_IN_JSON = re.compile(rf'"type"\s*:\s*"{_AZURE_TYPE.pattern}"', re.IGNORECASE)


def is_cluster(type_: str) -> bool:
    """Return whether a type is that of an AKS cluster with Azure's names for its properties.

    >>> is_cluster("azure-native:containerservice/v20240901:ManagedCluster")
    True
    >>> is_cluster("azure-native:servicefabric:ManagedCluster")
    False
    """
    return _kind(type_) == "ManagedCluster"


def is_node_pool(type_: str) -> bool:
    """Return whether a type is that of a node pool that is a resource of its own.

    >>> is_node_pool("azure-native_containerservice_v20260501:containerservice:AgentPool")
    True
    """
    return _kind(type_) == "AgentPool"


def is_managed_namespace(type_: str) -> bool:
    """Return whether a type is that of a namespace that Azure manages.

    >>> is_managed_namespace("azure-native:containerservice/v20250901:ManagedNamespace")
    True
    """
    return _kind(type_) == "ManagedNamespace"


def is_fleet_namespace(type_: str) -> bool:
    """Return whether a type is that of a namespace that a fleet puts into its member clusters.

    >>> is_fleet_namespace("azure-native:containerservice:FleetManagedNamespace")
    True
    """
    return _kind(type_) == "FleetManagedNamespace"


def is_subnet(type_: str) -> bool:
    """Return whether a type is that of a subnet, of either provider.

    >>> is_subnet("azure-native:network/v20240501:Subnet"), is_subnet("azure:network/subnet:Subnet")
    (True, True)
    """
    return _NETWORKS.fullmatch(type_) is not None and type_.endswith(":Subnet")


def is_virtual_network(type_: str) -> bool:
    """Return whether a type is that of a virtual network, of either provider.

    >>> is_virtual_network("azure-native:network:VirtualNetwork")
    True
    """
    return _NETWORKS.fullmatch(type_) is not None and type_.endswith(":VirtualNetwork")


def is_unrecognised_cluster(type_: str, inputs: Mapping[str, Any]) -> bool:
    """Return whether a resource makes an AKS cluster whose properties are not read.

    The type alone tells for the providers that bridge Terraform's; `inputs` tell for those that
    make resources of any type, and for templates of Azure.

    >>> is_unrecognised_cluster("azure:containerservice/kubernetesCluster:KubernetesCluster", {})
    True
    """
    if _BRIDGED.fullmatch(type_):
        return True
    return _ANY_RESOURCE.fullmatch(type_) is not None and any(map(_is_azure_type, _types(inputs)))


def may_hide_cluster(type_: str, inputs: Mapping[str, Any]) -> bool:
    """Return whether a resource may make an AKS cluster, because it does not show what it makes.

    That is one whose type of Azure is not known yet, and a template that is not known yet or lies
    elsewhere.

    >>> linked = {"properties": {"templateLink": {"uri": "https://example.test/aks.json"}}}
    >>> may_hide_cluster("azure-native:resources:Deployment", linked)
    True
    """
    return _ANY_RESOURCE.fullmatch(type_) is not None and _hides(inputs)


def is_any_cluster(type_: str, inputs: Mapping[str, Any]) -> bool:
    """Return whether a resource makes an AKS cluster, whether its properties are read or not.

    >>> is_any_cluster("azure-native:containerservice:ManagedCluster", {})
    True
    """
    return is_cluster(type_) or is_unrecognised_cluster(type_, inputs)


def may_be_cluster(type_: str) -> bool:
    """Return whether a resource of a type can be an AKS cluster, whatever its inputs are.

    >>> may_be_cluster("azapi:index/resource:Resource"), may_be_cluster("kubernetes:core/v1:Pod")
    (True, False)
    """
    spellings = (_BRIDGED, _ANY_RESOURCE)
    return is_cluster(type_) or any(each.fullmatch(type_) for each in spellings)


def _hides(value: Any) -> bool:
    """Return whether inputs leave out what decides which resources are made."""
    if isinstance(value, str):
        return '"templateLink"' in value
    if isinstance(value, list | tuple):
        return any(map(_hides, value))
    if not isinstance(value, Mapping):
        return False
    known = _DECIDING | _TEMPLATES
    return any(
        (key in _LINKS and inner is not None)
        or (key in known and isinstance(inner, Unknown))
        or _hides(inner)
        for key, inner in value.items()
    )


def _kind(type_: str) -> str:
    found = _AZURE_NATIVE.fullmatch(type_)
    return "" if found is None else found["kind"]


def _is_azure_type(text: str) -> bool:
    return _AZURE_TYPE.fullmatch(text) is not None or _IN_JSON.search(text) is not None


def _types(value: Any) -> Iterator[str]:
    """Yield every resource type that inputs name, and every text that may be a template."""
    if isinstance(value, Mapping):
        namespace = value.get("resourceProviderNamespace")
        if isinstance(namespace, str):
            yield f"{namespace}/{value.get('resourceType')}"
        for key, inner in value.items():
            if not isinstance(inner, str):
                yield from _types(inner)
            elif key == "type" or inner.lstrip().startswith("{"):
                yield inner
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _types(inner)


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
