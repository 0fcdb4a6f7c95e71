"""The arguments of a cluster, checked where they are written: what Azure refuses together.

The most basic refusal comes first, because it is the one that is raised: versions and names, then
the engine, pods and their subnets, the way out, the API server, node provisioning, size.
"""

from __future__ import annotations

from collections.abc import Iterator

from podwall.aks import limits
from podwall.aks.limits import FIRST_WITHOUT_WINDOWS_2022, MinorVersion, VmSize, refusal
from podwall.aks.network_engine import NetworkEngine
from podwall.components.cluster.access import PrivateApiServer
from podwall.components.cluster.network_profile import (
    NatGatewayEgress,
    NodeSubnet,
    Overlay,
    PodAllocation,
    PodSubnet,
    RouteTableEgress,
)
from podwall.components.cluster.networks import ExistingNetwork, NewNetwork
from podwall.components.cluster.operations import AdvancedPolicies, EngineChange, LocalDns, Tier
from podwall.components.cluster.pools import Autoscale, NodeProvisioning, OsSku
from podwall.components.cluster.spec import ClusterSpec, address_refusals
from podwall.policies.errors import InvalidValue
from podwall.quick_dataclass import dataclass

__all__ = ["AksClusterArgs"]


def _engine_refusals(args: ClusterSpec) -> Iterator[InvalidValue]:
    """Yield every refusal that comes from the choice of engine."""
    yield from _windows(args)
    yield from _ipv6(args)
    yield from _limits(args)
    yield from _advanced_policies(args)


def _windows(args: ClusterSpec) -> Iterator[InvalidValue]:
    for pool in args.user_pools:
        if pool.os_sku.os_type == "Windows" and args.engine.without_windows:
            yield refusal(
                f"{pool.argument}.os_sku",
                args.engine.without_windows,
                "choose `NetworkEngine.CALICO` for the cluster, or Linux for the pool",
                "use-network-policies",
            )
        if pool.os_sku is OsSku.WINDOWS_2022 and _too_new_for_windows(args.version):
            yield refusal(
                f"{pool.argument}.os_sku",
                f"Windows Server 2022 does not run Kubernetes `{args.version}`",
                f"choose a version before {FIRST_WITHOUT_WINDOWS_2022}, or Linux for the pool",
                "upgrade-windows-os",
            )


def _too_new_for_windows(version: MinorVersion | None) -> bool:
    return version is not None and version >= FIRST_WITHOUT_WINDOWS_2022


def _ipv6(args: ClusterSpec) -> Iterator[InvalidValue]:
    if args.ipv6 is None:
        return
    if not args.engine.enforces_ipv6:
        yield refusal(
            "ipv6",
            f"the engine `{args.engine}` does not know IPv6",
            "choose `NetworkEngine.CILIUM`, or leave IPv6 out",
            "azure-cni-overlay#limitations",
        )
    if not isinstance(args.pod_network, Overlay):
        yield refusal(
            "ipv6",
            "clusters with IPv4 and IPv6 need the overlay",
            "choose `pod_network=Overlay()`, or leave IPv6 out",
            "azure-cni-overlay#dual-stack-networking",
        )
    if isinstance(args.egress, NatGatewayEgress):
        yield refusal(
            "egress",
            "IPv6 can't leave through a NAT gateway",
            "choose another way out, or leave IPv6 out",
            "azure-cni-overlay#limitations",
        )


def _limits(args: ClusterSpec) -> Iterator[InvalidValue]:
    supported = args.engine.limits
    for most, limit, what, remedy in (
        (args.most_nodes, supported.nodes, "nodes", "lower the maximum node counts"),
        (args.most_pods, supported.pods, "pods", "lower `max_pods` or the maximum node counts"),
    ):
        if limit is not None and most > limit:
            yield refusal(
                "engine",
                f"the pools may grow to {most} {what}, and `{args.engine}` supports {limit}",
                f"{remedy}, or choose `NetworkEngine.CILIUM`",
                "use-network-policies",
            )


def _advanced_policies(args: ClusterSpec) -> Iterator[InvalidValue]:
    advanced = args.addons.advanced_networking
    if advanced is None or advanced.policies is AdvancedPolicies.NONE:
        return
    policies = f"`{advanced.policies}` policies"
    if not args.engine.has_advanced_policies:
        yield _no_advanced(f"{policies} need Cilium", "choose `NetworkEngine.CILIUM`, or `NONE`")
    if args.version is not None and args.version < limits.FIRST_WITH_ADVANCED_POLICIES:
        yield _no_advanced(
            f"{policies} need Kubernetes {limits.FIRST_WITH_ADVANCED_POLICIES}, not"
            f" `{args.version}`",
            "choose a newer version, or `NONE`",
        )
    too_large = args.most_nodes > limits.L7_NODES or args.most_pods > limits.L7_PODS
    if advanced.policies is AdvancedPolicies.L7 and too_large:
        yield _no_advanced(
            f"{policies} support {limits.L7_NODES} nodes and {limits.L7_PODS} pods, and the pools"
            f" may grow to {args.most_nodes} and {args.most_pods}",
            "lower `max_pods` or the maximum node counts, or choose `FQDN`",
        )


def _no_advanced(reason: str, remedy: str) -> InvalidValue:
    return refusal(
        "addons.advanced_networking.policies", reason, remedy, "container-network-security-concepts"
    )


def _provisioning_refusals(args: ClusterSpec) -> Iterator[InvalidValue]:
    """Yield what the cluster's other choices refuse to node auto-provisioning and LocalDNS."""
    if args.node_provisioning is NodeProvisioning.AUTO:
        yield from _auto_provisioning(args)
    if args.addons.local_dns is LocalDns.REQUIRED:
        yield from _local_dns(args)


def _auto_provisioning(args: ClusterSpec) -> Iterator[InvalidValue]:
    # Windows does not go with it either; its pools need Calico, which is refused already.
    dynamic = args.pod_network == PodSubnet(PodAllocation.DYNAMIC)
    for refused, reason in (
        (args.engine is NetworkEngine.CALICO, "the engine `calico`"),
        (dynamic, "a pod subnet with dynamic allocation"),
        (args.ipv6 is not None, "IPv6"),
    ):
        if refused:
            yield _no_provisioning(f"it does not go with {reason}")
    for pool in args.pools:
        if isinstance(pool.node_count, Autoscale):
            yield _no_provisioning(
                f"it does not go with an autoscaling pool, and `{pool.name}` is one",
                f"give `{pool.name}` a `FixedCount`",
            )


def _no_provisioning(
    reason: str, remedy: str = "choose otherwise, or `NodeProvisioning.MANUAL`"
) -> InvalidValue:
    return refusal("node_provisioning", reason, remedy, "node-auto-provisioning")


def _local_dns(args: ClusterSpec) -> Iterator[InvalidValue]:
    if args.version is not None and args.version < limits.FIRST_WITH_LOCAL_DNS:
        yield _no_local_dns(
            f"LocalDNS needs Kubernetes {limits.FIRST_WITH_LOCAL_DNS}, not `{args.version}`",
            "choose a newer version, or `LocalDns.DISABLED`",
        )
    for pool in args.pools:
        cores = VmSize(pool.vm_size).cores
        if pool.os_sku.os_type == "Linux" and cores is not None and cores < limits.LOCAL_DNS_CORES:
            yield _no_local_dns(
                f"LocalDNS needs {limits.LOCAL_DNS_CORES} cores, and `{pool.vm_size}` of pool"
                f" `{pool.name}` has {cores}",
                "choose a larger size, or `LocalDns.DISABLED`",
            )


def _no_local_dns(reason: str, remedy: str) -> InvalidValue:
    return refusal("addons.local_dns", reason, remedy, "localdns-custom")


def _combination_refusals(args: ClusterSpec) -> Iterator[InvalidValue]:
    """Yield every refusal of a combination, the most basic one first."""
    yield from _version(args)
    yield from _names(args)
    yield from _engine_refusals(args)
    yield from _overlay(args)
    yield from _pod_subnet(args)
    yield from _egress(args)
    yield from _api_server(args)
    yield from _provisioning_refusals(args)
    yield from _scale(args)
    yield from _protection(args)


def _version(args: ClusterSpec) -> Iterator[InvalidValue]:
    chooses = args.lifecycle.upgrades.chooses_version
    if chooses and args.version is not None:
        yield refusal(
            "kubernetes_version",
            f"`{args.version}` contradicts the upgrade channel `{args.lifecycle.upgrades}`, which"
            " chooses the version",
            "give None, or the upgrade channel `patch`",
            "auto-upgrade-cluster",
        )
    if not chooses and args.version is None:
        yield refusal(
            "kubernetes_version",
            f"none is given, and the upgrade channel `{args.lifecycle.upgrades}` chooses none",
            "give a minor version such as `1.36`, or the upgrade channel `stable`",
            "supported-kubernetes-versions",
        )


def _names(args: ClusterSpec) -> Iterator[InvalidValue]:
    for argument, name, allowed, longest in (
        ("cluster_name", args.cluster_name, limits.CLUSTER_NAME, limits.LONGEST_CLUSTER_NAME),
        ("dns_prefix", args.dns_prefix, limits.DNS_PREFIX, limits.LONGEST_DNS_PREFIX),
    ):
        if name is not None and allowed.fullmatch(name) is None:
            yield refusal(
                argument,
                f"`{name}` is not a possible name",
                f"use up to {longest} letters, digits and `-`, a letter or digit first and last",
            )
    seen: set[str] = set()
    for pool in args.pools:
        if pool.name in seen:
            yield refusal(
                f"{pool.argument}.name",
                f"`{pool.name}` is the name of another pool too",
                "give every pool a name of its own",
            )
        seen.add(pool.name)


def _overlay(args: ClusterSpec) -> Iterator[InvalidValue]:
    if not isinstance(args.pod_network, Overlay):
        return
    for pool in args.pools:
        if VmSize(pool.vm_size).is_confidential_v2:
            yield refusal(
                f"{pool.argument}.vm_size",
                f"`{pool.vm_size}` does not support the overlay",
                "choose a newer confidential size such as `Standard_DC4ads_v5`, or another pod"
                " network",
                "azure-cni-overlay#limitations",
            )


def _pod_subnet(args: ClusterSpec) -> Iterator[InvalidValue]:
    subnet = args.network.pod_subnet_id if isinstance(args.network, ExistingNetwork) else None
    if isinstance(args.pod_network, Overlay | NodeSubnet) and subnet is not None:
        yield refusal(
            "network.pod_subnet_id",
            f"`{type(args.pod_network).__name__}` pods take no addresses of a pod subnet",
            "leave it out, or choose `pod_network=PodSubnet()`",
            "azure-cni-overlay",
        )
    if not isinstance(args.pod_network, PodSubnet):
        return
    if isinstance(args.network, ExistingNetwork) and subnet is None:
        yield refusal(
            "network.pod_subnet_id",
            "`PodSubnet` needs a subnet for pods, and the existing network names none",
            "give the id of a subnet that holds nothing else",
            "configure-azure-cni-dynamic-ip-allocation",
        )
    static = args.pod_network.allocation is PodAllocation.STATIC_BLOCK
    if static and args.version is not None and args.version < limits.FIRST_WITH_STATIC_BLOCKS:
        yield refusal(
            "pod_network.allocation",
            f"static blocks need Kubernetes {limits.FIRST_WITH_STATIC_BLOCKS}, not"
            f" `{args.version}`",
            "choose `PodAllocation.DYNAMIC`, or a newer version",
            "configure-azure-cni-static-block-allocation",
        )


def _egress(args: ClusterSpec) -> Iterator[InvalidValue]:
    for kind, leaf, what in (
        (NatGatewayEgress, "nat_gateway_id", "NAT gateway"),
        (RouteTableEgress, "route_table_id", "route table"),
    ):
        if not isinstance(args.egress, kind):
            continue
        given = getattr(args.egress, leaf) is not None
        if isinstance(args.network, NewNetwork) and not given:
            yield refusal(
                f"egress.{leaf}",
                f"the {what} has to be tied to the subnet before the cluster exists",
                f"give the id of the {what}, or bring a network that has it",
                "egress-outboundtype",
            )
        if isinstance(args.network, ExistingNetwork) and given:
            yield refusal(
                f"egress.{leaf}",
                "the component does not change a network of yours",
                f"tie the {what} to the subnet yourself, and leave this out",
                "egress-outboundtype",
            )


def _api_server(args: ClusterSpec) -> Iterator[InvalidValue]:
    integrated = args.access.vnet_integration
    if integrated and args.location in limits.REGIONS_WITHOUT_VNET_INTEGRATION:
        yield refusal(
            "access.vnet_integration",
            f"`{args.location}` does not offer it",
            "choose another location, or leave it off",
            "api-server-vnet-integration",
        )
    if isinstance(args.network, ExistingNetwork):
        given = args.network.api_server_subnet_id is not None
        if given != integrated:
            yield refusal(
                "network.api_server_subnet_id",
                "a subnet for the API server and `access.vnet_integration` belong together",
                "give both, or neither; the subnet is a `/28` or larger, delegated to"
                " `Microsoft.ContainerService/managedClusters`",
                "api-server-vnet-integration",
            )
    api_server = args.access.api_server
    if isinstance(api_server, PrivateApiServer) and api_server.has_own_zone and args.dns_prefix:
        yield refusal(
            "dns_prefix",
            "a zone of your own is used with a subdomain of it instead",
            "leave it out; `access.api_server.fqdn_subdomain` names the cluster",
            "private-clusters",
        )


def _scale(args: ClusterSpec) -> Iterator[InvalidValue]:
    free = args.lifecycle.tier is Tier.FREE
    most = limits.NODES_OF_A_FREE_CLUSTER if free else limits.NODES_OF_A_CLUSTER
    if args.most_nodes > most:
        yield refusal(
            "lifecycle.tier" if free else "user_pools",
            f"{args.most_nodes} nodes are more than the {most} of tier `{args.lifecycle.tier}`",
            "lower the maximum node counts" + (", or choose `Tier.STANDARD`" if free else ""),
            "quotas-skus-regions",
        )


def _protection(args: ClusterSpec) -> Iterator[InvalidValue]:
    if args.protect and args.engine_change is EngineChange.REPLACE:
        yield refusal(
            "engine_change",
            "`replace` asks to make the cluster anew, and `protect` forbids it",
            "set `protect=False` as well, run `pulumi up` once, then take both back",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AksClusterArgs(ClusterSpec):
    """An AKS cluster that is right from the start.

    Only `kubernetes_version` has to be given: a minor version such as `1.36`, or None where
    `lifecycle.upgrades` lets Azure choose. Everything else has a default that works for a newcomer
    and can be kept: Azure CNI overlay with the `azure` engine, a network of its own, three zones,
    a user-assigned identity, workload identity, weekly maintenance.

    `resource_group` names an existing group; left out, one is made. `location` left out is the
    group's, or the provider's. `cluster_name` and `dns_prefix` left out are derived by Pulumi.
    `protect` keeps the cluster from being deleted or replaced by mistake. `engine_change` is what
    to do when the network settings of an existing cluster are changed.

    Raises:
        InvalidValue: Azure would refuse this combination; the message names the argument and the
            reason, the help says what to do.

    >>> AksClusterArgs(kubernetes_version="1.36").engine
    <NetworkEngine.AZURE: 'azure'>
    """

    def __post_init__(self) -> None:
        """Refuse what Azure refuses, the first problem first."""
        # Without arguments `super` would look for the class from before its slots were made.
        ClusterSpec.__post_init__(self)
        for refused in (*_combination_refusals(self), *address_refusals(self)):
            raise refused
