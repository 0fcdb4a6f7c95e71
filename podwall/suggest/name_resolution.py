"""Which name servers a client may ask, where some expectation denies them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from podwall.expectations import Expectation, Kind
from podwall.expectations.selecting import matches
from podwall.explain import ports_at
from podwall.model import IpProtocol, LabelMap, SnapshotWorkload
from podwall.policies import KUBE_DNS, LOCAL_DNS, Finding, Peer, Severity
from podwall.portset import PortSet
from podwall.reachability.matching import Match
from podwall.reachability.values import AnyEndpoint, Endpoint, ExternalRange, WorkloadEndpoint

__all__ = ["DNS", "name_servers", "resolves_names"]

DNS: Final = PortSet.of(IpProtocol.UDP, 53) | PortSet.of(IpProtocol.TCP, 53)
_LABELS: Final = dict(KUBE_DNS.pods.selector.match_labels)
_KUBE_DNS: Final = WorkloadEndpoint(
    "kube-system/coredns",
    SnapshotWorkload(KUBE_DNS.namespaces.name, "coredns", "Deployment", LabelMap.of(_LABELS)),
)
_LOCAL_DNS: Final = ExternalRange(LOCAL_DNS.cidr)
_SERVERS: Final = ((KUBE_DNS, _KUBE_DNS), (LOCAL_DNS, _LOCAL_DNS))


def name_servers(
    client: WorkloadEndpoint, expectations: Iterable[Expectation]
) -> tuple[tuple[Peer, ...], tuple[Finding, ...]]:
    """Return whom a client may ask for names, and a finding on each server that is denied."""
    servers: list[Peer] = []
    findings: list[Finding] = []
    considered = [each for each in expectations if each.kind is not Kind.ALLOWED]
    for peer, server in _SERVERS:
        denying = next((each for each in considered if _denies(each, client, server)), None)
        if denying is None:
            servers.append(peer)
        else:
            findings.append(_withheld(client, server, denying))
    return tuple(servers), tuple(findings)


def resolves_names(destination: AnyEndpoint) -> bool:
    """Return whether an endpoint is a name server that clients are let ask."""
    if isinstance(destination, ExternalRange):
        network, local = destination.network, _LOCAL_DNS.network
        inside = range(int(local.network_address), int(local.broadcast_address) + 1)
        return network.version == local.version and int(network.network_address) in inside
    if not isinstance(destination, WorkloadEndpoint):
        return False
    workload = destination.workload
    is_kube_dns = _LABELS.items() <= set(workload.labels.items)
    return workload.namespace == KUBE_DNS.namespaces.name and is_kube_dns


def _denies(expectation: Expectation, client: WorkloadEndpoint, server: Endpoint) -> bool:
    """Return whether an expectation denies its sources, or all but its sources, to ask a server."""
    from_client = any(matches(each, client) is not Match.NO for each in expectation.sources)
    to_server = any(matches(each, server) is not Match.NO for each in expectation.destinations)
    if not to_server or not _asks(expectation, server):
        return False
    return from_client is (expectation.kind is Kind.DENIED)


def _asks(expectation: Expectation, server: Endpoint) -> bool:
    """Return whether the ports of an expectation include those of DNS."""
    return not expectation.ports or bool(ports_at(expectation.ports, server) & DNS)


def _withheld(client: WorkloadEndpoint, server: Endpoint, denying: Expectation) -> Finding:
    return Finding(
        "dns-denied",
        Severity.WARNING,
        f"`{client.id}` may not resolve names at `{server.id}`, because `{denying.name}` denies it",
        denying.place,
        "state what else is meant, such as the ports, if names are to be resolved",
    )
