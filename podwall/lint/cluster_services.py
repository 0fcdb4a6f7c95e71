"""What the cluster itself needs: names from its DNS, and services that the API server calls.

On AKS the API server is not in the cluster's network. Its calls come out of pods
`konnectivity-agent` of `kube-system`, or, with API Server VNet Integration, from its own subnet.
https://learn.microsoft.com/azure/aks/api-server-vnet-integration
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from ipaddress import ip_network
from typing import Final

from podwall.lint.context import Diagnostic, Lint, LintContext
from podwall.model import (
    EntityPeer,
    IpNetwork,
    IpPeer,
    IpProtocol,
    LabelMap,
    Peer,
    PodPeer,
    Policy,
    Rule,
    ServerCall,
    Service,
    ServicePort,
    SnapshotWorkload,
    Unknown,
)
from podwall.policies.errors import Severity
from podwall.policies.presets import KUBE_DNS
from podwall.policies.rules import METADATA_NAME, Direction
from podwall.reachability.matching import Match, labels_match
from podwall.reachability.port_rules import entry_bounds

__all__ = [
    "DNS_LINTS",
    "SERVER_CALL_LINTS",
    "is_cluster_dns",
    "may_be_cluster_dns",
]

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
DNS_DOC: Final = "https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/"
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
    """Return the workloads whose egress is certainly isolated, by the policies that apply.

    Those are left out that something may open which is not read.
    """
    opened = _perhaps_opened(context)
    acting: dict[int, list[int]] = defaultdict(list)
    policies = context.isolating
    for number, policy in enumerate(policies):
        if isinstance(policy.egress, tuple):
            for workload in context.pods.of_policy(policy).must:
                on_pod_network = context.snapshot.workloads[workload].host_network is False
                if on_pod_network and workload not in opened:
                    acting[workload].append(number)
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for workload, numbers in acting.items():
        groups[tuple(numbers)].append(workload)
    return {tuple(policies[n] for n in key): found for key, found in groups.items()}


def _perhaps_opened(context: LintContext) -> set[int]:
    """Return the workloads whose egress what is not read may open."""
    found: set[int] = set()
    for each in context.reachability.cluster.unread:
        if Direction.EGRESS in each.directions and not each.narrows:
            namespace = each.namespace or Unknown("every namespace")
            found.update(context.pods.selected(namespace, each.pods).may)
    return found


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
    if isinstance(peer, EntityPeer):
        on_node = bool(peer.nodes) and peer.ipv4 is False
        return bool(peer.pods) or peer.ipv4 is True or on_node
    if isinstance(peer, IpPeer | Unknown):
        return True
    return may_be_cluster_dns(context, peer)


DNS_LINTS: Final = (
    Lint("dns-blocked", Severity.WARNING, partial(_dns_blocked, IpProtocol.UDP), HELP, DNS_DOC),
    Lint(
        "dns-over-tcp-blocked", Severity.INFO, partial(_dns_blocked, IpProtocol.TCP), HELP, DNS_DOC
    ),
)


CALLS_DOC: Final = (
    "https://kubernetes.io/docs/concepts/architecture/control-plane-node-communication/"
    "#konnectivity-service"
)
AGENT: Final = ("app", "konnectivity-agent")
AGENT_TEXT: Final = "=".join(AGENT)
#: A subnet of an AKS cluster has addresses of these, as a rule.
PRIVATE: Final = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))


def _blocked(context: LintContext) -> Iterator[Diagnostic]:
    calls = context.snapshot.server_calls
    agents = _agents(context) if calls else ()
    for call in calls if agents else ():
        for port, pods in _backends(context, call).items():
            closed = [each for each in pods if _is_closed(context, agents, each, port)]
            if closed:
                yield _diagnostic(context, call, closed, port)


def _agents(context: LintContext) -> tuple[str, ...]:
    """Return the pods through which the API server calls, none in a cluster without them."""
    shown = [
        context.endpoint(number)
        for number, each in enumerate(context.snapshot.workloads)
        if each.namespace == SYSTEM and AGENT in each.labels.items
    ]
    if any(shown) or context.snapshot.complete:
        return tuple(each for each in shown if each is not None)
    if SYSTEM in context.reachability.cluster.shown_namespaces:
        return (f"{SYSTEM}/any:{AGENT_TEXT}",)
    return (f"any:{AGENT_TEXT}@{METADATA_NAME}={SYSTEM}",)


def _backends(context: LintContext, call: ServerCall) -> dict[int, list[int]]:
    """Return the pods that surely answer a call, by the number of their port."""
    found: dict[int, list[int]] = {}
    for service in _services(context, call):
        for port in _ports(service, call):
            selector = service.selector
            selected = selector and context.pods.selected(service.namespace, selector).must
            for number in sorted(selected or ()):
                target = _target(port, context.snapshot.workloads[number])
                if target is not None:
                    found.setdefault(target, []).append(number)
    return found


def _services(context: LintContext, call: ServerCall) -> Iterator[Service]:
    for service in context.snapshot.services:
        named = (service.namespace, service.name) == (call.namespace, call.service)
        if named and service.selector is not None and service.selector.requirements:
            yield service


def _ports(service: Service, call: ServerCall) -> Iterator[ServicePort]:
    asked = (call.port, IpProtocol.TCP)
    return (each for each in service.ports if (each.port, each.protocol) == asked)


def _target(port: ServicePort, pod: SnapshotWorkload) -> int | None:
    """Return the number of a service's port on a pod; None where it is not known."""
    if isinstance(port.target, int):
        return port.target
    numbers = {each.number for each in pod.ports if each.name == port.target}
    return numbers.pop() if len(numbers) == 1 and pod.open_ports is None else None


def _is_closed(context: LintContext, agents: tuple[str, ...], pod: int, port: int) -> bool:
    """Return whether a pod is closed to every agent for certain."""
    end = context.endpoint(pod)
    if end is None:
        return False
    return not any(_may_pass(context, agent, end, port) for agent in agents)


def _may_pass(context: LintContext, source: str, end: str, port: int) -> bool:
    found = context.reachability.connection(source, end)
    return (found.allowed | found.undetermined_ports).contains(IpProtocol.TCP, port)


def _diagnostic(context: LintContext, call: ServerCall, closed: list[int], port: int) -> Diagnostic:
    ends = [end for end in map(context.endpoint, closed) if end is not None]
    subnets = [_private_ranges(context, end, port) for end in ends]
    unless = ", unless by API Server VNet Integration" if all(subnets) else ""
    meant = all(any(each.prefixlen > 0 for each in some) for some in subnets)
    return Diagnostic(
        call.place,
        f"the API server can't call {call.what}{unless}: pods `{AGENT[1]}` of `{SYSTEM}` may not "
        f"connect to {context.pods.names(closed)} on TCP {port}",
        severity=Severity.INFO if meant or not call.needed else None,
    )


def _private_ranges(context: LintContext, end: str, port: int) -> list[IpNetwork]:
    """Return the ranges with private addresses that get in: an API server's may be one."""
    return [
        each.network
        for each in context.reachability.externals
        if any(_overlap(each.network, some) for some in PRIVATE)
        and _may_pass(context, each.id, end, port)
    ]


def _overlap(left: IpNetwork, right: IpNetwork) -> bool:
    return left.version == right.version and left.overlaps(right)


SERVER_CALL_LINTS: Final = (
    Lint(
        "api-server-blocked",
        Severity.WARNING,
        _blocked,
        f"allow ingress from pods with `{AGENT_TEXT}` in `{SYSTEM}`, or, with API Server VNet "
        "Integration, from its subnet",
        CALLS_DOC,
    ),
)
