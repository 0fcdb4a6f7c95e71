"""An AKS cluster with a network policy engine: its arguments, its rules, and the component.

    from podwall.components.cluster import AksCluster, AksClusterArgs, NetworkEngine

    cluster = AksCluster(
        "shop", AksClusterArgs(kubernetes_version="1.36", engine=NetworkEngine.CILIUM)
    )

Arguments and rules are plain values in modules that import neither Pulumi nor the Azure SDK; only
`podwall.components.cluster.aks_cluster` and `podwall.components.cluster.resources` do.
"""

from __future__ import annotations

from podwall.aks.network_engine import NetworkEngine
from podwall.components.cluster.access import (
    Access,
    ApiServer,
    Entra,
    ExistingIdentity,
    Identities,
    LocalAccounts,
    LoginMode,
    Principal,
    PrincipalType,
    PrivateApiServer,
    PublicApiServer,
    SignIn,
)
from podwall.components.cluster.aks_cluster import AksCluster
from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.network_profile import (
    DualStack,
    Egress,
    LoadBalancerEgress,
    NatGatewayEgress,
    NodeSubnet,
    NoEgress,
    Overlay,
    PodAllocation,
    PodNetwork,
    PodSubnet,
    RouteTableEgress,
    ServiceNetwork,
    egress_named,
)
from podwall.components.cluster.networks import ExistingNetwork, Network, NewNetwork
from podwall.components.cluster.operations import (
    AddOns,
    AdvancedNetworking,
    AdvancedPolicies,
    EngineChange,
    Lifecycle,
    LocalDns,
    MaintenanceWindow,
    NodeOsChannel,
    Tier,
    UpgradeChannel,
    Weekday,
)
from podwall.components.cluster.pools import (
    Autoscale,
    EphemeralDisk,
    FixedCount,
    ManagedDisk,
    NodeCount,
    NodeProvisioning,
    OsDisk,
    OsSku,
    Priority,
    SystemPool,
    UserPool,
)

__all__ = [
    "Access",
    "AddOns",
    "AdvancedNetworking",
    "AdvancedPolicies",
    "AksCluster",
    "AksClusterArgs",
    "ApiServer",
    "Autoscale",
    "DualStack",
    "Egress",
    "EngineChange",
    "Entra",
    "EphemeralDisk",
    "ExistingIdentity",
    "ExistingNetwork",
    "FixedCount",
    "Identities",
    "Lifecycle",
    "LoadBalancerEgress",
    "LocalAccounts",
    "LocalDns",
    "LoginMode",
    "MaintenanceWindow",
    "ManagedDisk",
    "NatGatewayEgress",
    "Network",
    "NetworkEngine",
    "NewNetwork",
    "NoEgress",
    "NodeCount",
    "NodeOsChannel",
    "NodeProvisioning",
    "NodeSubnet",
    "OsDisk",
    "OsSku",
    "Overlay",
    "PodAllocation",
    "PodNetwork",
    "PodSubnet",
    "Principal",
    "PrincipalType",
    "Priority",
    "PrivateApiServer",
    "PublicApiServer",
    "RouteTableEgress",
    "ServiceNetwork",
    "SignIn",
    "SystemPool",
    "Tier",
    "UpgradeChannel",
    "UserPool",
    "Weekday",
    "egress_named",
]
