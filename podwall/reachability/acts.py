"""What policies do in one direction: whom they isolate, and what they then allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from podwall.model import Unknown
from podwall.reachability.boxes import RulePart
from podwall.reachability.cluster import rules_of, unknown_direction
from podwall.reachability.peers import NOBODY
from podwall.reachability.pod_sets import Members

if TYPE_CHECKING:
    from collections.abc import Hashable

    from podwall.model import Policy
    from podwall.reachability.boxes import Boxes
    from podwall.reachability.cluster import Cluster
    from podwall.reachability.peers import PeerSets
    from podwall.reachability.pod_sets import PodSets
    from podwall.reachability.port_rules import Direction

__all__ = ["Act", "acts", "same_act"]


class Act(NamedTuple):
    """The policies that isolate the same pods, and all that they allow together."""

    pods: Members
    parts: dict[RulePart, None]


def acts(cluster: Cluster, pod_sets: PodSets, peers: PeerSets, boxes: Boxes) -> list[Act]:
    """Return the acts of a cluster's policies in the direction of `boxes`."""
    found: dict[Hashable, Act] = {}
    for policy in cluster.policies:
        rules = rules_of(policy, boxes.direction)
        if rules is None:
            continue
        key = same_act(policy, boxes.direction)
        if key not in found:
            found[key] = Act(_pods(policy, boxes.direction, pod_sets), {})
        parts = found[key].parts
        for rule in rules:
            ports = boxes.ports.number(None if isinstance(rule, Unknown) else rule.ports)
            for peer in peers.of(policy, rule):
                parts[RulePart(peer, ports)] = None
    return list(found.values())


def same_act(policy: Policy, direction: Direction) -> Hashable:
    """Return a key that is equal for policies that certainly isolate the same pods."""
    unsure = isinstance(policy.namespace, Unknown) or unknown_direction(policy, direction)
    selector = policy.pod_selector
    vague = selector.unknown is not None or any(each.unknown for each in selector.requirements)
    return id(policy) if unsure or vague else (policy.namespace, selector)


def _pods(policy: Policy, direction: Direction, pod_sets: PodSets) -> Members:
    pods = pod_sets.within(policy.namespace, policy.pod_selector)
    return Members(NOBODY, pods.may) if unknown_direction(policy, direction) else pods
