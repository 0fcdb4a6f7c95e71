"""What is legal and often not meant, such as a connection that only one of its sides allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import partial
from itertools import pairwise
from typing import Final

from podwall.lint.context import Diagnostic, Lint, LintContext, PeerAt, quoted_name
from podwall.model import (
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    SelectorRequirement,
    Unknown,
)
from podwall.policies.errors import Severity
from podwall.policies.rules import Direction
from podwall.policies.syntax import SYSTEM_NAMESPACES
from podwall.portset import ALL_PORTS, PortSet
from podwall.reachability.port_rules import entry_bounds

__all__ = ["MISTAKE_LINTS", "ONE_SIDED_LINTS"]


ISOLATION_DOC: Final = (
    "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
    "#the-two-sorts-of-pod-isolation"
)
#: Rules about more pairs than this are not looked at.
MOST_PAIRS: Final = 400


def _one_sided(direction: Direction, context: LintContext) -> Iterator[Diagnostic]:
    for found in context.peers:
        peer = found.peer
        if found.at.direction is direction and isinstance(peer, PodPeer) and _is_named(peer):
            pairs = list(_pairs(context, found, peer))
            if pairs and not _any_passes(context, pairs, _possible_ports(found.at.rule)):
                yield _one_sided_diagnostic(found, peer)


def _is_named(peer: PodPeer) -> bool:
    """Return whether a peer means certain pods; one that means everyone promises nothing."""
    return bool(peer.pods.requirements) or bool((peer.namespaces or Selector()).requirements)


def _pairs(context: LintContext, found: PeerAt, peer: PodPeer) -> Iterator[tuple[str, str]]:
    """Yield the clients and servers that the rule is about, if they are certain and not many."""
    own = context.pods.of_policy(found.at.policy).must
    others = context.pods.of_peer(found.at.policy, peer).must
    if len(own) * len(others) > MOST_PAIRS:
        return
    for one in sorted(own):
        for other in sorted(others):
            ends = (context.endpoint(one), context.endpoint(other))
            if one != other and None not in ends:
                yield ends if found.at.direction is Direction.EGRESS else ends[::-1]  # type: ignore[misc]  # None is not in it


def _any_passes(context: LintContext, pairs: list[tuple[str, str]], ports: PortSet) -> bool:
    connections = (context.reachability.connection(*pair) for pair in pairs)
    return any((each.allowed | each.undetermined_ports) & ports for each in connections)


def _possible_ports(rule: Rule) -> PortSet:
    """Return the ports that a rule may mean; a name or an unknown may mean any."""
    if not isinstance(rule.ports, tuple):
        return ALL_PORTS
    return PortSet.union(entry_bounds(entry).may for entry in rule.ports)


def _one_sided_diagnostic(found: PeerAt, peer: PodPeer) -> Diagnostic:
    # Imported only where there is something to say: `explain` is a room of its own.
    from podwall.explain.wording import peer_text  # noqa: PLC0415 - as above

    who = peer_text(peer, str(found.at.policy.namespace))
    if found.at.direction is Direction.EGRESS:
        return Diagnostic(
            found.place, f"egress to {who} is allowed, but their ingress never lets it in"
        )
    return Diagnostic(
        found.place, f"ingress from {who} is allowed, but their egress never lets it out"
    )


ONE_SIDED_LINTS: Final = (
    Lint(
        "one-sided-egress",
        Severity.WARNING,
        partial(_one_sided, Direction.EGRESS),
        "a connection needs both sides: allow it in the ingress of the server, too",
        ISOLATION_DOC,
    ),
    Lint(
        "one-sided-ingress",
        Severity.WARNING,
        partial(_one_sided, Direction.INGRESS),
        "a connection needs both sides: allow it in the egress of the client, too",
        ISOLATION_DOC,
    ),
)


PEERS_DOC: Final = (
    "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
    "#behavior-of-to-and-from-selectors"
)


def _two_elements(context: LintContext) -> Iterator[Diagnostic]:
    """Yield rules whose list has namespaces in one element and pods in the next."""
    for at in context.rules:
        peers = at.rule.peers if isinstance(at.rule.peers, tuple) else ()
        for index, (first, second) in enumerate(pairwise(peers)):
            if _is_namespaces(first) and _is_own_pods(second):
                yield Diagnostic(
                    at.place.at(f"{at.direction.peers_field}[{index + 1}]"),
                    f"two elements mean either: all pods of those namespaces, or such pods of "
                    f"namespace `{at.policy.namespace}`",
                )


def _is_namespaces(peer: object) -> bool:
    return isinstance(peer, PodPeer) and peer.namespaces is not None and peer.pods == Selector()


def _is_own_pods(peer: object) -> bool:
    return isinstance(peer, PodPeer) and peer.namespaces is None and bool(peer.pods.requirements)


def _system(context: LintContext) -> Iterator[Diagnostic]:
    for policy in context.snapshot.policies:
        if policy.namespace in SYSTEM_NAMESPACES:
            yield Diagnostic(
                policy.place.at("metadata.namespace"),
                f"policy {quoted_name(policy)} is in a namespace that the cluster itself needs",
            )


def _unknown(context: LintContext) -> Iterator[Diagnostic]:
    for policy in context.snapshot.policies:
        for unknown in dict.fromkeys(_unknowns(policy)):
            yield Diagnostic(policy.place, f"policy {quoted_name(policy)}: {unknown.cause}")


def _unknowns(policy: Policy) -> Iterator[Unknown]:
    """Yield what is not known of a policy, down to the labels and ports of its rules."""
    for part in (policy.namespace, policy.pod_selector, policy.ingress, policy.egress):
        yield from _inside(part)


def _inside(part: object) -> Iterator[Unknown]:
    if isinstance(part, Unknown):
        yield part
    elif isinstance(part, tuple):
        for each in part:
            yield from _inside(each)
    elif isinstance(part, Rule | PodPeer | PortRule | Selector | SelectorRequirement):
        for field in fields(part):
            yield from _inside(getattr(part, field.name))


def _services(context: LintContext) -> Iterator[Diagnostic]:
    for service in context.snapshot.services:
        if service.selector is not None:
            selected = context.pods.selected(service.namespace, service.selector)
            if not selected.may:
                yield Diagnostic(
                    service.place.at("spec.selector"), f"service `{service.name}` has no pods"
                )


MISTAKE_LINTS: Final = (
    Lint(
        "two-elements-mean-or",
        Severity.WARNING,
        _two_elements,
        "to mean such pods of those namespaces, put both selectors into one element",
        PEERS_DOC,
    ),
    Lint(
        "policy-in-system-namespace",
        Severity.WARNING,
        _system,
        "a policy that is too strict there cuts off names, metrics or admission for the cluster",
        "https://learn.microsoft.com/azure/aks/concepts-managed-namespaces",
    ),
    Lint(
        "known-only-after-deployment",
        Severity.INFO,
        _unknown,
        "verdicts that depend on it are undetermined: write the value instead of an output",
    ),
    Lint(
        "service-without-pods",
        Severity.INFO,
        _services,
        "compare its selector with the pods' labels",
        "https://kubernetes.io/docs/concepts/services-networking/service/",
    ),
)
