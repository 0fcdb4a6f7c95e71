"""The network policy engines of AKS: what each sets in the network profile, and how far it goes.

How an engine departs from the specification of NetworkPolicy is in `podwall.engines`; here is what
Azure lets one choose: plugin, dataplane and policy that go together, limits, dates. Which of them
Azure refuses together is in `podwall.aks.combinations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from podwall.aks.inputs import choice
from podwall.aks.refusal import refusal
from podwall.aks.versions import MinorVersion, written_day
from podwall.policies.unknown import Unknown

__all__ = [
    "AUTOMATIC",
    "DATAPLANE",
    "KUBENET_ENDS",
    "PLUGIN",
    "PLUGIN_MODE",
    "POLICY",
    "SKU",
    "EngineLimits",
    "NetworkEngine",
    "declared_engine",
]


POLICY: Final = "networkProfile.networkPolicy"
DATAPLANE: Final = "networkProfile.networkDataplane"
PLUGIN: Final = "networkProfile.networkPlugin"
PLUGIN_MODE: Final = "networkProfile.networkPluginMode"
SKU: Final = "sku.name"
"""Where a ManagedCluster's inputs say what enforces policies, and how pods are networked."""

AUTOMATIC: Final = "automatic"
"""The SKU of clusters whose network Azure chooses, with Cilium:
https://learn.microsoft.com/azure/aks/intro-aks-automatic."""

KUBENET_ENDS: Final = date(2028, 3, 31)
"""The last day of the network plugin kubenet:
https://learn.microsoft.com/azure/aks/configure-kubenet."""


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
    def support_ends(self) -> date | None:
        """The last day on which Microsoft supports it on Linux; None where no day is announced.

        See https://learn.microsoft.com/azure/aks/migrate-from-npm-to-cilium-network-policy.
        """
        return _SUPPORT_ENDS.get(self)

    @property
    def without_windows(self) -> str | None:
        """Why it does not run on Windows nodes; None where it does, with Calico only."""
        return _WITHOUT_WINDOWS.get(self)

    @property
    def enforces_ipv6(self) -> bool:
        """Whether dual-stack clusters are possible: with Cilium only.

        See https://learn.microsoft.com/azure/aks/azure-cni-overlay#limitations.
        """
        return self is NetworkEngine.CILIUM

    @property
    def has_advanced_policies(self) -> bool:
        """Whether policies by name and by request are possible: with Cilium only.

        See https://learn.microsoft.com/azure/aks/container-network-security-concepts.
        """
        return self is NetworkEngine.CILIUM

    def enforces_port_ranges(self, version: MinorVersion) -> bool:
        """Whether `endPort` of a policy works: everywhere but with Cilium before Kubernetes 1.32.

        AKS runs Cilium 1.17, the first that knows `endPort`, from Kubernetes 1.32.
        """
        return self is not NetworkEngine.CILIUM or version >= _FIRST_WITH_CILIUM_1_17


def declared_engine(inputs: Mapping[str, Any]) -> NetworkEngine | Unknown | None:
    """Return the engine that a ManagedCluster's inputs declare; None where it certainly has none.

    One that is left out is none, except in an Automatic cluster. The engine of a cluster that
    brings its own network (`networkPlugin: none`) is not in its inputs, so it is unknown, as is one
    that AKS did not have when this was written. See
    https://learn.microsoft.com/azure/aks/use-network-policies and
    https://learn.microsoft.com/azure/aks/use-byo-cni.

    >>> declared_engine({"networkProfile": {"networkPlugin": "azure", "networkPolicy": "Cilium"}})
    <NetworkEngine.CILIUM: 'cilium'>
    >>> print(declared_engine({"networkProfile": {"networkPlugin": "none"}}))
    unknown: it brings its own network (`networkPlugin: none`)
    """
    policy, plugin, sku = (choice(inputs, path) for path in (POLICY, PLUGIN, SKU))
    if isinstance(policy, Unknown):
        return policy
    if policy is not None and policy in NetworkEngine.__members__.values():
        return NetworkEngine(policy)
    if policy not in {None, "none"}:
        return Unknown(f"AKS has no engine `{policy}` that Podwall knows")
    if plugin == "none":
        return Unknown("it brings its own network (`networkPlugin: none`)")
    if policy is None and sku == AUTOMATIC:
        return NetworkEngine.CILIUM
    deciding = (plugin, sku if policy is None else None)
    return next((each for each in deciding if isinstance(each, Unknown)), None)


_FIRST_WITH_CILIUM_1_17 = MinorVersion(32)
_LIMITS = {NetworkEngine.AZURE: EngineLimits(nodes=250, pods=20_000)}
_SUPPORT_ENDS = {NetworkEngine.AZURE: date(2028, 9, 30)}
_WITHOUT_WINDOWS = {
    NetworkEngine.AZURE: "Azure Network Policy Manager left Windows on 30 September 2026",
    NetworkEngine.CILIUM: "Cilium runs on Linux nodes only",
}
_CHOICES = "choose `azure`, `calico` or `cilium`"
_NOT_AN_ENGINE = {
    "kubenet": (
        f"is a network plugin that retires on {written_day(KUBENET_ENDS)}",
        f"{_CHOICES}; all of them run on Azure CNI, overlay by default",
    ),
    "none": (
        "would leave every pod open to every other",
        f"{_CHOICES}, because the engine can't be added later without replacing the cluster",
    ),
}
