"""What is legal and often not meant: a connection that one side allows, a rule that adds nothing.

How it works: one rule covers another if it allows all that the other does whatever the cluster
contains: each peer and each port of the narrow rule is inside those of the broad rule. Of unknown
parts only what is certain covers, and all that is possible has to be covered. Only rules for the
same pods are compared with each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields
from functools import partial
from itertools import pairwise
from typing import Final

from podwall.lint.context import Diagnostic, Lint, LintContext, PeerAt, RuleAt, quoted_name
from podwall.model import (
    IpNetwork,
    IpPeer,
    Peer,
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
from podwall.reachability.cluster import rules_of
from podwall.reachability.port_rules import entry_bounds

__all__ = ["MISTAKE_LINTS", "ONE_SIDED_LINTS", "REDUNDANCY_LINTS", "rule_covers"]


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


def rule_covers(broad: Rule | Unknown, narrow: Rule | Unknown) -> bool:
    """Return whether `broad` allows all that `narrow` does, whatever the cluster contains.

    >>> rule_covers(Rule(), Rule(ports=(PortRule(port=80),)))
    True
    """
    if isinstance(broad, Unknown) or isinstance(narrow, Unknown):
        return False
    return _peers_cover(broad.peers, narrow.peers) and _ports_cover(broad.ports, narrow.ports)


def _peers_cover(
    broad: tuple[Peer, ...] | Unknown | None, narrow: tuple[Peer, ...] | Unknown | None
) -> bool:
    if broad is None:
        return True
    if not isinstance(broad, tuple) or not isinstance(narrow, tuple):
        return False
    return all(any(_peer_covers(one, other) for one in broad) for other in narrow)


def _peer_covers(broad: Peer, narrow: Peer) -> bool:
    match broad, narrow:
        case PodPeer(), PodPeer():
            return _selector_covers(broad.pods, narrow.pods) and _namespaces_cover(broad, narrow)
        case IpPeer(), IpPeer():
            return _block_covers(broad, narrow)
        case _:
            return False


def _namespaces_cover(broad: PodPeer, narrow: PodPeer) -> bool:
    if broad.namespaces is None:
        return narrow.namespaces is None
    if narrow.namespaces is None:
        return broad.namespaces == Selector()
    return _selector_covers(broad.namespaces, narrow.namespaces)


def _selector_covers(broad: Selector, narrow: Selector) -> bool:
    """Fewer requirements select more; what is unknown may be anything."""
    return broad.is_known and set(broad.requirements) <= set(narrow.requirements)


def _block_covers(broad: IpPeer, narrow: IpPeer) -> bool:
    if not _contains(broad.network, narrow.network):
        return False
    return all(
        not hole.overlaps(narrow.network)
        or any(_contains(same, hole) for same in narrow.exceptions)
        for hole in broad.exceptions
    )


def _contains(outer: IpNetwork, inner: IpNetwork) -> bool:
    return (
        outer.version == inner.version
        and outer.prefixlen <= inner.prefixlen
        and inner.network_address in outer
    )


def _ports_cover(
    broad: tuple[PortRule | Unknown, ...] | Unknown | None,
    narrow: tuple[PortRule | Unknown, ...] | Unknown | None,
) -> bool:
    if broad is None:
        return True
    if not isinstance(broad, tuple) or not isinstance(narrow, tuple):
        return False
    allowed = PortSet.union(entry_bounds(entry).must for entry in broad)
    return all(
        (isinstance(entry, PortRule) and entry.is_known and entry in broad)
        or not entry_bounds(entry).may - allowed
        for entry in narrow
    )


DOC: Final = (
    "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
    "#the-two-sorts-of-pod-isolation"
)
#: Among more rules than this for the same pods a comparison of each with each takes too long.
MOST_COMPARED: Final = 200


def _covered_rules(context: LintContext) -> Iterator[Diagnostic]:
    groups: dict[tuple[str | Unknown, Selector, Direction], list[RuleAt]] = defaultdict(list)
    for at in context.rules:
        groups[at.policy.namespace, at.policy.pod_selector, at.direction].append(at)
    for group in groups.values():
        if len(group) <= MOST_COMPARED:
            yield from _covered_rules_of(group)


def _covered_rules_of(group: list[RuleAt]) -> Iterator[Diagnostic]:
    """Yield the rules that another covers; of two equal ones the second."""
    for index, narrow in enumerate(group):
        for other, broad in enumerate(group):
            if other == index or not rule_covers(broad.rule, narrow.rule):
                continue
            if other < index or not rule_covers(narrow.rule, broad.rule):
                where = (
                    ""
                    if broad.policy is narrow.policy
                    else f" of policy {quoted_name(broad.policy)}"
                )
                yield Diagnostic(
                    narrow.place, f"`{broad.path}`{where} allows all that this rule allows"
                )
                break


def _idle_policies(context: LintContext) -> Iterator[Diagnostic]:
    groups: dict[str, list[Policy]] = defaultdict(list)
    for policy in context.policies:
        if isinstance(policy.namespace, str):
            groups[policy.namespace].append(policy)
    for group in groups.values():
        if len(group) <= MOST_COMPARED:
            yield from _idle(group)


def _idle(group: list[Policy]) -> Iterator[Diagnostic]:
    """Yield the policies without which nothing would change; of two equal ones the second."""
    for index, policy in enumerate(group):
        others = [
            other
            for before, other in enumerate(group)
            if _selects_as_much(other, policy) and (before < index or not _is_idle(other, [policy]))
        ]
        if not _is_default_deny(policy) and _is_idle(policy, others):
            yield Diagnostic(
                policy.place, f"without policy {quoted_name(policy)} nothing would change"
            )


def _is_default_deny(policy: Policy) -> bool:
    """Return whether a policy denies all by default: that stays worth having beside any other."""
    rules = [rules_of(policy, direction) for direction in Direction]
    return policy.pod_selector == Selector() and not any(rules)


def _is_idle(policy: Policy, others: list[Policy]) -> bool:
    """Return whether the other policies isolate and allow all that a policy does."""
    apart = [each for each in others if each is not policy and _selects_as_much(each, policy)]
    return all(_adds_nothing(policy, apart, direction) for direction in Direction)


def _selects_as_much(broad: Policy, narrow: Policy) -> bool:
    if broad.pod_selector.unknown is not None:
        return False
    return set(broad.pod_selector.requirements) <= set(narrow.pod_selector.requirements)


def _adds_nothing(policy: Policy, others: list[Policy], direction: Direction) -> bool:
    rules = rules_of(policy, direction)
    if rules is None:
        return True
    found = (rules_of(each, direction) for each in others)
    isolating = [each for each in found if each is not None]
    allowed = [rule for each in isolating for rule in each]
    covered = (any(rule_covers(each, rule) for each in allowed) for rule in rules)
    return bool(isolating) and all(covered)


REDUNDANCY_LINTS: Final = (
    Lint(
        "rule-swallowed",
        Severity.INFO,
        _covered_rules,
        "rules only add to each other: remove this one, or narrow the broader one",
        DOC,
    ),
    Lint(
        "policy-without-effect",
        Severity.INFO,
        _idle_policies,
        "policies only add to each other: remove it, or narrow the others",
        DOC,
    ),
)
