"""What is sent to Azure for a cluster and its pools, as its properties.

The system pool is sent inside the cluster and every user pool as a resource of its own, with the
same leaves. Every leaf is sent, always, in one form: one that is left out is filled in by Azure or,
in the SDK's class form, by the SDK, and adding it later would be planned as a replacement.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from podwall.aks.limits import LONGEST_DNS_PREFIX, RESERVED_LABEL_PREFIX
from podwall.components.cluster.access import Entra, PrivateApiServer
from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.network_profile import (
    LoadBalancerEgress,
    NoEgress,
    Overlay,
    PodSubnet,
)
from podwall.components.cluster.operations import AddOns, AdvancedNetworking, LocalDns
from podwall.components.cluster.pools import (
    Autoscale,
    NodeProvisioning,
    Priority,
    SystemPool,
    UserPool,
)
from podwall.quick_dataclass import dataclass

if TYPE_CHECKING:
    from pulumi import Input
    from pulumi_azure_native.containerservice import (
        AdvancedNetworkingArgsDict,
        ContainerServiceNetworkProfileArgsDict,
        LocalDNSProfileArgsDict,
        ManagedClusterAADProfileArgsDict,
        ManagedClusterAddonProfileArgsDict,
        ManagedClusterAgentPoolProfileArgsDict,
        ManagedClusterAPIServerAccessProfileArgsDict,
        ManagedClusterLoadBalancerProfileArgsDict,
        ManagedClusterNodeProvisioningProfileArgsDict,
        ManagedClusterSecurityProfileArgsDict,
    )

__all__ = [
    "SYSTEM_TAINT",
    "ClusterPrerequisites",
    "cluster_properties",
    "dns_prefix",
    "network_profile",
    "pool_properties",
]


def network_profile(args: AksClusterArgs) -> ContainerServiceNetworkProfileArgsDict:
    """Return the network profile that `args` ask for."""
    found: ContainerServiceNetworkProfileArgsDict = {
        "network_plugin": args.engine.plugin,
        "network_dataplane": args.engine.dataplane,
        "network_policy": args.engine.policy,
        "service_cidr": args.services.cidr,
        "dns_service_ip": args.services.dns_ip,
        "outbound_type": args.egress.outbound_type,
        "load_balancer_sku": "standard",
        "ip_families": ["IPv4"] if args.ipv6 is None else ["IPv4", "IPv6"],
    }
    if isinstance(args.pod_network, Overlay):
        found["network_plugin_mode"] = args.pod_network.plugin_mode
        found["pod_cidr"] = args.pod_network.pod_cidr
        _add_ipv6(found, args, args.pod_network)
    if isinstance(args.egress, LoadBalancerEgress):
        found["load_balancer_profile"] = _load_balancer(args.egress, args)
    if args.addons.advanced_networking is not None:
        found["advanced_networking"] = _advanced(args.addons.advanced_networking)
    return found


def _add_ipv6(
    found: ContainerServiceNetworkProfileArgsDict, args: AksClusterArgs, overlay: Overlay
) -> None:
    if args.ipv6 is not None:
        found["pod_cidrs"] = [overlay.pod_cidr, args.ipv6.pod_cidr]
        found["service_cidrs"] = [args.services.cidr, args.ipv6.service_cidr]


def _load_balancer(
    egress: LoadBalancerEgress, args: AksClusterArgs
) -> ManagedClusterLoadBalancerProfileArgsDict:
    return {
        "managed_outbound_ips": {"count": egress.public_ips}
        if args.ipv6 is None
        else {"count": egress.public_ips, "count_i_pv6": egress.public_ips},
        "allocated_outbound_ports": egress.ports_per_node,
        "idle_timeout_in_minutes": egress.idle_minutes,
        "backend_pool_type": "NodeIPConfiguration",
    }


def _advanced(networking: AdvancedNetworking) -> AdvancedNetworkingArgsDict:
    return {
        "enabled": True,
        "observability": {"enabled": networking.observability},
        "security": {
            "enabled": networking.policies.value != "None",
            "advanced_network_policies": networking.policies.value,
        },
    }


SYSTEM_TAINT = "CriticalAddonsOnly=true:NoSchedule"
"""Keeps a system pool for the cluster's own pods."""

_SPOT = f"{RESERVED_LABEL_PREFIX}scalesetpriority"


def pool_properties(
    args: AksClusterArgs,
    pool: SystemPool | UserPool,
    node_subnet_id: Input[str],
    pod_subnet_id: Input[str] | None,
) -> ManagedClusterAgentPoolProfileArgsDict:
    """Return the properties of `pool` in the given subnets."""
    found: ManagedClusterAgentPoolProfileArgsDict = {
        "name": pool.name,
        "mode": pool.mode,
        "type": "VirtualMachineScaleSets",
        "os_type": pool.os_sku.os_type,
        "os_sku": pool.os_sku.value,
        "vm_size": pool.vm_size,
        "os_disk_type": pool.os_disk.kind,
        "os_disk_size_gb": pool.os_disk.size_gb,
        "max_pods": args.max_pods(pool),
        "vnet_subnet_id": node_subnet_id,
        "enable_node_public_ip": False,
        "enable_encryption_at_host": pool.encryption_at_host,
        "node_labels": _labels(pool),
        "node_taints": _taints(args, pool),
    }
    if pool.zones:
        found["availability_zones"] = list(pool.zones)
    _add_count(found, pool)
    _add_priority(found, pool)
    if isinstance(args.pod_network, PodSubnet) and pod_subnet_id is not None:
        found["pod_subnet_id"] = pod_subnet_id
        found["pod_ip_allocation_mode"] = args.pod_network.allocation.value
    if pool.os_sku.os_type == "Linux":
        found["local_dns_profile"] = _local_dns(args.addons.local_dns)
    return found


def _add_count(found: ManagedClusterAgentPoolProfileArgsDict, pool: SystemPool | UserPool) -> None:
    found["count"] = pool.node_count.initial
    found["enable_auto_scaling"] = isinstance(pool.node_count, Autoscale)
    if isinstance(pool.node_count, Autoscale):
        found["min_count"] = pool.node_count.minimum
        found["max_count"] = pool.node_count.maximum


def _add_priority(
    found: ManagedClusterAgentPoolProfileArgsDict, pool: SystemPool | UserPool
) -> None:
    if _is_spot(pool):
        found["scale_set_priority"] = Priority.SPOT.value
        found["scale_set_eviction_policy"] = "Delete"
        found["spot_max_price"] = -1
    else:
        found["upgrade_settings"] = {"max_surge": pool.max_surge}


def _labels(pool: SystemPool | UserPool) -> dict[str, Input[str]]:
    own: dict[str, Input[str]] = dict(pool.labels)
    # AKS adds these to spot pools by itself; sent here, they are no difference to the next preview.
    return {**own, _SPOT: "spot"} if _is_spot(pool) else own


def _taints(args: AksClusterArgs, pool: SystemPool | UserPool) -> list[Input[str]]:
    if isinstance(pool, UserPool):
        return [*pool.taints, *([f"{_SPOT}=spot:NoSchedule"] if _is_spot(pool) else [])]
    elsewhere = args.user_pools or args.node_provisioning is NodeProvisioning.AUTO
    return [SYSTEM_TAINT] if elsewhere else []


def _is_spot(pool: SystemPool | UserPool) -> bool:
    return isinstance(pool, UserPool) and pool.priority is Priority.SPOT


def _local_dns(mode: LocalDns) -> LocalDNSProfileArgsDict:
    # The SDK's class form would send `Preferred`, which reimages every node.
    return {"mode": mode.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterPrerequisites:
    """What exists before the cluster: its group, its subnets and its identities, by their ids."""

    resource_group: Input[str]
    location: Input[str] | None
    node_subnet_id: Input[str]
    pod_subnet_id: Input[str] | None
    api_server_subnet_id: Input[str] | None
    identity_id: Input[str]
    kubelet_identity_id: Input[str] | None


def cluster_properties(
    name: str, args: AksClusterArgs, prerequisites: ClusterPrerequisites
) -> dict[str, Any]:
    """Return the arguments of `ManagedCluster` for the component called `name`."""
    return {
        **_placement(name, args, prerequisites),
        **_identity(args, prerequisites),
        "kubernetes_version": args.kubernetes_version,
        "sku": {"name": "Base", "tier": args.lifecycle.tier.value},
        "support_plan": args.lifecycle.tier.support_plan,
        "auto_upgrade_profile": {
            "upgrade_channel": args.lifecycle.upgrades.value,
            "node_os_upgrade_channel": args.lifecycle.node_os.value,
        },
        "network_profile": network_profile(args),
        "api_server_access_profile": _api_server(args, prerequisites),
        "agent_pool_profiles": [
            pool_properties(
                args, args.system_pool, prerequisites.node_subnet_id, prerequisites.pod_subnet_id
            )
        ],
        "node_provisioning_profile": _node_provisioning(args.node_provisioning),
        "node_resource_group_profile": {"restriction_level": "ReadOnly"},
        "addon_profiles": _addon_profiles(args.addons),
        "security_profile": _security_profile(args.addons),
        "oidc_issuer_profile": {"enabled": True},
        "tags": dict(args.tags),
    }


def dns_prefix(name: str, args: AksClusterArgs) -> str | None:
    """Return the prefix of the API server's name; None where its zone's subdomain names it.

    >>> dns_prefix("my shop", AksClusterArgs(kubernetes_version="1.36"))
    'my-shop'
    """
    if args.dns_prefix is not None:
        return args.dns_prefix
    if isinstance(args.access.api_server, PrivateApiServer) and args.access.api_server.has_own_zone:
        return None
    letters = re.sub(r"[^A-Za-z0-9]+", "-", name)[:LONGEST_DNS_PREFIX].strip("-")
    return letters or "aks"


def _placement(
    name: str, args: AksClusterArgs, prerequisites: ClusterPrerequisites
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resource_group_name": prerequisites.resource_group,
        "resource_name_": args.cluster_name,
        "location": prerequisites.location,
        "dns_prefix": dns_prefix(name, args),
    }
    if isinstance(args.access.api_server, PrivateApiServer):
        found["fqdn_subdomain"] = args.access.api_server.fqdn_subdomain
    if isinstance(args.egress, NoEgress):
        found["bootstrap_profile"] = {
            "artifact_source": "Cache",
            "container_registry_id": args.egress.bootstrap_registry_id,
        }
    return found


def _identity(args: AksClusterArgs, prerequisites: ClusterPrerequisites) -> dict[str, Any]:
    entra = args.access.sign_in if isinstance(args.access.sign_in, Entra) else None
    kubelet = prerequisites.kubelet_identity_id
    return {
        "identity": {
            "type": "UserAssigned",
            "user_assigned_identities": [prerequisites.identity_id],
        },
        "identity_profile": kubelet and {"kubeletidentity": {"resource_id": kubelet}},
        "enable_rbac": True,
        "disable_local_accounts": entra is not None and not entra.local_accounts,
        "aad_profile": entra and _entra_profile(entra),
    }


def _entra_profile(entra: Entra) -> ManagedClusterAADProfileArgsDict:
    found: ManagedClusterAADProfileArgsDict = {
        "managed": True,
        "enable_azure_rbac": entra.azure_rbac,
        "admin_group_object_ids": list(entra.admin_groups),
    }
    if entra.tenant_id is not None:
        found["tenant_id"] = entra.tenant_id
    return found


def _api_server(
    args: AksClusterArgs, prerequisites: ClusterPrerequisites
) -> ManagedClusterAPIServerAccessProfileArgsDict:
    found: ManagedClusterAPIServerAccessProfileArgsDict = {
        "disable_run_command": not args.access.run_command,
        "enable_vnet_integration": args.access.vnet_integration,
    }
    if prerequisites.api_server_subnet_id is not None:
        found["subnet_id"] = prerequisites.api_server_subnet_id
    api_server = args.access.api_server
    if isinstance(api_server, PrivateApiServer):
        found["enable_private_cluster"] = True
        found["enable_private_cluster_public_fqdn"] = api_server.public_fqdn
        found["private_dns_zone"] = api_server.private_dns_zone
    else:
        found["enable_private_cluster"] = False
        found["authorized_ip_ranges"] = list(api_server.authorized_ip_ranges)
    return found


def _node_provisioning(
    mode: NodeProvisioning,
) -> ManagedClusterNodeProvisioningProfileArgsDict:
    if mode is NodeProvisioning.AUTO:
        return {"mode": mode.value, "default_node_pools": "Auto"}
    return {"mode": mode.value}


def _addon_profiles(addons: AddOns) -> dict[str, ManagedClusterAddonProfileArgsDict]:
    found: dict[str, ManagedClusterAddonProfileArgsDict] = {
        "azurepolicy": {"enabled": addons.azure_policy, "config": {"version": "v2"}},
        "azureKeyvaultSecretsProvider": {
            "enabled": addons.key_vault_secrets,
            "config": {"enableSecretRotation": "true"},
        },
    }
    if addons.monitoring_workspace_id is not None:
        found["omsagent"] = {
            "enabled": True,
            "config": {
                "logAnalyticsWorkspaceResourceID": addons.monitoring_workspace_id,
                "useAADAuth": "true",
            },
        }
    return found


def _security_profile(addons: AddOns) -> ManagedClusterSecurityProfileArgsDict:
    found: ManagedClusterSecurityProfileArgsDict = {
        "workload_identity": {"enabled": True},
        "image_cleaner": {"enabled": False},
    }
    if addons.image_cleaner_hours is not None:
        found["image_cleaner"] = {"enabled": True, "interval_hours": addons.image_cleaner_hours}
    if addons.defender_workspace_id is not None:
        found["defender"] = {
            "log_analytics_workspace_resource_id": addons.defender_workspace_id,
            "security_monitoring": {"enabled": True},
        }
    return found
