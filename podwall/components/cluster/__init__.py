"""An AKS cluster with a network policy engine: its arguments, its rules, and the component itself.

    from podwall.components.cluster import AksCluster, AksClusterArgs, NetworkEngine

    cluster = AksCluster(
        "shop", AksClusterArgs(kubernetes_version="1.36", engine=NetworkEngine.CILIUM)
    )

Arguments and rules are plain values in modules that import neither Pulumi nor the Azure SDK; only
`aks_cluster` and what it is made of (`resources`) do.
"""

from __future__ import annotations

from podwall.components.cluster.access import (
    Access,
    ApiServer,
    Entra,
    LocalAccounts,
    LoginMode,
    Principal,
    PrincipalType,
    PrivateApiServer,
    PublicApiServer,
    SignIn,
)
from podwall.components.cluster.addons import AddOns, AdvancedNetworking, AdvancedPolicies, LocalDns
from podwall.components.cluster.aks_cluster import AksCluster
from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.egress import (
    Egress,
    LoadBalancerEgress,
    NatGatewayEgress,
    NoEgress,
    RouteTableEgress,
    egress_named,
)
from podwall.components.cluster.engine import NetworkEngine
from podwall.components.cluster.identity import ExistingIdentity, Identities
from podwall.components.cluster.lifecycle import (
    Lifecycle,
    MaintenanceWindow,
    NodeOsChannel,
    Tier,
    UpgradeChannel,
    Weekday,
)
from podwall.components.cluster.networks import ExistingNetwork, Network, NewNetwork
from podwall.components.cluster.pod_networks import (
    DualStack,
    NodeSubnet,
    Overlay,
    PodAllocation,
    PodNetwork,
    PodSubnet,
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
from podwall.components.cluster.replacement import EngineChange
from podwall.components.cluster.services import ServiceNetwork

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
