"""What is sent to Azure for the cluster itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from podwall.components.cluster.access import Entra, PrivateApiServer
from podwall.components.cluster.egress import NoEgress
from podwall.components.cluster.network_properties import network_profile
from podwall.components.cluster.pool_properties import pool_properties
from podwall.components.cluster.pools import NodeProvisioning

if TYPE_CHECKING:
    from pulumi import Input
    from pulumi_azure_native.containerservice import (
        ManagedClusterAADProfileArgsDict,
        ManagedClusterAddonProfileArgsDict,
        ManagedClusterAPIServerAccessProfileArgsDict,
        ManagedClusterNodeProvisioningProfileArgsDict,
        ManagedClusterSecurityProfileArgsDict,
    )

    from podwall.components.cluster.addons import AddOns
    from podwall.components.cluster.args import AksClusterArgs

__all__ = ["Surroundings", "cluster_properties", "dns_prefix"]

_LONGEST_DNS_PREFIX = 54


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What exists before the cluster: its group, its subnets and its identities, by their ids."""

    resource_group: Input[str]
    location: Input[str] | None
    node_subnet_id: Input[str]
    pod_subnet_id: Input[str] | None
    api_server_subnet_id: Input[str] | None
    identity_id: Input[str]
    kubelet_identity_id: Input[str] | None


def cluster_properties(
    name: str, args: AksClusterArgs, surroundings: Surroundings
) -> dict[str, Any]:
    """Return the arguments of `ManagedCluster` for the component called `name`."""
    return {
        **_placement(name, args, surroundings),
        **_identity(args, surroundings),
        "kubernetes_version": args.kubernetes_version,
        "sku": {"name": "Base", "tier": args.lifecycle.tier.value},
        "support_plan": args.lifecycle.tier.support_plan,
        "auto_upgrade_profile": {
            "upgrade_channel": args.lifecycle.upgrades.value,
            "node_os_upgrade_channel": args.lifecycle.node_os.value,
        },
        "network_profile": network_profile(args),
        "api_server_access_profile": _api_server(args, surroundings),
        "agent_pool_profiles": [
            pool_properties(
                args, args.system_pool, surroundings.node_subnet_id, surroundings.pod_subnet_id
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

    >>> from podwall.components.cluster.args import AksClusterArgs
    >>> dns_prefix("my shop", AksClusterArgs(kubernetes_version="1.36"))
    'my-shop'
    """
    if args.dns_prefix is not None:
        return args.dns_prefix
    if isinstance(args.access.api_server, PrivateApiServer) and args.access.api_server.has_own_zone:
        return None
    letters = re.sub(r"[^A-Za-z0-9]+", "-", name)[:_LONGEST_DNS_PREFIX].strip("-")
    return letters or "aks"


def _placement(name: str, args: AksClusterArgs, around: Surroundings) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resource_group_name": around.resource_group,
        "resource_name_": args.cluster_name,
        "location": around.location,
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


def _identity(args: AksClusterArgs, around: Surroundings) -> dict[str, Any]:
    entra = args.access.sign_in if isinstance(args.access.sign_in, Entra) else None
    kubelet = around.kubelet_identity_id
    return {
        "identity": {"type": "UserAssigned", "user_assigned_identities": [around.identity_id]},
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
    args: AksClusterArgs, around: Surroundings
) -> ManagedClusterAPIServerAccessProfileArgsDict:
    found: ManagedClusterAPIServerAccessProfileArgsDict = {
        "disable_run_command": not args.access.run_command,
        "enable_vnet_integration": args.access.vnet_integration,
    }
    if around.api_server_subnet_id is not None:
        found["subnet_id"] = around.api_server_subnet_id
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
