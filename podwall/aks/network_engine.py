"""The network policy engines of AKS: what each sets and how far it goes, and what Azure refuses.

How an engine departs from the specification of NetworkPolicy is in `podwall.engines`; here is what
Azure lets one choose: plugin, dataplane and policy that go together, limits, dates. Which of them
Azure refuses together is in `podwall.aks.network_engine`.

Values are compared in lower case, because Azure takes them in any.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from podwall.aks.limits import LEARN, MinorVersion, refusal, written_day
from podwall.policies.errors import Finding, Severity, Unknown
from podwall.quick_dataclass import dataclass

__all__ = [
    "AUTOMATIC",
    "DATAPLANE",
    "KUBENET_ENDS",
    "PLUGIN",
    "PLUGIN_MODE",
    "POLICY",
    "REFUSED_COMBINATIONS",
    "SHIPPED_ENGINES",
    "SKU",
    "EngineLimits",
    "EngineVersions",
    "NetworkEngine",
    "RefusedCombination",
    "ShippedEngines",
    "declared_engine",
    "engine_change",
    "engine_versions",
    "first_kubernetes",
    "minor_version",
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
    from podwall.aks.resource_types import choice  # noqa: PLC0415 - few sources declare a cluster

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


_VERSION: Final = re.compile(r"v?([0-9]+)\.([0-9]+)(?![0-9])")


def minor_version(version: str | None) -> tuple[int, int] | None:
    """Return a version's first two numbers in order; None where it is not known, or is none.

    >>> minor_version("v1.32.4"), minor_version("1.9") < minor_version("1.32"), minor_version("new")
    ((1, 32), True, None)
    """
    found = _VERSION.match(version or "")
    return None if found is None else (int(found[1]), int(found[2]))


@dataclass(frozen=True, slots=True)
class EngineVersions:
    """The versions of an engine that may run, from the `oldest` to the `newest`.

    None where there is no bound that is known. `assumed`: nothing says which they are, so that they
    are those of every version of Kubernetes in `SHIPPED_ENGINES`.
    """

    oldest: tuple[int, int] | None = None
    newest: tuple[int, int] | None = None
    assumed: bool = False

    def between(self, since: str | None, until: str | None) -> bool | None:
        """Return whether all are from one version to another; None where perhaps some are not.

        >>> EngineVersions((1, 17), (1, 18)).between("1.17", "1.19")
        True
        >>> print(EngineVersions((1, 18), None).between(None, "1.19"))
        None
        """
        first, last = minor_version(since), minor_version(until)
        before = first and self.newest and self.newest < first
        after = last and self.oldest and self.oldest > last
        if before or after:
            return False
        begins = first is None or (self.oldest is not None and self.oldest >= first)
        ends = last is None or (self.newest is not None and self.newest <= last)
        return True if begins and ends else None


@dataclass(frozen=True, slots=True)
class ShippedEngines:
    """The oldest and the newest version of each engine in a version of Kubernetes, and its source.

    None where no source says it. Azure Network Policy Manager is not here: no fact about it is
    known to depend on its version.
    """

    kubernetes: str
    cilium: tuple[str, str]
    calico: tuple[str, str] | None
    sources: tuple[str, ...]


_CILIUM_VERSIONS: Final = f"{LEARN}/azure-cni-powered-by-cilium"
_RELEASES: Final = "https://github.com/Azure/AKS/blob/master/CHANGELOG.md"
_BOTH: Final = (_CILIUM_VERSIONS, _RELEASES)

SHIPPED_ENGINES: Final = (
    ShippedEngines("1.31", ("1.16", "1.16"), None, (_CILIUM_VERSIONS,)),
    ShippedEngines("1.32", ("1.17", "1.17"), ("3.29", "3.29"), _BOTH),
    ShippedEngines("1.33", ("1.17", "1.17"), ("3.30", "3.30"), _BOTH),
    ShippedEngines("1.34", ("1.18", "1.18"), ("3.30", "3.30"), _BOTH),
    ShippedEngines("1.35", ("1.18", "1.18"), ("3.30", "3.30"), _BOTH),
    ShippedEngines("1.36", ("1.18", "1.19"), ("3.30", "3.30"), _BOTH),
)
"""Which version of an engine AKS runs: the least that is documented, the newest that was released.

What is older or newer than these rows is not known, but that versions do not go back.
"""


@lru_cache(maxsize=64)  # asked for each object of a cluster
def engine_versions(
    engine: str, kubernetes_version: str | None, own: str | None = None
) -> EngineVersions:
    """Return the versions of an engine that may run in a version of Kubernetes on AKS.

    Where it is known, that is the engine's `own` version (`1.18.6`).

    >>> engine_versions("cilium", "1.36")
    EngineVersions(oldest=(1, 18), newest=(1, 19), assumed=False)
    """
    known_as, version = minor_version(own), minor_version(kubernetes_version)
    if known_as is not None:
        return EngineVersions(known_as, known_as)
    rows = [(minor_version(each.kubernetes), _shipped(each, engine)) for each in SHIPPED_ENGINES]
    known = [(row, span) for row, span in rows if row is not None and span is not None]
    if not known:
        return EngineVersions(assumed=version is None)
    if version is None:
        return EngineVersions(known[0][1][0], known[-1][1][1], assumed=True)
    here = next((span for row, span in known if row == version), None)
    oldest = [span[0] for row, span in known if row < version]
    newest = [span[1] for row, span in known if row > version]
    if here is not None:
        return EngineVersions(*here)
    return EngineVersions(oldest[-1] if oldest else None, newest[0] if newest else None)


def _shipped(
    row: ShippedEngines, engine: str
) -> tuple[tuple[int, int] | None, tuple[int, int] | None] | None:
    found = {"cilium": row.cilium, "calico": row.calico}.get(engine)
    return None if found is None else (minor_version(found[0]), minor_version(found[1]))


def first_kubernetes(engine: str, version: str) -> str:
    """Return the first version of Kubernetes in which AKS runs no engine below a version.

    >>> first_kubernetes("cilium", "1.17")
    '1.32'

    Raises:
        StopIteration: no row of `SHIPPED_ENGINES` has it.
    """
    rows = (each.kubernetes for each in SHIPPED_ENGINES)
    return next(each for each in rows if engine_versions(engine, each).between(version, None))


def engine_change(before: str, after: str) -> Iterator[Finding]:
    """Yield an error if the engine is another one, because that decides everything anew."""
    if before != after:
        yield Finding(
            "engine-changes",
            Severity.ERROR,
            f"the network policy engine changes from `{before}` to `{after}`",
            help=f"see `podwall migrate --from {before} --to {after}`",
            link="https://learn.microsoft.com/en-us/azure/aks/use-network-policies",
        )


_FIRST_WITH_CILIUM_1_17 = MinorVersion.of(first_kubernetes("cilium", "1.17"))
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


IP_FAMILIES: Final = "networkProfile.ipFamilies"
ADVANCED_POLICIES: Final = "networkProfile.advancedNetworking.security.enabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedCombination:
    """Values at `paths` that Azure refuses together, why, and what to do instead.

    `page` is one of the AKS documentation.
    """

    paths: tuple[str, ...]
    refuses: Callable[..., bool]
    message: str
    help: str
    page: str

    def is_in(self, inputs: Mapping[str, Any]) -> bool | Unknown:
        """Return whether a ManagedCluster's inputs have it; the first unknown if that decides."""
        values = [_value(inputs, path) for path in self.paths]
        unknown = next((each for each in values if isinstance(each, Unknown)), None)
        return self.refuses(*values) if unknown is None else unknown


def _value(inputs: Mapping[str, Any], path: str) -> object:
    from podwall.aks.resource_types import choice, leaf  # noqa: PLC0415 - as above

    found = leaf(inputs, path)
    if isinstance(found, list | tuple):
        return tuple(each.lower() if isinstance(each, str) else each for each in found)
    return choice(inputs, path) if isinstance(found, str) else found


def _engines(holds: Callable[[NetworkEngine], bool]) -> frozenset[str]:
    return frozenset(engine.value for engine in NetworkEngine if holds(engine))


_WITHOUT_IPV6: Final = _engines(lambda engine: not engine.enforces_ipv6)
_WITH_ADVANCED_POLICIES: Final = _engines(lambda engine: engine.has_advanced_policies)

REFUSED_COMBINATIONS: Final = (
    RefusedCombination(
        paths=(DATAPLANE, POLICY),
        refuses=lambda dataplane, policy: (dataplane == "cilium") != (policy == "cilium"),
        message="the Cilium dataplane and the engine `cilium` go only together",
        help="set both to `cilium`, or neither",
        page="azure-cni-powered-by-cilium",
    ),
    RefusedCombination(
        paths=(PLUGIN_MODE, PLUGIN),
        refuses=lambda mode, plugin: mode == "overlay" and plugin != "azure",
        message="the overlay is a mode of Azure CNI",
        help="set `networkPlugin: azure`",
        page="azure-cni-overlay",
    ),
    RefusedCombination(
        paths=(POLICY, PLUGIN),
        refuses=lambda policy, plugin: (
            policy in {"azure", "cilium"} and plugin not in {"azure", None}
        ),
        message="this engine needs Azure CNI",
        help="set `networkPlugin: azure`",
        page="use-network-policies",
    ),
    RefusedCombination(
        paths=(POLICY, PLUGIN),
        refuses=lambda policy, plugin: policy == "calico" and plugin == "none",
        message="a cluster that brings its own network can't have AKS install an engine",
        help="set `networkPolicy: none` and install Calico yourself, or `networkPlugin: azure`",
        page="use-byo-cni",
    ),
    RefusedCombination(
        paths=(POLICY, IP_FAMILIES),
        refuses=lambda policy, families: policy in _WITHOUT_IPV6 and "ipv6" in (families or ()),
        message="this engine does not know IPv6",
        help="choose `cilium`, or leave IPv6 out",
        page="azure-cni-overlay#limitations",
    ),
    RefusedCombination(
        paths=(POLICY, ADVANCED_POLICIES),
        refuses=lambda policy, enabled: enabled is True and policy not in _WITH_ADVANCED_POLICIES,
        message="advanced network policies need the engine `cilium`",
        help="choose `cilium`, or switch `advancedNetworking.security` off",
        page="container-network-security-concepts",
    ),
)
