"""A cluster has an engine that can enforce policies, and its network fits together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from pulumi_policy import EnforcementLevel, Severity

from podwall.guardrails.clusters import LEARN, Complaint, broken, leaf, unsettled
from podwall.guardrails.judgements import Judgements
from podwall.guardrails.rule import ClusterRule
from podwall.guardrails.settings import ClusterSettings
from podwall.plan import PlannedResource
from podwall.policies.unknown import Unknown
from podwall.policies.wording import shown

__all__ = ["RULES"]

PLUGIN: Final = "networkProfile.networkPlugin"
MODE: Final = "networkProfile.networkPluginMode"
DATAPLANE: Final = "networkProfile.networkDataplane"
POLICY: Final = "networkProfile.networkPolicy"
ENGINES: Final = ("azure", "calico", "cilium")
PAGE: Final = "use-network-policies"


def _engine(cluster: PlannedResource, _settings: ClusterSettings) -> Judgements:
    engine, sku = leaf(cluster.inputs, POLICY), leaf(cluster.inputs, "sku.name")
    if engine is None and (sku == "Automatic" or isinstance(sku, Unknown)):
        yield from unsettled(cluster, "sku.name")
    elif isinstance(engine, Unknown):
        yield from unsettled(cluster, POLICY)
    elif engine not in ENGINES:
        said = "no network policy engine" if engine in {None, "none"} else f"{shown(engine)}"
        yield broken(
            cluster,
            POLICY,
            Complaint(
                "cluster-without-engine",
                f"cluster `{cluster.name}` has {said}, which enforces no policy at all",
                "choose `cilium`, `azure` or `calico` before the cluster is created",
                PAGE,
            ),
        )


class _Misfit(NamedTuple):
    """Leaves of the network profile that Azure refuses together."""

    paths: tuple[str, ...]
    is_one: Callable[..., bool]
    message: str
    help: str
    page: str


MISFITS: Final = (
    _Misfit(
        (DATAPLANE, POLICY),
        lambda dataplane, policy: (dataplane == "cilium") != (policy == "cilium"),
        "the Cilium dataplane and the engine `cilium` go only together",
        "set both to `cilium`, or neither",
        "azure-cni-powered-by-cilium",
    ),
    _Misfit(
        (MODE, PLUGIN),
        lambda mode, plugin: mode == "overlay" and plugin != "azure",
        "the overlay is a mode of Azure CNI",
        "set `networkPlugin: azure`",
        "azure-cni-overlay",
    ),
    _Misfit(
        (POLICY, PLUGIN),
        lambda policy, plugin: policy in {"azure", "cilium"} and plugin not in {"azure", None},
        "this engine needs Azure CNI",
        "set `networkPlugin: azure`",
        PAGE,
    ),
    _Misfit(
        (POLICY, PLUGIN),
        lambda policy, plugin: policy == "calico" and plugin == "none",
        "a cluster that brings its own network can't have AKS install an engine",
        "set `networkPolicy: none` and install Calico yourself, or `networkPlugin: azure`",
        "use-byo-cni",
    ),
    _Misfit(
        (POLICY, "networkProfile.ipFamilies"),
        lambda policy, families: policy == "azure" and "IPv6" in (families or ()),
        "the engine `azure` does not know IPv6",
        "choose `cilium`, or leave IPv6 out",
        "azure-cni-overlay",
    ),
    _Misfit(
        (POLICY, "networkProfile.advancedNetworking.security.enabled"),
        lambda policy, enabled: enabled is True and policy != "cilium",
        "advanced network policies need the engine `cilium`",
        "choose `cilium`, or switch `advancedNetworking.security` off",
        "container-network-security-concepts",
    ),
)


def _misfits(cluster: PlannedResource, _settings: ClusterSettings) -> Judgements:
    for misfit in MISFITS:
        values = [leaf(cluster.inputs, path) for path in misfit.paths]
        if any(isinstance(value, Unknown) for value in values):
            yield from unsettled(cluster, *misfit.paths)
        elif misfit.is_one(*values):
            yield broken(
                cluster,
                misfit.paths[0],
                Complaint(
                    "cluster-network-misfit",
                    f"{_written(cluster.inputs, misfit.paths)}: {misfit.message}",
                    misfit.help,
                    misfit.page,
                ),
            )


def _written(inputs: Mapping[str, Any], paths: tuple[str, ...]) -> str:
    """Return the leaves as the program has them."""
    leaves = ((path.rpartition(".")[2], leaf(inputs, path)) for path in paths)
    return " with ".join(
        f"no `{name}`" if value is None else f"`{name}: {value}`" for name, value in leaves
    )


def _kubenet(cluster: PlannedResource, _settings: ClusterSettings) -> Judgements:
    yield from unsettled(cluster, PLUGIN)
    if leaf(cluster.inputs, PLUGIN) == "kubenet":
        yield broken(
            cluster,
            PLUGIN,
            Complaint(
                "cluster-on-kubenet",
                f"cluster `{cluster.name}` runs on kubenet, which retires on 31 March 2028",
                "set `networkPlugin: azure` and `networkPluginMode: overlay`",
                "configure-kubenet",
            ),
        )


RULES: Final = (
    ClusterRule(
        id="cluster-without-engine",
        description="A cluster needs an engine that enforces network policies.",
        severity=Severity.CRITICAL,
        enforcement=EnforcementLevel.MANDATORY,
        remediation="Set networkProfile.networkPolicy to cilium, azure or calico.",
        link=f"{LEARN}/{PAGE}",
        settings=ClusterSettings,
        judge=_engine,
    ),
    ClusterRule(
        id="cluster-network-misfit",
        description="Network plugin, mode, dataplane and policy engine must fit together.",
        severity=Severity.HIGH,
        enforcement=EnforcementLevel.MANDATORY,
        remediation="Choose one of the combinations that Azure supports; each finding names one.",
        link=f"{LEARN}/azure-cni-powered-by-cilium",
        settings=ClusterSettings,
        judge=_misfits,
    ),
    ClusterRule(
        id="cluster-on-kubenet",
        description="A cluster must not be built on kubenet, which retires.",
        severity=Severity.MEDIUM,
        enforcement=EnforcementLevel.MANDATORY,
        remediation="Set networkPlugin to azure and networkPluginMode to overlay.",
        link=f"{LEARN}/configure-kubenet",
        settings=ClusterSettings,
        judge=_kubenet,
    ),
)
