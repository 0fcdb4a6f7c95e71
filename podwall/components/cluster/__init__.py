"""An AKS cluster with a network policy engine: its arguments, its rules, and the component.

    from podwall.components.cluster import AksCluster, AksClusterArgs, NetworkEngine

    cluster = AksCluster(
        "shop", AksClusterArgs(kubernetes_version="1.36", engine=NetworkEngine.CILIUM)
    )

Arguments and rules are plain values in modules that import neither Pulumi nor the Azure SDK; only
`aks_cluster`, and with it `resources`, do, and they are imported when `AksCluster` is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from podwall.on_demand import on_first_use

if TYPE_CHECKING:
    from podwall.components.cluster.aks_cluster import AksCluster

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

if not TYPE_CHECKING:  # a type checker takes every name from a `__getattr__` that it sees
    __getattr__ = on_first_use(
        __name__, {"AksCluster": f"{__name__}.aks_cluster"}, {"AksCluster": "azure"}
    )
