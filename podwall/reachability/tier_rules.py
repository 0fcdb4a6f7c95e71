"""The policies with tiers of one direction, with everything that they select as numbers.

The sets of pods that they name are peer sets like those of NetworkPolicies, so that pods which no
tier tells apart stay in one class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from podwall.model import (
    EMPTY_SELECTOR,
    AddressPeer,
    EntityPeer,
    IpPeer,
    PodPeer,
    PortRule,
    TierAction,
    TierName,
    TierPolicy,
    TierRule,
    Unknown,
)
from podwall.policies.rules import Direction
from podwall.reachability.cluster import EnforcedCluster
from podwall.reachability.policy_rules import EVERYONE, PERHAPS_EVERYONE, Blocks, PeerSets
from podwall.reachability.port_rules import RulePorts, has_names

__all__ = ["NumberedPolicy", "NumberedRule", "NumberedStage", "TierRules"]


class NumberedRule(NamedTuple):
    """A rule with its sets of peers as numbers.

    `addresses`: it also means addresses that are not known, none of them of a pod network.
    """

    action: TierAction | Unknown
    peer_sets: tuple[int, ...]
    networks: Blocks
    ports: RulePorts
    addresses: bool = False


class NumberedPolicy(NamedTuple):
    """A policy with the set of its subject as a number, and whether it only perhaps acts."""

    subject: int
    doubtful: bool
    rules: tuple[NumberedRule, ...]


class NumberedStage(NamedTuple):
    """Policies of one tier and one priority."""

    tier: TierName
    policies: tuple[NumberedPolicy, ...]


class TierRules:
    """The stages of one direction, in order."""

    def __init__(self, cluster: EnforcedCluster, direction: Direction, peer_sets: PeerSets) -> None:
        """Number what the policies select; what is new is added to the peer sets."""
        self.direction = direction
        self.stages = tuple(self._stages(cluster, peer_sets))

    @property
    def policies(self) -> Sequence[NumberedPolicy]:
        """All policies, in order."""
        return tuple(chain.from_iterable(each.policies for each in self.stages))

    @property
    def have_names(self) -> bool:
        """Whether some rule names ports."""
        return any(has_names(rule.ports) for each in self.policies for rule in each.rules)

    def port_names(self) -> Iterator[str]:
        """Yield the names of ports that rules mention."""
        for rule in chain.from_iterable(each.rules for each in self.policies):
            for entry in rule.ports if isinstance(rule.ports, tuple) else ():
                if isinstance(entry, PortRule) and isinstance(entry.port, str):
                    yield entry.port

    def _stages(self, cluster: EnforcedCluster, peer_sets: PeerSets) -> Iterator[NumberedStage]:
        for stage in cluster.tiers:
            policies = tuple(
                self._policy(each.policy, peer_sets, doubtful=bool(each.doubts))
                for each in stage.policies
                if each.policy.rules(self.direction)
            )
            if policies:
                yield NumberedStage(stage.tier, policies)

    def _policy(self, policy: TierPolicy, peer_sets: PeerSets, *, doubtful: bool) -> NumberedPolicy:
        unknown = isinstance(policy.subject, Unknown)
        subject = _EVERY_POD if isinstance(policy.subject, Unknown) else policy.subject
        rules = tuple(_numbered(each, peer_sets) for each in policy.rules(self.direction))
        return NumberedPolicy(_of_pods(subject, peer_sets), doubtful or unknown, rules)


_EVERY_POD = PodPeer(EMPTY_SELECTOR, EMPTY_SELECTOR)


def _of_pods(peer: PodPeer, peer_sets: PeerSets) -> int:
    return peer_sets.of_pods_across(peer.namespaces or EMPTY_SELECTOR, peer.pods)


def _numbered(rule: TierRule | Unknown, peer_sets: PeerSets) -> NumberedRule:
    if isinstance(rule, Unknown):
        return NumberedRule(rule, (PERHAPS_EVERYONE,), (), None)
    if rule.peers is None or isinstance(rule.peers, Unknown):
        everyone = EVERYONE if rule.peers is None else PERHAPS_EVERYONE
        return NumberedRule(rule.action, (everyone,), (), rule.ports)
    pods = (_of_pods(each, peer_sets) for each in rule.peers if isinstance(each, PodPeer))
    entities = (peer_sets.of_entity(e) for e in rule.peers if isinstance(e, EntityPeer))
    unknown = any(isinstance(each, Unknown) for each in rule.peers)
    return NumberedRule(
        rule.action,
        (*pods, *entities, *((PERHAPS_EVERYONE,) if unknown else ())),
        tuple(each for each in rule.peers if isinstance(each, IpPeer)),
        rule.ports,
        any(isinstance(each, AddressPeer) for each in rule.peers),
    )
