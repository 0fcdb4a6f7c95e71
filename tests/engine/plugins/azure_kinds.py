"""What the Azure stand-in knows of each resource type: names, ids, immutable and computed parts.

The immutable parts of a cluster are those of the provider's own list, `replacement.go` in
https://github.com/pulumi/pulumi-azure-native, which replaces although Azure changes some in place.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ArmKind", "kind_of"]

_CLUSTERS = "Microsoft.ContainerService/managedClusters/{resourceName}"
_NETWORKS = "Microsoft.Network/virtualNetworks/{virtualNetworkName}"
_NETWORK_PROFILE = (
    "serviceCidr",
    "serviceCidrs",
    "dnsServiceIP",
    "networkMode",
    "networkPlugin",
    "networkPluginMode",
    "podCidr",
    "networkDataplane",
    "networkPolicy",
    "outboundType",
)


@dataclass(frozen=True, slots=True)
class ArmKind:
    """One resource type. `path` is its id after `/providers/`, with the inputs that name it.

    `immutable` and `computed` are property paths and top-level outputs beyond the usual ones.
    """

    path: str
    immutable: tuple[str, ...] = ()
    computed: tuple[str, ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        """Return the inputs in the resource's id, the one that names the resource itself last."""
        return tuple(part.strip("{}") for part in self.path.split("/") if part.startswith("{"))


_KINDS = {
    "resources:ResourceGroup": ArmKind("{resourceGroupName}", ("location",)),
    "containerservice:ManagedCluster": ArmKind(
        _CLUSTERS,
        (
            *(f"networkProfile.{leaf}" for leaf in _NETWORK_PROFILE),
            *("dnsPrefix", "fqdnSubdomain", "nodeResourceGroup", "location"),
            *("linuxProfile", "windowsProfile", "diskEncryptionSetID"),
        ),
        ("fqdn", "identityProfile", "resourceUID", "currentKubernetesVersion"),
    ),
    "containerservice:AgentPool": ArmKind(
        f"{_CLUSTERS}/agentPools/{{agentPoolName}}",
        ("vmSize", "gpuInstanceProfile", "nodePublicIPTags"),
    ),
    "containerservice:MaintenanceConfiguration": ArmKind(
        f"{_CLUSTERS}/maintenanceConfigurations/{{configName}}"
    ),
    "managedidentity:UserAssignedIdentity": ArmKind(
        "Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}",
        ("location",),
        ("principalId", "clientId", "tenantId"),
    ),
    "managedidentity:FederatedIdentityCredential": ArmKind(
        "Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}"
        "/federatedIdentityCredentials/{federatedIdentityCredentialResourceName}"
    ),
    "authorization:RoleAssignment": ArmKind(
        "Microsoft.Authorization/roleAssignments/{roleAssignmentName}", ("scope",)
    ),
    "network:VirtualNetwork": ArmKind(_NETWORKS, ("location",)),
    "network:Subnet": ArmKind(f"{_NETWORKS}/subnets/{{subnetName}}"),
}


def kind_of(token: str) -> ArmKind:
    """Return what is known of the type `token`, or a kind that is named by `resourceName`.

    >>> kind_of("azure-native:network:Subnet").names
    ('virtualNetworkName', 'subnetName')
    """
    short = token.removeprefix("azure-native:")
    return _KINDS.get(short, ArmKind(f"Microsoft.{short.replace(':', '/')}/{{resourceName}}"))
