"""The single conditions of a peer, each with the words that say what would have to be.

A pod peer asks for labels of the pod and for labels of its namespace; without a selector of
namespaces it asks for the namespace of the policy. It matches a pod if every condition holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from podwall.explain.wording import carrying
from podwall.model import (
    EMPTY_SELECTOR,
    Operator,
    PodPeer,
    Policy,
    Selector,
    SelectorRequirement,
    SnapshotWorkload,
    Unknown,
    namespace_text,
)
from podwall.policies.peers import METADATA_NAME
from podwall.reachability.cluster import EnforcedCluster, MatchAnswers, same_namespace
from podwall.reachability.matching import Match, requirement_matches
from podwall.reachability.unseen_pods import UnseenPods

__all__ = ["ConditionOn", "PeerCondition", "peer_conditions", "pod_conditions"]


class ConditionOn(StrEnum):
    """Whether a condition asks for a label of the pod, of its namespace, or for its namespace."""

    POD = "pod"
    NAMESPACE = "namespace"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class PeerCondition:
    """One condition of a peer; its words follow "it would match if".

    It asks for the `requirement`, or without one for the policy's own `namespace`.
    """

    on: ConditionOn
    words: str
    requirement: SelectorRequirement | None
    namespace: str | Unknown = ""

    @property
    def key(self) -> str:
        """The label that is asked for, empty where a namespace is asked for by its name."""
        named = self.on is ConditionOn.PLACE or self.requirement is None
        return "" if named or self.requirement is None else self.requirement.key

    def match(self, cluster: EnforcedCluster, workload: SnapshotWorkload | UnseenPods) -> Match:
        """Return whether it holds for a workload on the pod network, or for unseen pods."""
        if isinstance(workload, UnseenPods):
            return MatchAnswers(cluster).peer(self.namespace, self._alone(), workload).match
        if self.requirement is None:
            return same_namespace(self.namespace, workload.namespace).match
        if self.on is ConditionOn.POD:
            return requirement_matches(self.requirement, workload.labels)
        return requirement_matches(self.requirement, cluster.namespaces.of(workload.namespace))

    def _alone(self) -> PodPeer:
        """Return the peer with this condition only."""
        if self.requirement is None:
            return PodPeer(EMPTY_SELECTOR)
        asked = Selector((self.requirement,))
        if self.on is ConditionOn.POD:
            return PodPeer(asked, EMPTY_SELECTOR)
        return PodPeer(EMPTY_SELECTOR, asked)


def peer_conditions(policy: Policy, peer: PodPeer) -> Iterator[PeerCondition]:
    """Yield the conditions of a peer, those on the namespace first.

    >>> from podwall.model import PodPeer, Policy, Selector
    >>> web = Policy("shop", "web", Selector())
    >>> [each.words for each in peer_conditions(web, PodPeer(Selector()))]
    ['the pod were in namespace shop']
    """
    if peer.namespaces is None:
        words = f"the pod were in namespace {namespace_text(policy.namespace)}"
        yield PeerCondition(ConditionOn.PLACE, words, None, policy.namespace)
    yield from pod_conditions(peer)


def pod_conditions(peer: PodPeer) -> Iterator[PeerCondition]:
    """Yield the conditions of a peer that are the same in whatever namespace its policy is."""
    if peer.namespaces is not None:
        yield from map(_on_namespace, peer.namespaces.requirements)
    for each in peer.pods.requirements:
        yield PeerCondition(ConditionOn.POD, f"the pod {carrying(each)}", each)


def _on_namespace(requirement: SelectorRequirement) -> PeerCondition:
    if requirement.key == METADATA_NAME and requirement.operator is Operator.IN:
        words = f"the pod were in namespace {' or '.join(requirement.values)}"
        return PeerCondition(ConditionOn.PLACE, words, requirement)
    words = f"the pod's namespace {carrying(requirement)}"
    return PeerCondition(ConditionOn.NAMESPACE, words, requirement)
