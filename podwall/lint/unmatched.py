"""Policies, peers and ports that match nothing in the cluster, one lint for each reason.

Port names that stand for several numbers are here too: both ask on which workloads a rule's ports
are.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from functools import partial
from typing import Final

from podwall.lint.cluster_services import is_cluster_dns
from podwall.lint.context import (
    Diagnostic,
    Lint,
    LintContext,
    MatchedNumbers,
    PeerAt,
    PortAt,
    RuleAt,
    quoted_name,
)
from podwall.model import Operator, PodPeer, Policy, Selector, SnapshotWorkload, Unknown
from podwall.policies.errors import Severity
from podwall.policies.rules import METADATA_NAME, Direction
from podwall.rule_parts import selector_text

__all__ = ["PORT_LINTS", "SELECTION_LINTS", "destinations"]


DOC: Final = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
HOST_NETWORK_DOC: Final = f"{DOC}#networkpolicy-and-hostnetwork-pods"


class NoEffect(Enum):
    """Why a selector has no effect."""

    NO_NAMESPACE = auto()
    NO_POD = auto()
    HOST_NETWORK = auto()


def _policies(reason: NoEffect, context: LintContext) -> Iterator[Diagnostic]:
    for policy in context.snapshot.policies:
        selected = context.pods.of_policy(policy)
        if _reason(context, policy.namespace, selected) is reason:
            yield _policy_diagnostic(context, policy, reason)


def _policy_diagnostic(context: LintContext, policy: Policy, reason: NoEffect) -> Diagnostic:
    written, name = selector_text(policy.pod_selector), quoted_name(policy)
    made = _may_make(context, policy.namespace)
    severity = Severity.INFO if made or not written else None
    here = _here(context)
    messages = {
        NoEffect.NO_NAMESPACE: f"there is no pod{here} in namespace `{policy.namespace}`, "
        f"so policy {name} has no effect{here}",
        NoEffect.NO_POD: f"policy {name} selects `{written}`, which no pod{here} has",
        NoEffect.HOST_NETWORK: f"policy {name} selects only pods on the host network",
    }
    path = "metadata.namespace" if reason is NoEffect.NO_NAMESPACE else "spec.podSelector"
    help_ = context.pods.nearest(policy.pod_selector) if reason is NoEffect.NO_POD else ""
    return Diagnostic(policy.place.at(path), f"{messages[reason]}{made}", help_, severity)


def _may_make(context: LintContext, namespace: str | Unknown | None) -> str:
    """Return what to add where an object that is not read may make pods in a namespace.

    Such as a HelmRelease of it, or of none that is named; `namespace` None stands for any.
    """
    for unread in context.snapshot.unread_policies:
        given = None if isinstance(unread.namespace, Unknown) else unread.namespace
        if unread.brings and (namespace is None or given in {None, namespace}):
            return f": {unread.kind} `{unread.full_name}`, which is not read, may make such pods"
    return ""


def _here(context: LintContext) -> str:
    """Return the word that leaves room for what a source does not show, if it may show a part."""
    return "" if context.snapshot.complete else " here"


def _peers(reason: NoEffect, context: LintContext) -> Iterator[Diagnostic]:
    for found in context.peers:
        if isinstance(found.peer, PodPeer) and _reason_of_peer(context, found) is reason:
            yield _peer_diagnostic(found, found.peer, reason, context)


def _reason_of_peer(context: LintContext, found: PeerAt) -> NoEffect | None:
    peer, policy = found.peer, found.at.policy
    if not isinstance(peer, PodPeer) or _is_elsewhere(context, peer) or _is_overlooked(peer):
        return None
    selected = context.pods.of_peer(policy, peer)
    if peer.namespaces is None:
        return _reason(context, policy.namespace, selected)
    if not context.pods.namespaces(peer.namespaces):
        return NoEffect.NO_NAMESPACE
    return _empty(context, selected)


def _is_overlooked(peer: PodPeer) -> bool:
    """Return whether the engine does not see what a peer asks for, which has a lint of its own."""
    return bool(peer.pods.overlooked or (peer.namespaces or Selector()).overlooked)


def _is_elsewhere(context: LintContext, peer: PodPeer) -> bool:
    """Return whether a peer means what a source which is only a part need not have.

    That is the cluster's DNS, and namespaces that are named.
    """
    if context.snapshot.complete or peer.namespaces is None:
        return False
    if is_cluster_dns(context, peer):
        return True
    named = {
        value
        for requirement in peer.namespaces.requirements
        if (requirement.key, requirement.operator) == (METADATA_NAME, Operator.IN)
        for value in requirement.values
    }
    populated = {name for name in named if context.pods.at(name)}
    return bool(named) and populated != named


def _peer_diagnostic(
    found: PeerAt, peer: PodPeer, reason: NoEffect, context: LintContext
) -> Diagnostic:
    pods, namespaces = selector_text(peer.pods), selector_text(peer.namespaces or Selector())
    here = _here(context)
    messages = {
        NoEffect.NO_NAMESPACE: f"no namespace{here} has `{namespaces}`"
        if namespaces
        else f"there is no pod{here} in namespace `{found.at.policy.namespace}`",
        NoEffect.NO_POD: f"no pod{here} that the peer could mean has `{pods}`"
        if pods
        else f"there is no pod{here} that the peer could mean",
        NoEffect.HOST_NETWORK: "the peer stands for pods on the host network only",
    }
    elsewhere = peer.namespaces is not None and not context.snapshot.complete
    made = _may_make(context, found.at.policy.namespace if peer.namespaces is None else None)
    noted = (elsewhere and reason is not NoEffect.HOST_NETWORK) or made
    severity = Severity.INFO if noted else None
    help_ = context.pods.nearest(peer.pods) if reason is NoEffect.NO_POD else ""
    return Diagnostic(found.place, f"{messages[reason]}{made}", help_, severity)


def _reason(
    context: LintContext, namespace: str | Unknown, selected: MatchedNumbers
) -> NoEffect | None:
    if not selected.may and not context.pods.at(namespace):
        return NoEffect.NO_NAMESPACE
    return _empty(context, selected)


def _empty(context: LintContext, selected: MatchedNumbers) -> NoEffect | None:
    if not selected.may:
        return NoEffect.NO_POD
    on_host = all(context.snapshot.workloads[n].host_network is True for n in selected.may)
    return NoEffect.HOST_NETWORK if on_host else None


SELECTION_LINTS: Final = (
    Lint(
        "policy-without-namespace",
        Severity.WARNING,
        partial(_policies, NoEffect.NO_NAMESPACE),
        "check the namespace's name, or deploy the pods together with the policy",
        DOC,
    ),
    Lint(
        "policy-without-pods",
        Severity.WARNING,
        partial(_policies, NoEffect.NO_POD),
        "a policy protects only pods that its selector matches: compare it with their labels",
        DOC,
    ),
    Lint(
        "policy-on-host-network",
        Severity.WARNING,
        partial(_policies, NoEffect.HOST_NETWORK),
        "policies do not apply to pods on the host network: give them a network of their own",
        HOST_NETWORK_DOC,
    ),
    Lint(
        "peer-without-namespace",
        Severity.WARNING,
        partial(_peers, NoEffect.NO_NAMESPACE),
        f"a namespace is safely named by its label `{METADATA_NAME}`",
        f"{DOC}#targeting-a-namespace-by-its-name",
    ),
    Lint(
        "peer-without-pods",
        Severity.WARNING,
        partial(_peers, NoEffect.NO_POD),
        "none of the pods that are read is one of this peer: compare its labels with theirs",
        DOC,
    ),
    Lint(
        "peer-on-host-network",
        Severity.WARNING,
        partial(_peers, NoEffect.HOST_NETWORK),
        "such traffic comes from, and goes to, a node's address: use an `ipBlock`",
        HOST_NETWORK_DOC,
    ),
)


API_DOC: Final = (
    "https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/"
)


def destinations(context: LintContext, at: RuleAt) -> list[SnapshotWorkload]:
    """Return the workloads on which a rule's ports are, without those on the host network.

    Nothing where some of them are, or may be, outside the source.
    """
    numbers = _destinations(context, at)
    workloads = (context.snapshot.workloads[number] for number in sorted(numbers))
    return [workload for workload in workloads if workload.host_network is False]


def _destinations(context: LintContext, at: RuleAt) -> frozenset[int]:
    if at.direction is Direction.INGRESS:
        return frozenset(context.pods.of_policy(at.policy).may)
    peers = at.rule.peers
    if not isinstance(peers, tuple) or not all(_is_here(context, peer) for peer in peers):
        return frozenset()
    pod_peers = (peer for peer in peers if isinstance(peer, PodPeer))
    return frozenset().union(*(context.pods.of_peer(at.policy, peer).may for peer in pod_peers))


def _is_here(context: LintContext, peer: object) -> bool:
    return isinstance(peer, PodPeer) and (peer.namespaces is None or context.snapshot.complete)


def _undeclared(context: LintContext) -> Iterator[Diagnostic]:
    for found in context.ports:
        number, port = found.port.port, found.port
        if not isinstance(number, int) or port.end_port is not None:
            continue
        targets = destinations(context, found.at)
        declared = [item for each in targets for item in each.ports]
        certain = all(each.ports and each.open_ports is None for each in targets)
        listening = {(item.number, item.protocol) for item in declared}
        if targets and certain and (number, port.protocol) not in listening:
            yield _undeclared_diagnostic(context, found, targets)


def _undeclared_diagnostic(
    context: LintContext, found: PortAt, targets: list[SnapshotWorkload]
) -> Diagnostic:
    number, protocol = found.port.port, found.port.protocol
    message = f"none of the pods that {protocol} {number} is about declares that port"
    for service in context.snapshot.services:
        for port in service.ports:
            if port.port == number != port.target and service.namespace == targets[0].namespace:
                target = "another" if isinstance(port.target, Unknown) else f"`{port.target}`"
                return Diagnostic(
                    found.place,
                    message,
                    f"`{number}` is the port of service `{service.name}`: rules speak of the pods' "
                    f"port, which is {target}",
                )
    return Diagnostic(found.place, message)


def _unknown_names(context: LintContext) -> Iterator[Diagnostic]:
    for found in context.ports:
        name, protocol = found.port.port, found.port.protocol
        if not isinstance(name, str):
            continue
        targets = destinations(context, found.at)
        certain = all(each.open_ports is None for each in targets)
        has_name = any(
            (item.name, item.protocol) == (name, protocol)
            for each in targets
            for item in each.ports
        )
        if targets and certain and not has_name:
            yield Diagnostic(
                found.place, f"no pod that the rule is about has a {protocol} port called `{name}`"
            )


def _ambiguous_names(context: LintContext) -> Iterator[Diagnostic]:
    for found in context.ports:
        numbers = _numbers_of_name(context, found)
        if len(numbers) > 1:
            listed = ", ".join(map(str, sorted(numbers)))
            yield Diagnostic(
                found.place, f"`{found.port.port}` stands for different ports: {listed}"
            )


def _numbers_of_name(context: LintContext, found: PortAt) -> set[int]:
    """Return the numbers that the port name of an entry stands for; none of a number."""
    if not isinstance(found.port.port, str):
        return set()
    return {
        item.number
        for each in destinations(context, found.at)
        for item in each.ports
        if (item.name, item.protocol) == (found.port.port, found.port.protocol)
    }


PORT_LINTS: Final = (
    Lint(
        "port-nobody-declares",
        Severity.WARNING,
        _undeclared,
        "rules speak of the port on which the pods listen, after the service's translation",
        f"{API_DOC}#NetworkPolicySpec",
    ),
    Lint(
        "port-name-nobody-has",
        Severity.WARNING,
        _unknown_names,
        "the entry allows nothing: name a port of the destination pods, or write its number",
        f"{API_DOC}#NetworkPolicySpec",
    ),
    Lint(
        "port-name-ambiguous",
        Severity.INFO,
        _ambiguous_names,
        "each pod is reached on its own number; Cilium skips such egress rules: write numbers",
        "https://github.com/cilium/cilium/issues/30003",
    ),
)
