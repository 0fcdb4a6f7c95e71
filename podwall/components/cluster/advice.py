"""What a person should know about a cluster that Azure accepts all the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from podwall.aks.limits import (
    LEARN,
    RECOMMENDED_FREE_NODES,
    RECOMMENDED_SYSTEM_NODES,
    WINDOWS_2022_ENDS,
    written_day,
)
from podwall.components.cluster.access import LocalAccounts, PublicApiServer
from podwall.components.cluster.args import AksClusterArgs
from podwall.components.cluster.network_profile import LoadBalancerEgress, PodAllocation, PodSubnet
from podwall.components.cluster.operations import Tier
from podwall.components.cluster.pools import NodeProvisioning, OsSku, Priority, UserPool
from podwall.components.cluster.spec import dynamic_pod_addresses, pool_sizes
from podwall.policies.errors import Finding, Place, Severity

__all__ = ["cluster_findings"]


_RANGES_PAGE = "api-server-authorized-ip-ranges"
_NOTICE = timedelta(days=90)
_NEAR = 0.8


def cluster_findings(args: AksClusterArgs, today: date) -> tuple[Finding, ...]:
    """Return everything worth knowing about `args` on the day `today`, most lasting first."""
    return (
        *_engine(args, today),
        *_limits(args),
        *_version(args, today),
        *_access(args),
        *_pools(args),
        *_windows(args),
        *_free_tier(args),
        *_pod_subnet(args),
    )


def _engine(args: AksClusterArgs, today: date) -> Iterator[Finding]:
    ends = args.engine.support_ends
    if ends is not None:
        over = today > ends
        ending = _warning(
            "engine-retires",
            "engine",
            f"support for the engine `{args.engine}` {'ended' if over else 'ends'} on"
            f" {written_day(ends)}",
            "choose `NetworkEngine.CILIUM` for a new cluster; an existing one moves in place with"
            " `az aks update --network-dataplane cilium`",
            "migrate-from-npm-to-cilium-network-policy",
        )
        yield replace(ending, severity=Severity.ERROR) if over else ending
    if args.version is not None and not args.engine.enforces_port_ranges(args.version):
        yield _warning(
            "port-ranges-ignored",
            "kubernetes_version",
            f"policies with `endPort` do not work with Cilium on Kubernetes `{args.version}`",
            "choose Kubernetes 1.32 or newer, or list the ports one by one",
            "azure-cni-powered-by-cilium",
        )


def _limits(args: AksClusterArgs) -> Iterator[Finding]:
    limits = args.engine.limits
    for most, limit, what in (
        (args.most_nodes, limits.nodes, "nodes"),
        (args.most_pods, limits.pods, "pods"),
    ):
        if limit is not None and most >= _NEAR * limit:
            yield _warning(
                f"near-{what}-limit",
                "engine",
                f"the pools may grow to {most} {what}, and `{args.engine}` supports {limit}",
                "choose `NetworkEngine.CILIUM` before the cluster grows",
                "use-network-policies",
            )
    if limits.nodes is not None and args.node_provisioning is NodeProvisioning.AUTO:
        yield _warning(
            "unbounded-nodes",
            "node_provisioning",
            f"nodes come without a limit, and `{args.engine}` supports {limits.nodes}",
            "set limits in the `NodePool` objects, or choose `NetworkEngine.CILIUM`",
            "node-auto-provisioning",
        )


def _version(args: AksClusterArgs, today: date) -> Iterator[Finding]:
    if args.version is None or args.lifecycle.tier is Tier.PREMIUM:
        return
    ends = args.version.support_ends
    if args.version.is_past_documented_support or (ends is not None and ends < today):
        since = "" if ends is None else f" on {written_day(ends)}"
        reason = f"support for Kubernetes `{args.version}` ended{since}"
    elif ends is not None and ends - today <= _NOTICE:
        reason = f"support for Kubernetes `{args.version}` ends on {written_day(ends)}"
    else:
        return
    yield _warning(
        "kubernetes-support-ends",
        "kubernetes_version",
        reason,
        "choose a newer minor version, or `Tier.PREMIUM` for long-term support",
        "supported-kubernetes-versions",
    )


def _access(args: AksClusterArgs) -> Iterator[Finding]:
    if isinstance(args.access.sign_in, LocalAccounts):
        yield _info(
            "local-accounts",
            "access.sign_in",
            "everyone who has the kubeconfig is an administrator",
            "choose `Entra(admin_groups=(...))` for anything that people share",
            "manage-local-accounts-managed-azure-ad",
        )
    if isinstance(args.access.api_server, PublicApiServer):
        yield from _public_api_server(args, args.access.api_server)


def _public_api_server(args: AksClusterArgs, api_server: PublicApiServer) -> Iterator[Finding]:
    if not api_server.authorized_ip_ranges:
        yield _info(
            "api-server-open",
            "access.api_server",
            "the API server answers to every address",
            "name yours in `PublicApiServer(authorized_ip_ranges=(...))`, or choose"
            " `PrivateApiServer()`",
            _RANGES_PAGE,
        )
    elif not isinstance(args.egress, LoadBalancerEgress) and not args.access.vnet_integration:
        yield _warning(
            "nodes-need-authorization",
            "access.api_server.authorized_ip_ranges",
            "nodes leave through an address of yours and are shut out unless it is named",
            "name the public address of the NAT gateway or firewall as well",
            _RANGES_PAGE,
        )


def _pools(args: AksClusterArgs) -> Iterator[Finding]:
    if args.system_pool.node_count.minimum < RECOMMENDED_SYSTEM_NODES:
        yield _info(
            "system-pool-small",
            "system_pool.node_count",
            f"fewer than {RECOMMENDED_SYSTEM_NODES} system nodes may not outlive an upgrade or a"
            " lost zone",
            f"use at least {RECOMMENDED_SYSTEM_NODES} in production",
            "use-system-pools",
        )
    if args.user_pools and not any(_takes_plain_pods(pool) for pool in args.user_pools):
        yield _warning(
            "no-pool-for-plain-pods",
            "user_pools",
            "no pool takes Linux pods that have no tolerations: the system pool is kept for the"
            " cluster",
            "add a Linux pool without taints, or give every workload tolerations",
            "use-system-pools",
        )


def _takes_plain_pods(pool: UserPool) -> bool:
    return (
        pool.os_sku.os_type == "Linux"
        and not pool.taints
        and pool.priority is Priority.REGULAR
        and pool.node_count.maximum > 0
    )


def _windows(args: AksClusterArgs) -> Iterator[Finding]:
    if any(pool.os_sku is OsSku.WINDOWS_2022 for pool in args.user_pools):
        yield _warning(
            "windows-2022-retires",
            "user_pools",
            f"support for Windows Server 2022 ends on {written_day(WINDOWS_2022_ENDS)}",
            "plan the move of these workloads",
            "upgrade-windows-os",
        )


def _free_tier(args: AksClusterArgs) -> Iterator[Finding]:
    if args.lifecycle.tier is Tier.FREE and args.most_nodes > RECOMMENDED_FREE_NODES:
        yield _warning(
            "free-tier-large",
            "lifecycle.tier",
            f"the pools may grow to {args.most_nodes} nodes, and tier `Free` is meant for"
            f" {RECOMMENDED_FREE_NODES}",
            "choose `Tier.STANDARD`, which has an uptime agreement",
            "free-standard-pricing-tiers",
        )


def _pod_subnet(args: AksClusterArgs) -> Iterator[Finding]:
    subnet = args.network.subnets.get("network.pod_subnet")
    if subnet is None or args.pod_network != PodSubnet(PodAllocation.DYNAMIC):
        return
    needed = dynamic_pod_addresses(pool_sizes(args))
    if subnet.num_addresses < needed:
        yield _warning(
            "pod-subnet-small",
            "network.pod_subnet",
            f"`{subnet}` has {subnet.num_addresses} addresses, and full nodes need {needed}",
            "give a larger subnet, or lower `max_pods` or the maximum node counts",
            "configure-azure-cni-dynamic-ip-allocation",
        )


def _warning(identifier: str, argument: str, message: str, remedy: str, page: str) -> Finding:
    place = Place(path=argument)
    return Finding(identifier, Severity.WARNING, message, place, remedy, f"{LEARN}/{page}")


def _info(identifier: str, argument: str, message: str, remedy: str, page: str) -> Finding:
    return replace(_warning(identifier, argument, message, remedy, page), severity=Severity.INFO)
