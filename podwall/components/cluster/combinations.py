"""Which arguments Azure refuses together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from podwall.components.cluster.access import PrivateApiServer
from podwall.components.cluster.egress import NatGatewayEgress, RouteTableEgress
from podwall.components.cluster.engine_rules import engine_refusals
from podwall.components.cluster.lifecycle import Tier
from podwall.components.cluster.networks import ExistingNetwork, NewNetwork
from podwall.components.cluster.pod_networks import NodeSubnet, Overlay, PodAllocation, PodSubnet
from podwall.components.cluster.provisioning_rules import provisioning_refusals
from podwall.components.cluster.refusal import refusal
from podwall.components.cluster.replacement import EngineChange
from podwall.components.cluster.versions import MinorVersion
from podwall.components.cluster.vm_sizes import VmSize
from podwall.policies.errors import InvalidValue

if TYPE_CHECKING:
    from podwall.components.cluster.args import AksClusterArgs

__all__ = ["combination_refusals"]

_CLUSTER_NAME = re.compile(r"[A-Za-z0-9]([\w-]{0,61}[A-Za-z0-9])?", re.ASCII)
_DNS_PREFIX = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,52}[A-Za-z0-9])?")
_FIRST_WITH_STATIC_BLOCKS = MinorVersion(28)
_NODES_OF_A_CLUSTER, _NODES_OF_A_FREE_CLUSTER = 5000, 1000
_WITHOUT_VNET_INTEGRATION = frozenset({"qatarcentral"})


def combination_refusals(args: AksClusterArgs) -> Iterator[InvalidValue]:
    """Yield every refusal of a combination, the most basic one first."""
    yield from _version(args)
    yield from _names(args)
    yield from engine_refusals(args)
    yield from _overlay(args)
    yield from _pod_subnet(args)
    yield from _egress(args)
    yield from _api_server(args)
    yield from provisioning_refusals(args)
    yield from _scale(args)
    yield from _protection(args)


def _version(args: AksClusterArgs) -> Iterator[InvalidValue]:
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


def _names(args: AksClusterArgs) -> Iterator[InvalidValue]:
    for argument, name, allowed, longest in (
        ("cluster_name", args.cluster_name, _CLUSTER_NAME, 63),
        ("dns_prefix", args.dns_prefix, _DNS_PREFIX, 54),
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


def _overlay(args: AksClusterArgs) -> Iterator[InvalidValue]:
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


def _pod_subnet(args: AksClusterArgs) -> Iterator[InvalidValue]:
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
    if static and args.version is not None and args.version < _FIRST_WITH_STATIC_BLOCKS:
        yield refusal(
            "pod_network.allocation",
            f"static blocks need Kubernetes {_FIRST_WITH_STATIC_BLOCKS}, not `{args.version}`",
            "choose `PodAllocation.DYNAMIC`, or a newer version",
            "configure-azure-cni-static-block-allocation",
        )


def _egress(args: AksClusterArgs) -> Iterator[InvalidValue]:
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


def _api_server(args: AksClusterArgs) -> Iterator[InvalidValue]:
    integrated = args.access.vnet_integration
    if integrated and args.location in _WITHOUT_VNET_INTEGRATION:
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


def _scale(args: AksClusterArgs) -> Iterator[InvalidValue]:
    free = args.lifecycle.tier is Tier.FREE
    most = _NODES_OF_A_FREE_CLUSTER if free else _NODES_OF_A_CLUSTER
    if args.most_nodes > most:
        yield refusal(
            "lifecycle.tier" if free else "user_pools",
            f"{args.most_nodes} nodes are more than the {most} of tier `{args.lifecycle.tier}`",
            "lower the maximum node counts" + (", or choose `Tier.STANDARD`" if free else ""),
            "quotas-skus-regions",
        )


def _protection(args: AksClusterArgs) -> Iterator[InvalidValue]:
    if args.protect and args.engine_change is EngineChange.REPLACE:
        yield refusal(
            "engine_change",
            "`replace` asks to make the cluster anew, and `protect` forbids it",
            "set `protect=False` as well, run `pulumi up` once, then take both back",
        )
