"""What the network policy engines do not support."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from podwall.components.cluster.addons import AdvancedPolicies
from podwall.components.cluster.egress import NatGatewayEgress
from podwall.components.cluster.engine import NetworkEngine
from podwall.components.cluster.pod_networks import Overlay
from podwall.components.cluster.pools import OsSku
from podwall.components.cluster.refusal import refusal
from podwall.components.cluster.versions import MinorVersion
from podwall.policies.errors import InvalidValue

if TYPE_CHECKING:
    from podwall.components.cluster.args import AksClusterArgs

__all__ = ["engine_refusals"]

_FIRST_WITH_ADVANCED_POLICIES = MinorVersion(29)
_FIRST_WITHOUT_WINDOWS_2022 = MinorVersion(36)
_L7_NODES, _L7_PODS = 1000, 40_000
_NO_WINDOWS = {
    NetworkEngine.AZURE: "Azure Network Policy Manager left Windows on 30 September 2026",
    NetworkEngine.CILIUM: "Cilium runs on Linux nodes only",
}


def engine_refusals(args: AksClusterArgs) -> Iterator[InvalidValue]:
    """Yield every refusal that comes from the choice of engine."""
    yield from _windows(args)
    yield from _ipv6(args)
    yield from _limits(args)
    yield from _advanced_policies(args)


def _windows(args: AksClusterArgs) -> Iterator[InvalidValue]:
    for pool in args.user_pools:
        if pool.os_sku.os_type == "Windows" and not args.engine.runs_on_windows:
            yield refusal(
                f"{pool.argument}.os_sku",
                _NO_WINDOWS[args.engine],
                "choose `NetworkEngine.CALICO` for the cluster, or Linux for the pool",
                "use-network-policies",
            )
        if pool.os_sku is OsSku.WINDOWS_2022 and _too_new_for_windows(args.version):
            yield refusal(
                f"{pool.argument}.os_sku",
                f"Windows Server 2022 does not run Kubernetes `{args.version}`",
                f"choose a version before {_FIRST_WITHOUT_WINDOWS_2022}, or Linux for the pool",
                "upgrade-windows-os",
            )


def _too_new_for_windows(version: MinorVersion | None) -> bool:
    return version is not None and version >= _FIRST_WITHOUT_WINDOWS_2022


def _ipv6(args: AksClusterArgs) -> Iterator[InvalidValue]:
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


def _limits(args: AksClusterArgs) -> Iterator[InvalidValue]:
    limits = args.engine.limits
    for most, limit, what, remedy in (
        (args.most_nodes, limits.nodes, "nodes", "lower the maximum node counts"),
        (args.most_pods, limits.pods, "pods", "lower `max_pods` or the maximum node counts"),
    ):
        if limit is not None and most > limit:
            yield refusal(
                "engine",
                f"the pools may grow to {most} {what}, and `{args.engine}` supports {limit}",
                f"{remedy}, or choose `NetworkEngine.CILIUM`",
                "use-network-policies",
            )


def _advanced_policies(args: AksClusterArgs) -> Iterator[InvalidValue]:
    advanced = args.addons.advanced_networking
    if advanced is None or advanced.policies is AdvancedPolicies.NONE:
        return
    asked = f"`{advanced.policies}` policies"
    if args.engine is not NetworkEngine.CILIUM:
        yield _no_advanced(f"{asked} need Cilium", "choose `NetworkEngine.CILIUM`, or `NONE`")
    if args.version is not None and args.version < _FIRST_WITH_ADVANCED_POLICIES:
        yield _no_advanced(
            f"{asked} need Kubernetes {_FIRST_WITH_ADVANCED_POLICIES}, not `{args.version}`",
            "choose a newer version, or `NONE`",
        )
    too_large = args.most_nodes > _L7_NODES or args.most_pods > _L7_PODS
    if advanced.policies is AdvancedPolicies.L7 and too_large:
        yield _no_advanced(
            f"{asked} support {_L7_NODES} nodes and {_L7_PODS} pods, and the pools may grow to"
            f" {args.most_nodes} and {args.most_pods}",
            "lower `max_pods` or the maximum node counts, or choose `FQDN`",
        )


def _no_advanced(reason: str, remedy: str) -> InvalidValue:
    return refusal(
        "addons.advanced_networking.policies", reason, remedy, "container-network-security-concepts"
    )
