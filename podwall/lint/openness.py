"""What is open: workloads and namespaces without protection, and rules that open too much."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from ipaddress import ip_address
from typing import Final

from podwall.lint.context import Diagnostic, Lint, LintContext, RuleAt
from podwall.model import (
    IpPeer,
    IpProtocol,
    Peer,
    PodPeer,
    Selector,
    TierAction,
    TierRule,
    Unknown,
)
from podwall.policies.errors import Place, Severity
from podwall.policies.rules import Direction
from podwall.reachability.cluster import rules_of
from podwall.reachability.few_arrays import np
from podwall.reachability.matching import Match, labels_match
from podwall.reachability.policy_reader import ActingTierPolicy
from podwall.reachability.port_rules import entry_bounds
from podwall.reachability.profiles import UNISOLATED

__all__ = ["COVERAGE_LINTS", "OPENNESS_LINTS", "denied_by_tiers", "denies_every_pod"]


DEFAULT_POLICIES_DOC: Final = (
    "https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-policies"
)

#: Stands for a namespace that is not known yet: it may be any.
SOMEWHERE: Final = "?"


def _unprotected(context: LintContext) -> Iterator[Diagnostic]:
    """Yield workloads that no policy isolates; nothing where there is no policy at all."""
    policies = context.isolating
    restricted = _restricted_by_tiers(context)
    isolated = frozenset().union(*(context.pods.of_policy(policy).may for policy in policies))
    for number, workload in enumerate(context.snapshot.workloads):
        if number in restricted:
            continue
        if policies and number not in isolated and workload.host_network is False:
            yield Diagnostic(
                workload.place, f"no policy isolates `{context.pods.name(number)}` in any direction"
            )


def _restricted_by_tiers(context: LintContext) -> frozenset[int]:
    """Return the workloads of which tiers decide something: not everyone reaches them."""
    found = context.reachability.analysis
    if not found.cluster.tiers or len(found.cluster.workloads) < len(context.snapshot.workloads):
        return frozenset()
    element = found.classes.of_workload
    sides = (found.join.sources, found.join.destinations)
    tight = [side.profile[side.of[element]] != UNISOLATED for side in sides]
    return frozenset(np.flatnonzero(tight[0] | tight[1]).tolist())


def _no_policies(context: LintContext) -> Iterator[Diagnostic]:
    workloads = context.snapshot.workloads
    if context.reachability.cluster.tiers:
        return
    if workloads and not context.isolating:
        count = "is 1 workload" if len(workloads) == 1 else f"are {len(workloads)} workloads"
        yield Diagnostic(Place(), f"there {count} and no network policy")


def _open_namespaces(context: LintContext) -> Iterator[Diagnostic]:
    places = {namespace.name: namespace.place for namespace in context.snapshot.namespaces}
    denying = {direction: _denying(context, direction) for direction in Direction}
    for name in _populated(context) if context.isolating else ():
        missing = [
            each
            for each in Direction
            if not {name, SOMEWHERE} & denying[each]
            and not any(denied_by_tiers(context, name, each))
        ]
        directions = " and ".join(each.field for each in missing)
        if missing:
            severity = Severity.WARNING if Direction.INGRESS in missing else None
            yield Diagnostic(
                places.get(name, Place()),
                f"namespace `{name}` has no policy that denies {directions} by default",
                severity=severity,
            )


def denied_by_tiers(
    context: LintContext, namespace: str, direction: Direction
) -> Iterator[ActingTierPolicy]:
    """Yield policies with tiers that deny every pod of a namespace what no rule before allows.

    They deny every other pod on all ports; whether they act is not certain where they have doubts.
    """
    labels = context.reachability.cluster.namespaces.of(namespace)
    for stage in context.reachability.cluster.tiers:
        for acting in stage.policies:
            subject = acting.policy.subject
            if (
                isinstance(subject, PodPeer)
                and subject.pods == Selector()
                and labels_match(subject.namespaces or Selector(), labels) is Match.YES
                and any(map(denies_every_pod, acting.policy.rules(direction)))
            ):
                yield acting


def denies_every_pod(rule: TierRule | Unknown) -> bool:
    """Return whether a rule denies every other pod on all ports what no rule before it allows."""
    if not isinstance(rule, TierRule) or rule.action is not TierAction.DENY:
        return False
    every = PodPeer(Selector(), Selector())
    named = isinstance(rule.peers, tuple) and every in rule.peers
    return rule.ports is None and (rule.peers is None or named)


def _populated(context: LintContext) -> list[str]:
    names = {
        workload.namespace
        for workload in context.snapshot.workloads
        if isinstance(workload.namespace, str) and workload.host_network is False
    }
    return sorted(names)


def _denying(context: LintContext, direction: Direction) -> set[str]:
    """Return the namespaces with a policy for all pods that isolates, or may isolate."""
    return {
        policy.namespace if isinstance(policy.namespace, str) else SOMEWHERE
        for policy in context.isolating
        if policy.pod_selector == Selector() and rules_of(policy, direction) is not None
    }


COVERAGE_LINTS: Final = (
    Lint(
        "workload-not-isolated",
        Severity.WARNING,
        _unprotected,
        "everyone can reach it, and it can reach everyone: deny by default in its namespace",
        DEFAULT_POLICIES_DOC,
    ),
    Lint(
        "no-policies",
        Severity.INFO,
        _no_policies,
        "every pod can reach every other: begin with a default deny",
        DEFAULT_POLICIES_DOC,
    ),
    Lint(
        "namespace-without-default-deny",
        Severity.INFO,
        _open_namespaces,
        "a new pod is protected from its first moment only by a policy that selects every pod",
        DEFAULT_POLICIES_DOC,
    ),
)


SPEC_DOC: Final = (
    "https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/"
    "#NetworkPolicySpec"
)
METADATA: Final = ip_address("169.254.169.254")
METADATA_DOC: Final = "https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service"
HTTP: Final = 80


def _everyone(direction: Direction, context: LintContext) -> Iterator[Diagnostic]:
    for at in context.rules:
        if at.direction is direction and _is_for_everyone(at.rule.peers):
            which = "every port" if at.rule.ports is None else "the listed ports"
            severity = None if at.rule.ports is None else Severity.INFO
            words = {
                Direction.INGRESS: f"everyone may connect to {which}, also from outside",
                Direction.EGRESS: f"the pods may connect to {which} of everyone, also outside",
            }
            yield Diagnostic(at.place, words[direction], severity=severity)


def _is_for_everyone(peers: tuple[Peer, ...] | Unknown | None) -> bool:
    if peers is None:
        return True
    return isinstance(peers, tuple) and any(_is_all(peer) for peer in peers)


def _is_all(peer: Peer) -> bool:
    return isinstance(peer, IpPeer) and peer.network.prefixlen == 0 and not peer.exceptions


def _every_namespace(context: LintContext) -> Iterator[Diagnostic]:
    for found in context.peers:
        ingress = found.at.direction is Direction.INGRESS
        if ingress and found.peer == PodPeer(Selector(), Selector()):
            yield Diagnostic(found.place, "every pod of every namespace may connect")


def _metadata_service(context: LintContext) -> Iterator[Diagnostic]:
    for at in context.rules:
        if at.direction is Direction.EGRESS and _allows_http(at) and _allows_metadata(at):
            yield Diagnostic(
                at.place, f"the rule lets pods ask {METADATA}, which knows the node's secrets"
            )


def _allows_metadata(at: RuleAt) -> bool:
    peers = at.rule.peers
    if peers is None:
        return True
    return isinstance(peers, tuple) and any(
        isinstance(peer, IpPeer)
        and METADATA in peer.network
        and not any(METADATA in hole for hole in peer.exceptions)
        for peer in peers
    )


def _allows_http(at: RuleAt) -> bool:
    ports = at.rule.ports
    return not isinstance(ports, tuple) or any(
        entry_bounds(entry).must.contains(IpProtocol.TCP, HTTP) for entry in ports
    )


OPENNESS_LINTS: Final = (
    Lint(
        "open-to-everyone",
        Severity.WARNING,
        partial(_everyone, Direction.INGRESS),
        "name the peers in `from`; a list that is left out or empty means all of them",
        SPEC_DOC,
    ),
    Lint(
        "egress-to-everyone",
        Severity.WARNING,
        partial(_everyone, Direction.EGRESS),
        "name the peers in `to`; a list that is left out or empty means all of them",
        SPEC_DOC,
    ),
    Lint(
        "open-to-every-namespace",
        Severity.INFO,
        _every_namespace,
        "select the namespaces that need it, or the pods",
        SPEC_DOC,
    ),
    Lint(
        "metadata-service-open",
        Severity.WARNING,
        _metadata_service,
        f"except `{METADATA}/32` from the ip block",
        METADATA_DOC,
    ),
)
