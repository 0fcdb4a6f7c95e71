"""What node auto-provisioning and LocalDNS do not go with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from podwall.components.cluster.addons import LocalDns
from podwall.components.cluster.engine import NetworkEngine
from podwall.components.cluster.pod_networks import PodAllocation, PodSubnet
from podwall.components.cluster.pools import Autoscale, NodeProvisioning
from podwall.components.cluster.refusal import refusal
from podwall.components.cluster.versions import MinorVersion
from podwall.components.cluster.vm_sizes import VmSize
from podwall.policies.errors import InvalidValue

if TYPE_CHECKING:
    from podwall.components.cluster.args import AksClusterArgs

__all__ = ["provisioning_refusals"]

_FIRST_WITH_LOCAL_DNS = MinorVersion(31)
_LOCAL_DNS_CORES = 4


def provisioning_refusals(args: AksClusterArgs) -> Iterator[InvalidValue]:
    """Yield what the cluster's other choices refuse to node auto-provisioning and LocalDNS."""
    if args.node_provisioning is NodeProvisioning.AUTO:
        yield from _auto_provisioning(args)
    if args.addons.local_dns is LocalDns.REQUIRED:
        yield from _local_dns(args)


def _auto_provisioning(args: AksClusterArgs) -> Iterator[InvalidValue]:
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


def _local_dns(args: AksClusterArgs) -> Iterator[InvalidValue]:
    if args.version is not None and args.version < _FIRST_WITH_LOCAL_DNS:
        yield _no_local_dns(
            f"LocalDNS needs Kubernetes {_FIRST_WITH_LOCAL_DNS}, not `{args.version}`",
            "choose a newer version, or `LocalDns.DISABLED`",
        )
    for pool in args.pools:
        cores = VmSize(pool.vm_size).cores
        if pool.os_sku.os_type == "Linux" and cores is not None and cores < _LOCAL_DNS_CORES:
            yield _no_local_dns(
                f"LocalDNS needs {_LOCAL_DNS_CORES} cores, and `{pool.vm_size}` of pool"
                f" `{pool.name}` has {cores}",
                "choose a larger size, or `LocalDns.DISABLED`",
            )


def _no_local_dns(reason: str, remedy: str) -> InvalidValue:
    return refusal("addons.local_dns", reason, remedy, "localdns-custom")
