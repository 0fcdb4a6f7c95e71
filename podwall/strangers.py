"""Find labels that a policy asks for and nothing carries: mostly, one of the two is misspelt."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from podwall.model import Operator, PodPeer, Policy, Requirement, Rule, Selector, Snapshot, Unknown
from policies.findings import Finding, Severity

__all__ = ["strangers"]

_NAME_LABEL = "kubernetes.io/metadata.name"


def strangers(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield a finding for every label that a policy asks of pods and no workload has.

    Nothing is said of peers in namespaces that no workload is in, such as `kube-system`, nor as
    long as the labels of some workload are not known.

    >>> from podwall.model import LabelMap, Workload
    >>> role = Requirement("role", Operator.IN, ("frontnd",))
    >>> policy = Policy("shop", "web", Selector((role,)), ingress=())
    >>> web = Workload("shop", "web", "Pod", LabelMap.of({"role": "frontend"}))
    >>> for finding in strangers(Snapshot(workloads=(web,), policies=(policy,))):
    ...     print(finding.message, finding.help, sep="; ")
    policy `shop/web` asks for `role=frontnd`, which no pod has; did you mean `role=frontend`?
    """
    labels = _Labels.of(snapshot)
    if labels is None:
        return
    for policy in snapshot.policies:
        seen: set[Requirement] = set()
        for path, selector in _selectors(policy, labels.namespaces):
            for requirement in selector.requirements:
                if requirement not in seen and not labels.fulfil(requirement):
                    seen.add(requirement)
                    yield _finding(policy, path, requirement, labels)


@dataclass(frozen=True, slots=True)
class _Labels:
    """The labels that workloads carry, and the namespaces that workloads are in."""

    pairs: frozenset[tuple[str, str]]
    namespaces: frozenset[str]

    @classmethod
    def of(cls, snapshot: Snapshot) -> _Labels | None:
        """Return the labels of a snapshot's workloads, or None while some are unknown."""
        pairs = set()
        for workload in snapshot.workloads:
            for key, value in workload.labels.items:
                if isinstance(value, Unknown):
                    return None
                pairs.add((key, value))
            if workload.labels.more is not None:
                return None
        namespaces = {str(workload.namespace) for workload in snapshot.workloads}
        return cls(frozenset(pairs), frozenset(namespaces)) if pairs else None

    def fulfil(self, requirement: Requirement) -> bool:
        """Return whether some workload has what is required, as far as it asks for a label."""
        if requirement.unknown is not None:
            return True
        match requirement.operator:
            case Operator.IN:
                return any((requirement.key, value) in self.pairs for value in requirement.values)
            case Operator.EXISTS:
                return any(key == requirement.key for key, _ in self.pairs)
            case Operator.NOT_IN | Operator.DOES_NOT_EXIST:
                return True


def _selectors(policy: Policy, namespaces: frozenset[str]) -> Iterator[tuple[str, Selector]]:
    """Yield the selectors of pods that the snapshot's workloads should know, with their paths."""
    if policy.namespace not in namespaces:
        return
    yield "spec.podSelector", policy.pod_selector
    for step, side, rules in (("ingress", "from", policy.ingress), ("egress", "to", policy.egress)):
        for number, rule in enumerate(rules if isinstance(rules, tuple) else ()):
            peers = rule.peers if isinstance(rule, Rule) else ()
            for index, peer in enumerate(peers if isinstance(peers, tuple) else ()):
                if isinstance(peer, PodPeer) and _is_here(peer, namespaces):
                    yield f"spec.{step}[{number}].{side}[{index}].podSelector", peer.pods


def _is_here(peer: PodPeer, namespaces: frozenset[str]) -> bool:
    """Return whether a peer can only be in namespaces that workloads are in."""
    requirements = peer.namespaces.requirements if peer.namespaces else ()
    named = {v for each in requirements if each.key == _NAME_LABEL for v in each.values}
    return peer.namespaces is None or not named.isdisjoint(namespaces)


def _finding(policy: Policy, path: str, asked: Requirement, labels: _Labels) -> Finding:
    wanted = [_label(asked.key, value) for value in asked.values] or [asked.key]
    there = [_label(key, value) for key, value in sorted(labels.pairs)]
    near = difflib.get_close_matches(wanted[0], there, n=1)
    return Finding(
        "stranger-label",
        Severity.WARNING,
        f"policy `{policy.namespace}/{policy.name}` asks for `{' or '.join(wanted)}`, "
        "which no pod has",
        policy.place.at(path),
        help=f"did you mean `{near[0]}`?" if near else "label a workload so, or change the policy",
    )


def _label(key: str, value: str) -> str:
    return f"{key}={value}"
