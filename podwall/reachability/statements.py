"""What policies state in one direction, as numbers: whom they isolate, and what they then allow.

Policies that isolate the same pods act together, as one act: there is no order between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from podwall.model import Unknown
from podwall.reachability.cluster import rules_of, unknown_direction
from podwall.reachability.grouping import unique_rows
from podwall.reachability.port_rules import Direction, RulePorts
from podwall.reachability.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Hashable

    from podwall.model import Policy
    from podwall.reachability.cluster import Cluster
    from podwall.reachability.grouping import IntArray
    from podwall.reachability.terms import Terms

__all__ = ["Statements", "same_act", "statements"]


class Statements:
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

    def add(self, policy: Policy, terms: Terms) -> None:
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
        key = same_act(policy, self.direction, target)
        act = self._acts.setdefault(key, len(self.targets))
        if act == len(self.targets):
            self.targets.append(target)
            if unknown_direction(policy, self.direction):
                self.doubtful.add(act)
        return act


def same_act(policy: Policy, direction: Direction, target: Hashable) -> Hashable:
    """Return a key that is equal for policies that certainly isolate the same pods.

    The `target` tells the policies' namespaces and selectors apart. Two equal ones with something
    unknown in them need not turn out equal.
    """
    selector = policy.pod_selector
    unknown = (
        selector.unknown is not None
        or isinstance(policy.namespace, Unknown)
        or unknown_direction(policy, direction) is not None
        or any(each.unknown is not None for each in selector.requirements)
    )
    return (id(policy), None) if unknown else target


def statements(cluster: Cluster, direction: Direction, terms: Terms) -> Statements:
    """Return what all the cluster's policies state in a direction, and add to the terms."""
    result = Statements(direction)
    for policy in cluster.policies:
        result.add(policy, terms)
    return result
