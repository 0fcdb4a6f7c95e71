"""What policies state in one direction, as numbers: whom they isolate, and what they then allow.

Every set of pods or addresses that a policy names, as its target or as a peer, is known by one
number, however often it is written. Policies that isolate the same pods form one group: there is
no order between them, and what they allow adds up.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import chain
from typing import Final

import numpy as np

from podwall.model import IpPeer, Operator, PodPeer, Policy, Rule, Selector, Unknown
from podwall.policies.rules import Direction
from podwall.reachability.arrays import IntArray, Registry, unique_rows
from podwall.reachability.cluster import EnforcedCluster, rules_of, unknown_direction
from podwall.reachability.port_rules import RulePorts

__all__ = [
    "EVERYONE",
    "PERHAPS_EVERYONE",
    "Blocks",
    "PeerSets",
    "PolicyGroups",
    "group_key",
    "only_excludes",
    "policy_groups",
]


EVERYONE: Final = 0
"""The term of all pods and all addresses."""

PERHAPS_EVERYONE: Final = 1
"""The term of peers that are not known yet."""

Blocks = tuple[IpPeer, ...]
"""All the ip blocks of one rule."""

Pair = tuple[int, int]


class PeerSets:
    """Numbers the terms of a cluster in the order in which they are met.

    `within` are the pods of a namespace that a selector matches, `across` those in all namespaces
    that another selector matches; both have the two parts' numbers in the registries.
    """

    def __init__(self) -> None:
        """Begin with the two terms that always exist."""
        self.namespaces = Registry[str | Unknown]()
        self.pod_selectors = Registry[Selector]()
        self.namespace_selectors = Registry[Selector]()
        self.within: dict[Pair, int] = {}
        self.across: dict[Pair, int] = {}
        self.blocks: dict[Blocks, int] = {}

    def __len__(self) -> int:
        """Return the number of terms."""
        fixed = PERHAPS_EVERYONE + 1
        return fixed + len(self.within) + len(self.across) + len(self.blocks)

    def of_pods(self, namespace: str | Unknown, pods: Selector) -> int:
        """Return the term of the pods of one namespace that a selector matches."""
        key = (self.namespaces.number(namespace), self.pod_selectors.number(pods))
        number = self.within.get(key)
        if number is None:
            number = self.within[key] = len(self)
        return number

    def of_rule(self, namespace: str | Unknown, rule: Rule | Unknown) -> Iterator[int]:
        """Yield the terms of a rule's peers, in a policy of some namespace."""
        peers = PERHAPS_EVERYONE if isinstance(rule, Unknown) else rule.peers
        if peers is None:
            yield EVERYONE
        elif not isinstance(peers, tuple):
            yield PERHAPS_EVERYONE
        else:
            blocks: list[IpPeer] = []
            for peer in peers:
                if isinstance(peer, PodPeer):
                    yield self._of_peer(namespace, peer)
                elif isinstance(peer, IpPeer):
                    blocks.append(peer)
                else:
                    yield PERHAPS_EVERYONE
            if blocks:
                yield self.blocks.setdefault(tuple(blocks), len(self))

    def of_pods_across(self, namespaces: Selector, pods: Selector) -> int:
        """Return the term of the pods that a selector matches in the namespaces of another."""
        spaces = self.namespace_selectors.number(namespaces)
        key = (spaces, self.pod_selectors.number(pods))
        number = self.across.get(key)
        if number is None:
            number = self.across[key] = len(self)
        return number

    @property
    def vague(self) -> bool:
        """Whether a namespace or a selector is not fully known."""
        selectors = chain(self.pod_selectors.values, self.namespace_selectors.values)
        known = all(isinstance(each, str) for each in self.namespaces.values)
        return not (known and all(each.is_known for each in selectors))

    def wholes(self) -> dict[int, int]:
        """Return the terms that only exclude, each with the term that it takes something from.

        That is the same term without its excluding selector: of pods or, if that one does not only
        exclude, of namespaces. PeerSets that are needed for it are added.
        """
        found = {}
        names, pods = self.namespaces.values, self.pod_selectors.values
        spaces = self.namespace_selectors.values
        for (name, selector), term in list(self.within.items()):
            if only_excludes(pods[selector]):
                found[term] = self.of_pods(names[name], _EVERYTHING)
        for (space, selector), term in list(self.across.items()):
            if only_excludes(pods[selector]):
                found[term] = self.of_pods_across(spaces[space], _EVERYTHING)
            elif only_excludes(spaces[space]):
                found[term] = self.of_pods_across(_EVERYTHING, pods[selector])
        plain = set(found.values())
        return {term: whole for term, whole in found.items() if term not in plain}

    def _of_peer(self, namespace: str | Unknown, peer: PodPeer) -> int:
        if peer.namespaces is None:
            return self.of_pods(namespace, peer.pods)
        return self.of_pods_across(peer.namespaces, peer.pods)


_EVERYTHING: Final = Selector()
_EXCLUDING: Final = frozenset({Operator.NOT_IN, Operator.DOES_NOT_EXIST})


def only_excludes(selector: Selector) -> bool:
    """Say whether a selector has conditions, and all of them exclude.

    >>> from podwall.model import Requirement
    >>> only_excludes(Selector((Requirement("app", Operator.NOT_IN, ("web",)),)))
    True
    """
    requirements = selector.requirements
    return bool(requirements) and all(each.operator in _EXCLUDING for each in requirements)


class PolicyGroups:
    """The acts of one direction, and the parts of their rules, in parallel lists.

    `targets` has for each act the term of the pods that it isolates, `doubtful` the acts that may
    not isolate them at all. Each part is a peer of a rule with the rule's ports: an act, a term,
    and a number into `ports`.
    """

    def __init__(self, direction: Direction) -> None:
        """Begin with none."""
        self.direction = direction
        self.ports = Registry[RulePorts]()
        self.targets: list[int] = []
        self.doubtful: set[int] = set()
        self._acts: dict[Hashable, int] = {}
        self._parts: list[tuple[int, int, int]] = []

    def add(self, policy: Policy, terms: PeerSets) -> None:
        """Add what one policy states, if anything."""
        rules = rules_of(policy, self.direction)
        if rules is None:
            return
        target = terms.of_pods(policy.namespace, policy.pod_selector)
        act = self._act(policy, target)
        for rule in rules:
            ports = self.ports.number(None if isinstance(rule, Unknown) else rule.ports)
            for term in terms.of_rule(policy.namespace, rule):
                self._parts.append((act, term, ports))

    def parts(self) -> tuple[IntArray, IntArray, IntArray]:
        """Return the acts, terms and ports of all parts, each part once."""
        rows, _ = unique_rows(np.array(self._parts, dtype=np.int64).reshape(-1, 3))
        act, term, ports = rows.T
        return act, term, ports

    def _act(self, policy: Policy, target: int) -> int:
        key = group_key(policy, self.direction, target)
        act = self._acts.setdefault(key, len(self.targets))
        if act == len(self.targets):
            self.targets.append(target)
            if unknown_direction(policy, self.direction):
                self.doubtful.add(act)
        return act


def group_key(policy: Policy, direction: Direction, target: Hashable) -> Hashable:
    """Return a key that is equal for policies that certainly isolate the same pods.

    The `target` tells the policies' namespaces and selectors apart. Two equal ones with something
    unknown in them need not turn out equal.
    """
    known = (
        policy.pod_selector.is_known
        and isinstance(policy.namespace, str)
        and unknown_direction(policy, direction) is None
    )
    return target if known else (id(policy), None)


def policy_groups(cluster: EnforcedCluster, direction: Direction, terms: PeerSets) -> PolicyGroups:
    """Return what all the cluster's policies state in a direction, and add to the terms."""
    result = PolicyGroups(direction)
    for policy in cluster.policies:
        result.add(policy, terms)
    return result
