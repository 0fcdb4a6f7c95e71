"""What is sent to Azure as `networkProfile`: every leaf, always, in one form.

A leaf that is left out is filled in by Azure or, in the SDK's class form, by the SDK; adding it
later would then be planned as a replacement of the cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podwall.components.cluster.egress import LoadBalancerEgress
from podwall.components.cluster.pod_networks import Overlay

if TYPE_CHECKING:
    from pulumi_azure_native.containerservice import (
        AdvancedNetworkingArgsDict,
        ContainerServiceNetworkProfileArgsDict,
        ManagedClusterLoadBalancerProfileArgsDict,
    )

    from podwall.components.cluster.addons import AdvancedNetworking
    from podwall.components.cluster.args import AksClusterArgs

__all__ = ["network_profile"]


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


def _advanced(asked: AdvancedNetworking) -> AdvancedNetworkingArgsDict:
    return {
        "enabled": True,
        "observability": {"enabled": asked.observability},
        "security": {
            "enabled": asked.policies.value != "None",
            "advanced_network_policies": asked.policies.value,
        },
    }
