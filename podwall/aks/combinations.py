"""Leaves of a cluster's network profile that Azure refuses together, each with its source.

Values are compared in lower case, because Azure takes them in any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from podwall.aks.inputs import choice, leaf
from podwall.aks.network_engine import DATAPLANE, PLUGIN, PLUGIN_MODE, POLICY, NetworkEngine
from podwall.policies.unknown import Unknown

__all__ = ["REFUSED_COMBINATIONS", "RefusedCombination"]


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
