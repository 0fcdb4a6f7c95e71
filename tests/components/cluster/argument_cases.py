"""For every argument of a cluster: how it changes, and which leaves replace because of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from podwall.components.cluster import (
    Access,
    AddOns,
    AdvancedNetworking,
    AdvancedPolicies,
    Autoscale,
    DualStack,
    EngineChange,
    Entra,
    EphemeralDisk,
    ExistingIdentity,
    FixedCount,
    Identities,
    Lifecycle,
    LoadBalancerEgress,
    LocalDns,
    LoginMode,
    MaintenanceWindow,
    ManagedDisk,
    NatGatewayEgress,
    NetworkEngine,
    NewNetwork,
    NodeOsChannel,
    NodeProvisioning,
    NodeSubnet,
    NoEgress,
    OsSku,
    Overlay,
    PodAllocation,
    PodSubnet,
    Principal,
    PrincipalType,
    Priority,
    PrivateApiServer,
    PublicApiServer,
    RouteTableEgress,
    ServiceNetwork,
    SystemPool,
    Tier,
    UpgradeChannel,
    UserPool,
    Weekday,
)
from tests.components.cluster.values import (
    API_SERVER,
    NETWORK,
    NODES,
    PODS,
    REGISTRY,
    WORKSPACE,
    ZONE,
    existing,
)

__all__ = ["CASES", "Arguments", "Case"]

Arguments = dict[str, Any]


class Case(NamedTuple):
    """Arguments before and after a change, and the leaves that replace because of it.

    `follows` are leaves that take the id of something that the component makes, and makes anew.
    """

    before: Arguments
    after: Arguments
    replaces: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()


CILIUM: Arguments = {"engine": NetworkEngine.CILIUM}
IPV6: Arguments = {**CILIUM, "ipv6": DualStack()}
PROFILE = "networkProfile"
ONE_NODE = FixedCount(3)


def system(**changes: Any) -> Arguments:
    return {"system_pool": SystemPool(**changes)}


def user(**changes: Any) -> Arguments:
    return {"user_pools": (UserPool(**{"name": "apps", **changes}),)}


def reached(server: PublicApiServer | PrivateApiServer) -> Arguments:
    return {"access": Access(api_server=server)}


def private(zone: str = ZONE, subdomain: str = "shop", **changes: Any) -> Arguments:
    server = PrivateApiServer(zone, fqdn_subdomain=subdomain, **changes)
    return {"network": existing(), **reached(server)}


def signed_in(**changes: Any) -> Arguments:
    return {"access": Access(sign_in=Entra(**{"admin_groups": ("admins",), **changes}))}


def acts_as(**changes: Any) -> Arguments:
    return {"identities": Identities(**changes)}


def lives(**changes: Any) -> Arguments:
    return {"lifecycle": Lifecycle(**changes)}


def upgraded(**changes: Any) -> Arguments:
    return lives(maintenance=MaintenanceWindow(**changes))


def adds(**changes: Any) -> Arguments:
    return {"addons": AddOns(**changes)}


def advanced(**changes: Any) -> Arguments:
    return {**CILIUM, **adds(advanced_networking=AdvancedNetworking(**changes))}


def network(**changes: Any) -> Arguments:
    return {"network": NewNetwork(**changes)}


def own(**changes: Any) -> Arguments:
    return {"network": existing(**changes)}


def pods_in(allocation: PodAllocation = PodAllocation.DYNAMIC, **changes: Any) -> Arguments:
    return {"pod_network": PodSubnet(allocation), **changes}


def leaves_by(egress: object) -> Arguments:
    return {"egress": egress}


OTHER_NETWORK = NETWORK.replace("/hub/", "/spoke/")
OTHER_ZONE = ZONE.replace("/net/", "/dns/")
IDENTITY, OTHER_IDENTITY = ExistingIdentity("id", "p"), ExistingIdentity("other", "p")
INTEGRATED = Access(vnet_integration=True)

CASES: Mapping[str, tuple[Case, ...]] = {
    "AksClusterArgs.kubernetes_version": (Case({}, {"kubernetes_version": "1.35"}),),
    "AksClusterArgs.engine": (
        Case({}, {"engine": NetworkEngine.CALICO}, (f"{PROFILE}.networkPolicy",)),
        Case({}, CILIUM, (f"{PROFILE}.networkPolicy", f"{PROFILE}.networkDataplane")),
        Case(
            {"engine": NetworkEngine.CALICO},
            CILIUM,
            (f"{PROFILE}.networkPolicy", f"{PROFILE}.networkDataplane"),
        ),
    ),
    "AksClusterArgs.pod_network": (
        Case(
            {"pod_network": NodeSubnet(), **system(max_pods=30)},
            {"pod_network": Overlay(), **system(max_pods=30)},
            (f"{PROFILE}.networkPluginMode", f"{PROFILE}.podCidr"),
        ),
        Case(
            {},
            {"pod_network": NodeSubnet()},
            (
                f"{PROFILE}.networkPluginMode",
                f"{PROFILE}.podCidr",
                "systemPool.maxPods",
            ),
        ),
        Case(
            pods_in(),
            {"pod_network": NodeSubnet(), **system(max_pods=110)},
            (
                "systemPool.podSubnetID",
                "systemPool.podIPAllocationMode",
            ),
        ),
    ),
    "AksClusterArgs.services": (
        Case(
            {},
            {"services": ServiceNetwork("10.1.0.0/16")},
            (f"{PROFILE}.serviceCidr", f"{PROFILE}.dnsServiceIP"),
        ),
    ),
    "AksClusterArgs.ipv6": (
        Case(CILIUM, IPV6, (f"{PROFILE}.serviceCidrs",)),
        Case(IPV6, CILIUM, (f"{PROFILE}.serviceCidrs",)),
    ),
    "AksClusterArgs.network": (
        Case({}, own(), ("systemPool.vnetSubnetID",)),
        Case(own(), {}, ("systemPool.vnetSubnetID",)),
        Case(
            pods_in(),
            pods_in(**own(pod_subnet_id=PODS)),
            ("systemPool.vnetSubnetID", "systemPool.podSubnetID"),
        ),
    ),
    "AksClusterArgs.egress": (
        Case({}, leaves_by(NatGatewayEgress("gateway")), (f"{PROFILE}.outboundType",)),
        Case(
            leaves_by(RouteTableEgress("table")),
            leaves_by(NoEgress(REGISTRY)),
            (f"{PROFILE}.outboundType",),
        ),
    ),
    "AksClusterArgs.system_pool": (Case({}, system(name="other"), ("systemPool.name",)),),
    "AksClusterArgs.user_pools": (Case({}, user()), Case(user(), {})),
    "AksClusterArgs.node_provisioning": (
        Case(
            {**CILIUM, **system(node_count=ONE_NODE)},
            {
                **CILIUM,
                **system(node_count=ONE_NODE),
                "node_provisioning": NodeProvisioning.AUTO,
            },
        ),
    ),
    "AksClusterArgs.identities": (Case({}, acts_as(cluster=IDENTITY)),),
    "AksClusterArgs.access": (
        Case({}, reached(PrivateApiServer())),
        Case(own(), private(), ("dnsPrefix", "fqdnSubdomain")),
    ),
    "AksClusterArgs.lifecycle": (Case({}, lives(maintenance=None)),),
    "AksClusterArgs.addons": (Case({}, adds(key_vault_secrets=True)),),
    "AksClusterArgs.resource_group": (
        Case({}, {"resource_group": "group"}, ("resourceGroupName",), ("systemPool.vnetSubnetID",)),
        Case(
            {"resource_group": "group", **own()},
            {"resource_group": "other", **own()},
            ("resourceGroupName",),
        ),
    ),
    "AksClusterArgs.location": (
        Case({"location": "westeurope"}, {"location": "northeurope"}, ("location",)),
    ),
    "AksClusterArgs.cluster_name": (
        Case({}, {"cluster_name": "prod"}, ("resourceName",)),
        Case({"cluster_name": "prod"}, {"cluster_name": "test"}, ("resourceName",)),
    ),
    "AksClusterArgs.dns_prefix": (Case({}, {"dns_prefix": "prod"}, ("dnsPrefix",)),),
    "AksClusterArgs.tags": (Case({}, {"tags": {"a": "b"}}),),
    "AksClusterArgs.protect": (Case({}, {"protect": False}),),
    "AksClusterArgs.engine_change": (Case({}, {"engine_change": EngineChange.ALREADY_MIGRATED}),),
    "Overlay.pod_cidr": (
        Case({}, {"pod_network": Overlay("10.240.0.0/16")}, (f"{PROFILE}.podCidr",)),
        Case(
            IPV6,
            {**IPV6, "pod_network": Overlay("10.240.0.0/16")},
            (f"{PROFILE}.podCidr",),
        ),
    ),
    "PodSubnet.allocation": (
        Case(
            pods_in(),
            pods_in(PodAllocation.STATIC_BLOCK),
            ("systemPool.podIPAllocationMode",),
        ),
    ),
    "DualStack.pod_cidr": (Case(IPV6, {**CILIUM, "ipv6": DualStack(pod_cidr="fd99::/64")}),),
    "DualStack.service_cidr": (
        Case(
            IPV6,
            {**CILIUM, "ipv6": DualStack(service_cidr="fd99::/108")},
            (f"{PROFILE}.serviceCidrs",),
        ),
    ),
    "DualStack.address_space": (
        Case(IPV6, {**CILIUM, "ipv6": DualStack(address_space="fd12:3456:789b::/56")}),
    ),
    "DualStack.node_subnet": (
        Case(IPV6, {**CILIUM, "ipv6": DualStack(node_subnet="fd12:3456:789b:1::/64")}),
    ),
    "ServiceNetwork.cidr": (
        Case(
            {"services": ServiceNetwork("10.0.0.0/16", "10.0.0.10")},
            {"services": ServiceNetwork("10.0.0.0/17", "10.0.0.10")},
            (f"{PROFILE}.serviceCidr",),
        ),
        Case(
            IPV6,
            {**IPV6, "services": ServiceNetwork("10.0.0.0/17", "10.0.0.10")},
            (f"{PROFILE}.serviceCidr", f"{PROFILE}.serviceCidrs"),
        ),
    ),
    "ServiceNetwork.dns_ip": (
        Case(
            {},
            {"services": ServiceNetwork("10.0.0.0/16", "10.0.0.53")},
            (f"{PROFILE}.dnsServiceIP",),
        ),
    ),
    "LoadBalancerEgress.public_ips": (Case({}, leaves_by(LoadBalancerEgress(2))),),
    "LoadBalancerEgress.ports_per_node": (
        Case({}, leaves_by(LoadBalancerEgress(ports_per_node=8))),
    ),
    "LoadBalancerEgress.idle_minutes": (Case({}, leaves_by(LoadBalancerEgress(idle_minutes=4))),),
    "NatGatewayEgress.nat_gateway_id": (
        Case(leaves_by(NatGatewayEgress("one")), leaves_by(NatGatewayEgress("two"))),
    ),
    "RouteTableEgress.route_table_id": (
        Case(leaves_by(RouteTableEgress("one")), leaves_by(RouteTableEgress("two"))),
    ),
    "NoEgress.bootstrap_registry_id": (
        Case(leaves_by(NoEgress(REGISTRY)), leaves_by(NoEgress(f"{REGISTRY}2"))),
    ),
    "NewNetwork.address_space": (Case({}, network(address_space="10.224.0.0/15")),),
    "NewNetwork.node_subnet": (Case({}, network(node_subnet="10.224.32.0/20")),),
    "NewNetwork.pod_subnet": (Case(pods_in(), pods_in(**network(pod_subnet="10.224.64.0/18"))),),
    "NewNetwork.api_server_subnet": (
        Case(
            {"access": INTEGRATED},
            {"access": INTEGRATED, **network(api_server_subnet="10.224.17.0/28")},
        ),
    ),
    "NewNetwork.also_in_use": (Case({}, network(also_in_use=("10.50.0.0/16",))),),
    "ExistingNetwork.node_subnet_id": (
        Case(own(), own(node_subnet_id=f"{NODES}2"), ("systemPool.vnetSubnetID",)),
        Case(
            own(),
            own(node_subnet_id=f"{OTHER_NETWORK}/nodes"),
            ("systemPool.vnetSubnetID",),
        ),
    ),
    "ExistingNetwork.pod_subnet_id": (
        Case(
            pods_in(**own(pod_subnet_id=PODS)),
            pods_in(**own(pod_subnet_id=f"{PODS}2")),
            ("systemPool.podSubnetID",),
        ),
    ),
    "ExistingNetwork.api_server_subnet_id": (
        Case(
            {"access": INTEGRATED, **own(api_server_subnet_id=API_SERVER)},
            {"access": INTEGRATED, **own(api_server_subnet_id=f"{API_SERVER}2")},
        ),
    ),
    "ExistingNetwork.node_subnet": (Case(own(), own(node_subnet="10.9.0.0/20")),),
    "ExistingNetwork.pod_subnet": (
        Case(
            pods_in(**own(pod_subnet_id=PODS)),
            pods_in(**own(pod_subnet_id=PODS, pod_subnet="10.9.0.0/16")),
        ),
    ),
    "ExistingNetwork.also_in_use": (Case(own(), own(also_in_use=("10.50.0.0/16",))),),
    "SystemPool.name": (Case({}, system(name="other"), ("systemPool.name",)),),
    "SystemPool.vm_size": (Case({}, system(vm_size="Standard_D8ds_v5"), ("systemPool.vmSize",)),),
    "SystemPool.node_count": (
        Case({}, system(node_count=ONE_NODE)),
        Case({}, system(node_count=Autoscale(3, 9))),
    ),
    "SystemPool.zones": (
        Case({}, system(zones=("1", "2")), ("systemPool.availabilityZones",)),
        Case({}, system(zones=()), ("systemPool.availabilityZones",)),
    ),
    "SystemPool.os_sku": (Case({}, system(os_sku=OsSku.AZURE_LINUX)),),
    "SystemPool.os_disk": (Case({}, system(os_disk=ManagedDisk()), ("systemPool.osDiskType",)),),
    "SystemPool.max_pods": (
        Case({}, system(max_pods=30), ("systemPool.maxPods",)),
        Case({}, system(max_pods=250)),
    ),
    "SystemPool.max_surge": (Case({}, system(max_surge="1")),),
    "SystemPool.labels": (Case({}, system(labels={"a": "b"})),),
    "SystemPool.encryption_at_host": (
        Case({}, system(encryption_at_host=True), ("systemPool.enableEncryptionAtHost",)),
    ),
    "EphemeralDisk.size_gb": (
        Case({}, system(os_disk=EphemeralDisk(64)), ("systemPool.osDiskSizeGB",)),
    ),
    "ManagedDisk.size_gb": (
        Case(
            system(os_disk=ManagedDisk(64)),
            system(os_disk=ManagedDisk(128)),
            ("systemPool.osDiskSizeGB",),
        ),
    ),
    "Autoscale.minimum": (Case({}, system(node_count=Autoscale(4, 5))),),
    "Autoscale.maximum": (Case({}, system(node_count=Autoscale(3, 6))),),
    "FixedCount.nodes": (Case(system(node_count=FixedCount(3)), system(node_count=FixedCount(4))),),
    # Pulumi plans a changed pool of its own as a replacement and says so; see the next test.
    "UserPool.name": (Case(user(), user(name="more")),),
    "UserPool.vm_size": (Case(user(), user(vm_size="Standard_D8ds_v5")),),
    "UserPool.node_count": (Case(user(), user(node_count=ONE_NODE)),),
    "UserPool.zones": (Case(user(), user(zones=("1",))),),
    "UserPool.os_sku": (
        Case(user(), user(os_sku=OsSku.AZURE_LINUX)),
        Case(
            {"engine": NetworkEngine.CALICO, "kubernetes_version": "1.35", **user()},
            {
                "engine": NetworkEngine.CALICO,
                "kubernetes_version": "1.35",
                **user(name="apps", os_sku=OsSku.WINDOWS_2022),
            },
        ),
    ),
    "UserPool.os_disk": (Case(user(), user(os_disk=ManagedDisk())),),
    "UserPool.max_pods": (Case(user(), user(max_pods=30)),),
    "UserPool.max_surge": (Case(user(), user(max_surge="1")),),
    "UserPool.labels": (Case(user(), user(labels={"a": "b"})),),
    "UserPool.encryption_at_host": (Case(user(), user(encryption_at_host=True)),),
    "UserPool.taints": (Case(user(), user(taints=("a=b:NoSchedule",))),),
    "UserPool.priority": (Case(user(), user(priority=Priority.SPOT)),),
    "PublicApiServer.authorized_ip_ranges": (
        Case({}, reached(PublicApiServer(("203.0.113.0/24",)))),
    ),
    "PrivateApiServer.private_dns_zone": (
        Case(private(), private(OTHER_ZONE)),
        Case(
            private(),
            {"network": existing(), **reached(PrivateApiServer())},
            (
                "dnsPrefix",
                "fqdnSubdomain",
            ),
        ),
    ),
    "PrivateApiServer.public_fqdn": (Case(private(), private(public_fqdn=True)),),
    "PrivateApiServer.fqdn_subdomain": (
        Case(private(), private(subdomain="other"), ("fqdnSubdomain",)),
    ),
    "Principal.object_id": (
        Case(signed_in(users=(Principal("one"),)), signed_in(users=(Principal("two"),))),
    ),
    "Principal.type": (
        Case(
            signed_in(users=(Principal("one"),)),
            signed_in(users=(Principal("one", PrincipalType.USER),)),
        ),
    ),
    "Entra.admin_groups": (Case(signed_in(), signed_in(admin_groups=("others",))),),
    "Entra.admins": (Case(signed_in(), signed_in(admins=(Principal("one"),))),),
    "Entra.users": (Case(signed_in(), signed_in(users=(Principal("one"),))),),
    "Entra.tenant_id": (Case(signed_in(), signed_in(tenant_id="tenant")),),
    "Entra.azure_rbac": (Case(signed_in(), signed_in(azure_rbac=False)),),
    "Entra.local_accounts": (Case(signed_in(), signed_in(local_accounts=True)),),
    "Entra.login": (Case(signed_in(), signed_in(login=LoginMode.DEVICE_CODE)),),
    "Access.api_server": (Case({}, reached(PrivateApiServer())),),
    "Access.vnet_integration": (Case({}, {"access": INTEGRATED}),),
    "Access.run_command": (Case({}, {"access": Access(run_command=True)}),),
    "Access.sign_in": (Case({}, signed_in()),),
    "ExistingIdentity.resource_id": (
        Case(acts_as(cluster=IDENTITY), acts_as(cluster=OTHER_IDENTITY)),
    ),
    "ExistingIdentity.principal_id": (
        Case(acts_as(cluster=IDENTITY), acts_as(cluster=ExistingIdentity("id", "q"))),
    ),
    "Identities.cluster": (Case({}, acts_as(cluster=IDENTITY)),),
    "Identities.kubelet": (Case({}, acts_as(cluster=IDENTITY, kubelet=OTHER_IDENTITY)),),
    "Identities.registries": (Case({}, acts_as(registries=(REGISTRY,))),),
    "MaintenanceWindow.day": (Case({}, upgraded(day=Weekday.MONDAY)),),
    "MaintenanceWindow.start": (Case({}, upgraded(start="02:00")),),
    "MaintenanceWindow.hours": (Case({}, upgraded(hours=8)),),
    "MaintenanceWindow.utc_offset": (Case({}, upgraded(utc_offset="+01:00")),),
    "MaintenanceWindow.every_weeks": (Case({}, upgraded(every_weeks=2)),),
    "Lifecycle.tier": (Case({}, lives(tier=Tier.PREMIUM)),),
    "Lifecycle.upgrades": (Case({}, lives(upgrades=UpgradeChannel.NONE)),),
    "Lifecycle.node_os": (Case({}, lives(node_os=NodeOsChannel.NONE)),),
    "Lifecycle.maintenance": (Case({}, lives(maintenance=None)),),
    "AdvancedNetworking.observability": (Case(advanced(), advanced(observability=False)),),
    "AdvancedNetworking.policies": (Case(advanced(), advanced(policies=AdvancedPolicies.FQDN)),),
    "AddOns.azure_policy": (Case({}, adds(azure_policy=False)),),
    "AddOns.key_vault_secrets": (Case({}, adds(key_vault_secrets=True)),),
    "AddOns.image_cleaner_hours": (Case({}, adds(image_cleaner_hours=None)),),
    "AddOns.monitoring_workspace_id": (Case({}, adds(monitoring_workspace_id=WORKSPACE)),),
    "AddOns.defender_workspace_id": (Case({}, adds(defender_workspace_id=WORKSPACE)),),
    "AddOns.local_dns": (Case({}, adds(local_dns=LocalDns.REQUIRED)),),
    "AddOns.advanced_networking": (Case(CILIUM, advanced()),),
}
