"""The network policy engines of AKS: what each sets in the network profile, and how far it goes.

How an engine departs from the specification of NetworkPolicy is in `podwall.engines`; here is what
Azure lets one choose: plugin, dataplane and policy that go together, limits, dates.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from podwall.aks.refusal import refusal
from podwall.aks.versions import MinorVersion

__all__ = ["EngineLimits", "NetworkEngine"]


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """How far an engine is supported: None means no limit of its own."""

    nodes: int | None = None
    pods: int | None = None


class NetworkEngine(StrEnum):
    """What enforces NetworkPolicies in the cluster; chosen when the cluster is created.

    All three run on Azure CNI (`networkPlugin: azure`). The choice also sets the dataplane, because
    Azure accepts Cilium policy only on the Cilium dataplane and the other way round
    (`CiliumDataplaneRequiresNetworkPolicyCilium`).

    `AZURE`: Azure Network Policy Manager. Linux nodes and IPv4 only, up to 250 nodes and 20,000
    pods; support ends on 30 September 2028.
    `CALICO`: Calico for standard policies, Linux and Windows nodes; Microsoft supports the
    integration, bugs go upstream.
    `CILIUM`: Azure CNI powered by Cilium, Linux nodes only. Microsoft's recommendation for new
    clusters.

    See https://learn.microsoft.com/azure/aks/use-network-policies.

    >>> NetworkEngine.CILIUM.dataplane, NetworkEngine.AZURE.dataplane
    ('cilium', 'azure')
    """

    AZURE = "azure"
    CALICO = "calico"
    CILIUM = "cilium"

    @classmethod
    def named(cls, text: str, argument: str = "engine") -> NetworkEngine:
        """Return the engine called `text` in any case.

        >>> NetworkEngine.named("Cilium")
        <NetworkEngine.CILIUM: 'cilium'>

        Raises:
            InvalidValue: no engine has this name, or it is one that Azure retires.
        """
        name = text.strip().lower()
        if name in cls.__members__.values():
            return cls(name)
        reason, remedy = _NOT_AN_ENGINE.get(name, ("is not a network policy engine", _CHOICES))
        raise refusal(argument, f"`{text}` {reason}", remedy, "use-network-policies")

    @property
    def plugin(self) -> str:
        """`networkProfile.networkPlugin`; always sent, because AKS documents two defaults."""
        return "azure"

    @property
    def policy(self) -> str:
        """`networkProfile.networkPolicy`; always sent, because unset means none."""
        return self.value

    @property
    def dataplane(self) -> str:
        """`networkProfile.networkDataplane`: `cilium` for Cilium, else `azure`."""
        return "cilium" if self is NetworkEngine.CILIUM else "azure"

    @property
    def limits(self) -> EngineLimits:
        """How many nodes and pods the engine supports."""
        return _LIMITS.get(self, EngineLimits())

    @property
    def runs_on_windows(self) -> bool:
        """Whether node pools with Windows are possible: with Calico only."""
        return self is NetworkEngine.CALICO

    @property
    def enforces_ipv6(self) -> bool:
        """Whether dual-stack clusters are possible: with Cilium only.

        See https://learn.microsoft.com/azure/aks/azure-cni-overlay#limitations.
        """
        return self is NetworkEngine.CILIUM

    def enforces_port_ranges(self, version: MinorVersion) -> bool:
        """Whether `endPort` of a policy works: everywhere but with Cilium before Kubernetes 1.32.

        AKS runs Cilium 1.17, the first that knows `endPort`, from Kubernetes 1.32.
        """
        return self is not NetworkEngine.CILIUM or version >= _FIRST_WITH_CILIUM_1_17


_FIRST_WITH_CILIUM_1_17 = MinorVersion(32)
_LIMITS = {NetworkEngine.AZURE: EngineLimits(nodes=250, pods=20_000)}
_CHOICES = "choose `azure`, `calico` or `cilium`"
_NOT_AN_ENGINE = {
    "kubenet": (
        "is a network plugin that retires on 31 March 2028",
        f"{_CHOICES}; all of them run on Azure CNI, overlay by default",
    ),
    "none": (
        "would leave every pod open to every other",
        f"{_CHOICES}, because the engine can't be added later without replacing the cluster",
    ),
}
