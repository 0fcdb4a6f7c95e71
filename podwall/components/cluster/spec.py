"""What is asked of a cluster, as values that are checked against the rules of Azure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from podwall.aks.limits import MinorVersion
from podwall.aks.network_engine import NetworkEngine
from podwall.components.cluster.access import Access, Identities
from podwall.components.cluster.network_profile import (
    DualStack,
    Egress,
    LoadBalancerEgress,
    Overlay,
    PodNetwork,
    ServiceNetwork,
)
from podwall.components.cluster.networks import Network, NewNetwork
from podwall.components.cluster.operations import AddOns, EngineChange, Lifecycle
from podwall.components.cluster.pools import NodeProvisioning, SystemPool, UserPool

if TYPE_CHECKING:
    from pulumi import Input

__all__ = ["ClusterSpec"]


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
