"""A policy as an engine reads it: with which directions, and which labels its selectors find.

The engine may enforce rules of directions that `policyTypes` does not list. It may not see some
labels: to its selectors they are missing, so that what asks for one selects nothing, and what
excludes one excludes nothing. In the policy as it is read such requirements are `overlooked`.
"""

from __future__ import annotations

from dataclasses import replace

from podwall.engines import Engine, Fact, OverlookedLabels, Treatment
from podwall.model import (
    Operator,
    Peer,
    PodPeer,
    Policy,
    Rule,
    Selector,
    SelectorRequirement,
    Unknown,
)

__all__ = ["PolicyReader", "has_unlisted", "overlooked_keys", "with_unlisted"]

_Direction = tuple[Rule | Unknown, ...] | Unknown | None


def has_unlisted(policy: Policy) -> bool:
    """Return whether a policy has rules of a direction that `policyTypes` may not list."""
    return policy.unlisted_ingress is not None or policy.unlisted_egress is not None


def with_unlisted(policy: Policy) -> Policy:
    """Return the policy as if `policyTypes` listed every direction that has rules."""
    if not has_unlisted(policy):
        return policy
    ingress, egress = policy.unlisted_ingress, policy.unlisted_egress
    return replace(
        policy,
        ingress=policy.ingress if ingress is None else ingress,
        egress=policy.egress if egress is None else egress,
        unlisted_ingress=None,
        unlisted_egress=None,
    )


def overlooked_keys(policy: Policy) -> frozenset[str]:
    """Return the labels by which a policy, as an engine reads it, selects in vain."""
    directions = (policy.ingress, policy.egress)
    rules = (rule for each in directions if isinstance(each, tuple) for rule in each)
    peers = (each.peers for each in rules if isinstance(each, Rule))
    pods = (peer for each in peers if isinstance(each, tuple) for peer in each)
    selectors = [policy.pod_selector]
    for peer in pods:
        if isinstance(peer, PodPeer):
            selectors += [peer.pods, *([peer.namespaces] if peer.namespaces else [])]
    return frozenset(key for each in selectors for key in each.overlooked)


class PolicyReader:
    """Reads policies as an engine does in a version of Kubernetes."""

    def __init__(self, engine: Engine, kubernetes_version: str | None) -> None:
        """Take what the reading depends on."""
        self._unlisted = engine.unlisted_rules.value is Treatment.ENFORCED
        self._pods = _LabelReader(engine.pod_labels, kubernetes_version)
        self._namespaces = _LabelReader(engine.namespace_labels, kubernetes_version)
        self._sees_all = {engine.pod_labels.value, engine.namespace_labels.value} == {
            OverlookedLabels()
        }

    def policy(self, policy: Policy) -> Policy:
        """Return a policy as it is read; the same object where that is as it is written."""
        found = with_unlisted(policy) if self._unlisted else policy
        if self._sees_all:
            return found
        pods = self._pods.selector(found.pod_selector)
        ingress, egress = self._direction(found.ingress), self._direction(found.egress)
        if pods is found.pod_selector and ingress is found.ingress and egress is found.egress:
            return found
        return replace(found, pod_selector=pods, ingress=ingress, egress=egress)

    def _direction(self, rules: _Direction) -> _Direction:
        if not isinstance(rules, tuple):
            return rules
        read = tuple(self._rule(each) if isinstance(each, Rule) else each for each in rules)
        return rules if _same(read, rules) else read

    def _rule(self, rule: Rule) -> Rule:
        if not isinstance(rule.peers, tuple):
            return rule
        read = tuple(self._peer(each) for each in rule.peers)
        return rule if _same(read, rule.peers) else replace(rule, peers=read)

    def _peer(self, peer: Peer) -> Peer:
        if not isinstance(peer, PodPeer):
            return peer
        there = peer.namespaces
        pods = self._pods.selector(peer.pods)
        namespaces = None if there is None else self._namespaces.selector(there)
        same = pods is peer.pods and namespaces is there
        return peer if same else PodPeer(pods, namespaces)


def _same(read: tuple[object, ...], written: tuple[object, ...]) -> bool:
    return all(one is other for one, other in zip(read, written, strict=True))


class _LabelReader:
    """Reads selectors of labels of which an engine does not see all."""

    def __init__(self, fact: Fact[OverlookedLabels], kubernetes_version: str | None) -> None:
        self._fact = fact
        self._version = kubernetes_version
        self._known: dict[str, bool] = {}

    def selector(self, selector: Selector) -> Selector:
        """Return a selector as the engine reads it; the same object where it sees its labels."""
        if not any(self._may_be_hidden(each.key) for each in selector.requirements):
            return selector
        read = [self._requirement(each) for each in selector.requirements]
        kept = tuple(each for each in read if each is not None)
        doubt = None
        if any(self._is_doubtful(each.key) for each in selector.requirements):
            doubt = Unknown(self._fact.says)
        return Selector(kept, selector.unknown or doubt)

    def _requirement(self, each: SelectorRequirement) -> SelectorRequirement | None:
        """Return a requirement as it is read; none that excludes what may count as missing."""
        if self._fact.value.hide(each.key):
            return replace(each, overlooked=True)
        excludes = each.operator in {Operator.NOT_IN, Operator.DOES_NOT_EXIST}
        return None if excludes and self._is_doubtful(each.key) else each

    def _is_doubtful(self, key: str) -> bool:
        return self._may_be_hidden(key) and not self._fact.value.hide(key)

    def _may_be_hidden(self, key: str) -> bool:
        if key not in self._known:
            self._known[key] = self._fact.value.may_hide(key, self._version)
        return self._known[key]
