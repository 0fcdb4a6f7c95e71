"""What is asked of a cluster, and how many addresses that needs at its largest.

Which ranges overlap or are too small is known from that. A pool at its largest has the nodes of its
maximum count and those that an upgrade adds. In a flat network every pod takes an address of the
node subnet, in a pod subnet nodes take addresses by 16.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from ipaddress import IPv4Network, IPv6Network
from types import MappingProxyType
from typing import TYPE_CHECKING

from podwall.aks import limits
from podwall.aks.limits import MinorVersion, refusal
from podwall.aks.network_engine import NetworkEngine
from podwall.components.cluster.access import Access, Identities
from podwall.components.cluster.network_profile import (
    DualStack,
    Egress,
    LoadBalancerEgress,
    NodeSubnet,
    Overlay,
    PodAllocation,
    PodNetwork,
    PodSubnet,
    ServiceNetwork,
)
from podwall.components.cluster.networks import (
    ExistingNetwork,
    NamedRange,
    Network,
    NewNetwork,
    ipv4_range,
    overlaps,
)
from podwall.components.cluster.operations import AddOns, EngineChange, Lifecycle
from podwall.components.cluster.pools import NodeProvisioning, SystemPool, UserPool, surge_nodes
from podwall.policies.errors import InvalidValue
from podwall.quick_dataclass import dataclass

if TYPE_CHECKING:
    from pulumi import Input

__all__ = [
    "ClusterSpec",
    "PoolSize",
    "address_refusals",
    "dynamic_pod_addresses",
    "node_addresses",
    "pool_sizes",
    "static_pod_addresses",
    "used_subnets",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSpec:
    """What is asked of a cluster, not yet checked against what Azure refuses.

    Each value has checked itself; which of them Azure refuses together is for the rules, and
    `AksClusterArgs` applies them. Its docstring says what each field means.
    """

    kubernetes_version: str | None
    engine: NetworkEngine = NetworkEngine.AZURE
    pod_network: PodNetwork = field(default_factory=Overlay)
    services: ServiceNetwork = field(default_factory=ServiceNetwork)
    ipv6: DualStack | None = None
    network: Network = field(default_factory=NewNetwork)
    egress: Egress = field(default_factory=LoadBalancerEgress)
    system_pool: SystemPool = field(default_factory=SystemPool)
    user_pools: tuple[UserPool, ...] = ()
    node_provisioning: NodeProvisioning = NodeProvisioning.MANUAL
    identities: Identities = field(default_factory=Identities)
    access: Access = field(default_factory=Access)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    addons: AddOns = field(default_factory=AddOns)
    resource_group: Input[str] | None = None
    location: str | None = None
    cluster_name: str | None = None
    dns_prefix: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    protect: bool = True
    engine_change: EngineChange = EngineChange.REFUSE

    def __post_init__(self) -> None:
        """Read the engine's name, and freeze what was given as a list or a dictionary."""
        object.__setattr__(self, "engine", NetworkEngine.named(self.engine))
        object.__setattr__(self, "user_pools", tuple(self.user_pools))
        object.__setattr__(self, "tags", MappingProxyType(dict(self.tags)))

    @property
    def version(self) -> MinorVersion | None:
        """`kubernetes_version` as a value; None where Azure chooses."""
        if self.kubernetes_version is None:
            return None
        return MinorVersion.of(self.kubernetes_version)

    @property
    def pools(self) -> tuple[SystemPool | UserPool, ...]:
        """All node pools, the system pool first."""
        return (self.system_pool, *self.user_pools)

    @property
    def most_nodes(self) -> int:
        """How many nodes the pools may have together, without those that an upgrade adds."""
        return sum(pool.node_count.maximum for pool in self.pools)

    @property
    def most_pods(self) -> int:
        """How many pods fit on that many nodes."""
        return sum(pool.node_count.maximum * self.max_pods(pool) for pool in self.pools)

    def max_pods(self, pool: SystemPool | UserPool) -> int:
        """Return how many pods run on a node of `pool`: its own answer or the pod network's."""
        return self.pod_network.default_max_pods if pool.max_pods is None else pool.max_pods


@dataclass(frozen=True, slots=True)
class PoolSize:
    """A pool at its largest: `nodes` and the `surge` nodes of an upgrade, `pods` on each."""

    nodes: int
    surge: int
    pods: int

    @property
    def machines(self) -> int:
        """Nodes while an upgrade runs."""
        return self.nodes + self.surge


def pool_sizes(args: ClusterSpec) -> tuple[PoolSize, ...]:
    """Return every pool at its largest."""
    return tuple(
        PoolSize(
            nodes=pool.node_count.maximum,
            surge=surge_nodes(pool.max_surge, pool.node_count.maximum),
            pods=args.max_pods(pool),
        )
        for pool in args.pools
    )


def node_addresses(sizes: tuple[PoolSize, ...], *, flat: bool) -> int:
    """Return how many addresses the node subnet needs, Azure's own included.

    One for each node, and in a flat network (`NodeSubnet`) one for each of its pods as well. Every
    internal load balancer takes one more.
    See https://learn.microsoft.com/azure/aks/concepts-network-ip-address-planning.

    >>> node_addresses((PoolSize(nodes=50, surge=1, pods=30),), flat=True)
    1586
    """
    return limits.AZURE_KEEPS + sum(
        size.machines * (1 + size.pods) if flat else size.machines for size in sizes
    )


def dynamic_pod_addresses(sizes: tuple[PoolSize, ...]) -> int:
    """Return how many addresses the pod subnet needs when every node is full.

    Nodes take 16 at a time and ask for more while fewer than 8 are free.

    >>> dynamic_pod_addresses((PoolSize(nodes=1, surge=0, pods=110),))
    133
    """
    return limits.AZURE_KEEPS + sum(
        size.machines
        * limits.ADDRESS_BATCH
        * _ceil_div(size.pods + limits.FREE_BEFORE_NEXT_BATCH, limits.ADDRESS_BATCH)
        for size in sizes
    )


def static_pod_addresses(sizes: tuple[PoolSize, ...]) -> int:
    """Return how many addresses the pod subnet needs where nodes take whole `/28` blocks.

    A block holds 16 addresses and a node keeps one of its own, so 15, 31, 47 ... pods waste none.

    >>> static_pod_addresses((PoolSize(nodes=1, surge=0, pods=31),))
    37
    """
    return limits.AZURE_KEEPS + sum(
        size.machines * limits.ADDRESS_BATCH * _ceil_div(size.pods + 1, limits.ADDRESS_BATCH)
        for size in sizes
    )


def _ceil_div(number: int, by: int) -> int:
    return -(-number // by)


_PLANNING = "concepts-network-ip-address-planning"


def address_refusals(args: ClusterSpec) -> Iterator[InvalidValue]:
    """Yield a refusal for every overlap, then one for every range that is too small."""
    yield from overlaps(_own_ranges(args), _foreign_ranges(args))
    yield from overlaps(used_subnets(args))
    yield from overlaps(_ipv6_ranges(args))
    yield from _overlay_too_small(args)
    yield from _node_subnet_too_small(args)
    yield from _static_blocks(args)


def used_subnets(args: ClusterSpec) -> tuple[NamedRange, ...]:
    """Return the subnets that the cluster uses, as far as their ranges are known."""
    unused = set()
    if not isinstance(args.pod_network, PodSubnet):
        unused.add("network.pod_subnet")
    if not args.access.vnet_integration:
        unused.add("network.api_server_subnet")
    return tuple(
        NamedRange(argument, found)
        for argument, found in args.network.subnets.items()
        if argument not in unused
    )


def _own_ranges(args: ClusterSpec) -> tuple[NamedRange, ...]:
    ranges = [NamedRange("services.cidr", args.services.range)]
    if isinstance(args.pod_network, Overlay):
        ranges.append(NamedRange("pod_network.pod_cidr", args.pod_network.range))
    if isinstance(args.network, NewNetwork):
        argument = "network.address_space"
        ranges.append(NamedRange(argument, ipv4_range(args.network.address_space, argument)))
    return tuple(ranges)


def _foreign_ranges(args: ClusterSpec) -> tuple[NamedRange, ...]:
    argument = "network.also_in_use"
    named = tuple(
        NamedRange(argument, ipv4_range(text, argument)) for text in args.network.also_in_use
    )
    return named + (used_subnets(args) if isinstance(args.network, ExistingNetwork) else ())


def _ipv6_ranges(args: ClusterSpec) -> tuple[NamedRange, ...]:
    if args.ipv6 is None:
        return ()
    return tuple(
        NamedRange(f"ipv6.{leaf}", IPv6Network(getattr(args.ipv6, leaf)))
        for leaf in ("pod_cidr", "service_cidr", "address_space")
    )


def _overlay_too_small(args: ClusterSpec) -> Iterator[InvalidValue]:
    if not isinstance(args.pod_network, Overlay):
        return
    machines = sum(size.machines for size in pool_sizes(args))
    if machines > args.pod_network.nodes:
        yield refusal(
            "pod_network.pod_cidr",
            f"`{args.pod_network.pod_cidr}` has blocks for {args.pod_network.nodes} nodes, and the"
            f" pools may grow to {machines}, upgrades included",
            "give a larger range, lower the maximum node counts, or lower `max_surge`",
            "azure-cni-overlay",
        )


def _node_subnet_too_small(args: ClusterSpec) -> Iterator[InvalidValue]:
    flat = isinstance(args.pod_network, NodeSubnet)
    needed = node_addresses(pool_sizes(args), flat=flat)
    subnet = args.network.subnets.get("network.node_subnet")
    if subnet is not None and subnet.num_addresses < needed:
        counted = "nodes and their pods" if flat else "nodes"
        yield _too_small("network.node_subnet", subnet, needed, counted)


def _static_blocks(args: ClusterSpec) -> Iterator[InvalidValue]:
    subnet = args.network.subnets.get("network.pod_subnet")
    if subnet is None or args.pod_network != PodSubnet(PodAllocation.STATIC_BLOCK):
        return
    needed = static_pod_addresses(pool_sizes(args))
    if subnet.num_addresses < needed:
        yield _too_small("network.pod_subnet", subnet, needed, "pods in blocks of 16")
    if subnet.prefixlen < limits.LARGEST_STATIC_SUBNET:
        yield refusal(
            "network.pod_subnet",
            f"`{subnet}` is larger than `/{limits.LARGEST_STATIC_SUBNET}`",
            f"static blocks need a `/{limits.LARGEST_STATIC_SUBNET}` or smaller",
            "configure-azure-cni-static-block-allocation",
        )


def _too_small(argument: str, subnet: IPv4Network, needed: int, counted: str) -> InvalidValue:
    return refusal(
        argument,
        f"`{subnet}` has {subnet.num_addresses} addresses, and {counted} may need {needed}, the"
        f" {limits.AZURE_KEEPS} that Azure keeps included",
        f"give a `/{32 - (needed - 1).bit_length()}`, or lower the node counts or `max_pods`",
        _PLANNING,
    )
