"""The cluster's DNS, and workloads that must not ask it for names, over UDP or over TCP."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from podwall.lint.context import Diagnostic, Lint, LintContext
from podwall.model import (
    EntityPeer,
    IpPeer,
    IpProtocol,
    LabelMap,
    Peer,
    PodPeer,
    Policy,
    Rule,
    Unknown,
)
from podwall.policies.errors import Severity
from podwall.policies.peers import METADATA_NAME
from podwall.policies.presets import KUBE_DNS
from podwall.reachability.matching import Match, labels_match
from podwall.reachability.port_rules import entry_bounds

__all__ = ["DNS_LINTS", "is_cluster_dns", "may_be_cluster_dns"]


SYSTEM: Final = KUBE_DNS.namespaces.name
(DNS_LABEL,) = KUBE_DNS.pods.selector.match_labels.items()
#: CoreDNS carries this label in every distribution, for old clients' sake, and others besides.
DNS_PODS: Final = LabelMap.of(dict([DNS_LABEL]), Unknown("further labels of CoreDNS"))


def may_be_cluster_dns(context: LintContext, peer: PodPeer) -> bool:
    """Return whether a peer can stand for the cluster's DNS."""
    if peer.namespaces is None or labels_match(peer.pods, DNS_PODS) is Match.NO:
        return False
    labels = context.reachability.cluster.namespaces.of(SYSTEM)
    return labels_match(peer.namespaces, labels) is not Match.NO


def is_cluster_dns(context: LintContext, peer: PodPeer) -> bool:
    """Return whether a peer is meant for the cluster's DNS, which few sources contain."""
    named = any((each.key, *each.values) == DNS_LABEL for each in peer.pods.requirements)
    return named and may_be_cluster_dns(context, peer)


DNS_PORT: Final = 53
DOC: Final = "https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/"
HELP: Final = (
    "allow egress to pods with `k8s-app=kube-dns` in `kube-system`, ports 53/UDP and 53/TCP, "
    "and on AKS with LocalDNS to 169.254.10.10 and 169.254.10.11"
)


def _dns_blocked(protocol: IpProtocol, context: LintContext) -> Iterator[Diagnostic]:
    for policies, workloads in _isolated(context).items():
        allowed = [rule for policy in policies for rule in _rules(policy)]
        if any(_allows_dns(context, each, protocol) for each in allowed):
            continue
        if _accepted_by_tiers(context, workloads, protocol):
            continue
        severity = None if any(_rules(policy) for policy in policies) else Severity.INFO
        yield Diagnostic(
            policies[0].place.at("spec.egress"),
            f"{context.pods.names(workloads)} may not ask for names over {protocol}: "
            "no egress rule allows port 53 to the cluster's DNS",
            severity=severity,
        )


def _accepted_by_tiers(
    context: LintContext, workloads: Sequence[int], protocol: IpProtocol
) -> bool:
    """Return whether tiers may let the workloads ask the cluster's DNS all the same."""
    found = context.reachability
    if not found.cluster.tiers:
        return False
    key, value = DNS_LABEL
    shown = SYSTEM in found.cluster.shown_namespaces
    pods = f"any:{key}={value}"
    dns = f"{SYSTEM}/{pods}" if shown else f"{pods}@{METADATA_NAME}={SYSTEM}"
    ids = filter(None, map(context.endpoint, workloads))
    return any(
        found.replay(each, dns).egress.allowed.may.contains(protocol, DNS_PORT) for each in ids
    )


def _isolated(context: LintContext) -> dict[tuple[Policy, ...], list[int]]:
    """Return the workloads whose egress is certainly isolated, by the policies that apply."""
    acting: dict[int, list[int]] = defaultdict(list)
    policies = context.policies
    for number, policy in enumerate(policies):
        if isinstance(policy.egress, tuple):
            for workload in context.pods.of_policy(policy).must:
                if context.snapshot.workloads[workload].host_network is False:
                    acting[workload].append(number)
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for workload, numbers in acting.items():
        groups[tuple(numbers)].append(workload)
    return {tuple(policies[n] for n in key): found for key, found in groups.items()}


def _rules(policy: Policy) -> Sequence[Rule | Unknown]:
    return policy.egress if isinstance(policy.egress, tuple) else ()


def _allows_dns(context: LintContext, at: Rule | Unknown, protocol: IpProtocol) -> bool:
    if isinstance(at, Unknown):
        return True
    ports, peers = at.ports, at.peers
    if isinstance(ports, tuple) and not any(
        entry_bounds(entry).may.contains(protocol, DNS_PORT) for entry in ports
    ):
        return False
    return not isinstance(peers, tuple) or any(_may_be_dns(context, peer) for peer in peers)


def _may_be_dns(context: LintContext, peer: Peer) -> bool:
    """Return whether a peer may be the cluster's DNS; an ip block may be LocalDNS or a server's."""
    if isinstance(peer, IpPeer | EntityPeer | Unknown):
        return True
    return may_be_cluster_dns(context, peer)


DNS_LINTS: Final = (
    Lint("dns-blocked", Severity.WARNING, partial(_dns_blocked, IpProtocol.UDP), HELP, DOC),
    Lint("dns-over-tcp-blocked", Severity.INFO, partial(_dns_blocked, IpProtocol.TCP), HELP, DOC),
)
