"""Who may ask a cluster's API server, and whether a deployment may delete the cluster."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Final

from pulumi_policy import EnforcementLevel, Severity

from podwall.guardrails.clusters import LEARN, Complaint, broken, leaf, unsettled
from podwall.guardrails.judgements import Doubt, Judgement, Judgements
from podwall.guardrails.rule import ClusterRule
from podwall.guardrails.settings import AddressSettings, ClusterSettings
from podwall.plan import PlannedResource
from podwall.policies.errors import Place
from podwall.policies.unknown import Unknown
from podwall.policies.wording import shown

__all__ = ["RULES"]

PRIVATE: Final = "apiServerAccessProfile.enablePrivateCluster"
RANGES: Final = "apiServerAccessProfile.authorizedIPRanges"
PUBLIC: Final = "publicNetworkAccess"
PAGE: Final = "api-server-authorized-ip-ranges"


def _api_server(cluster: PlannedResource, settings: AddressSettings) -> Judgements:
    private, public = leaf(cluster.inputs, PRIVATE), leaf(cluster.inputs, PUBLIC)
    if private is True or public == "Disabled":
        return
    ranges = leaf(cluster.inputs, RANGES)
    if isinstance(ranges, Iterable) and not isinstance(ranges, str) and tuple(ranges):
        yield from _ranges(cluster, tuple(ranges), settings)
    elif any(isinstance(each, Unknown) for each in (private, public, ranges)):
        yield from unsettled(cluster, PRIVATE, PUBLIC, RANGES)
    else:
        yield _open(cluster, RANGES, f"the API server of `{cluster.name}` answers to everyone")


def _ranges(
    cluster: PlannedResource, ranges: tuple[object, ...], settings: AddressSettings
) -> Judgements:
    for index, each in enumerate(ranges):
        path = f"{RANGES}[{index}]"
        if isinstance(each, Unknown):
            yield Doubt(each.cause, Place(cluster.urn, path=path))
        elif not _is_narrow(each, settings.shortest_prefix):
            yield _open(cluster, path, f"{shown(each)} lets too much of the Internet in")


def _is_narrow(written: object, shortest: int) -> bool:
    try:
        return ip_network(str(written), strict=False).prefixlen >= shortest
    except ValueError:
        return False


def _open(cluster: PlannedResource, path: str, message: str) -> Judgement:
    help_ = "name your own ranges, or set `enablePrivateCluster: true`"
    return broken(cluster, path, Complaint("cluster-api-server-open", message, help_, PAGE))


def _protected(cluster: PlannedResource, _settings: ClusterSettings) -> Judgements:
    if not cluster.protect:
        yield broken(
            cluster,
            "",
            Complaint(
                "cluster-unprotected",
                f"nothing keeps a deployment from deleting or replacing cluster `{cluster.name}`",
                "set the resource option `protect` to true",
                "use-network-policies",
            ),
        )


RULES: Final = (
    ClusterRule(
        id="cluster-api-server-open",
        description="A public API server must name the addresses that may ask it.",
        severity=Severity.HIGH,
        enforcement=EnforcementLevel.ADVISORY,
        remediation="Set apiServerAccessProfile.authorizedIPRanges, or make the cluster private.",
        link=f"{LEARN}/{PAGE}",
        settings=AddressSettings,
        judge=_api_server,
    ),
    ClusterRule(
        id="cluster-unprotected",
        description="A cluster must be protected from being deleted or replaced by a deployment.",
        severity=Severity.HIGH,
        enforcement=EnforcementLevel.ADVISORY,
        remediation="Set the resource option protect to true; take it back for one deployment.",
        link="https://www.pulumi.com/docs/iac/concepts/resources/options/protect/",
        settings=ClusterSettings,
        judge=_protected,
    ),
)
