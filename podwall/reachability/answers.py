"""Whether one policy, peer or service speaks of one endpoint, with the causes of any doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from podwall.intervals import includes
from podwall.model import PodPeer, Unknown, Workload
from podwall.reachability.addresses import (
    block_ranges,
    blocks_match,
    first_address,
    known_whereabouts,
)
from podwall.reachability.matching import Match, doubts_of, labels_match
from podwall.reachability.pod_classes import host_match
from podwall.reachability.values import ExternalRange

if TYPE_CHECKING:
    from podwall.engines import BlockMatch, Fact
    from podwall.intervals import Ranges
    from podwall.model import IpPeer, LabelMap, Selector
    from podwall.reachability.addresses import Whereabouts
    from podwall.reachability.cluster import Cluster
    from podwall.reachability.values import Endpoint

__all__ = ["NO", "YES", "Answer", "Answers"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether something matches; for maybe, the causes of the doubt in words."""

    match: Match
    causes: tuple[str, ...] = ()

    def __and__(self, other: Answer) -> Answer:
        """Return the answer to whether both match."""
        return self._with(other, min(self.match, other.match))

    def __or__(self, other: Answer) -> Answer:
        """Return the answer to whether one of them matches."""
        return self._with(other, max(self.match, other.match))

    def _with(self, other: Answer, match: Match) -> Answer:
        causes = dict.fromkeys((*self.causes, *other.causes))
        return Answer(match, tuple(causes) if match is Match.MAYBE else ())


YES: Final = Answer(Match.YES)
NO: Final = Answer(Match.NO)


class Answers:
    """Answers for one cluster under one engine."""

    def __init__(self, cluster: Cluster) -> None:
        """Keep what the answers depend on."""
        self._cluster = cluster

    def pods(self, namespace: str | Unknown, selector: Selector, workload: Workload) -> Answer:
        """Answer whether a selector that is applied to a namespace selects a workload's pods."""
        own = _same_namespace(namespace, workload.namespace)
        return _on_pod_network(workload) & own & _selected(selector, workload.labels)

    def peer(self, namespace: str | Unknown, peer: PodPeer, workload: Workload) -> Answer:
        """Answer whether a peer in a policy of `namespace` means a workload's pods."""
        if peer.namespaces is None:
            return self.pods(namespace, peer.pods, workload)
        labels = self._cluster.namespaces.of(workload.namespace)
        there = _selected(peer.namespaces, labels)
        return _on_pod_network(workload) & there & _selected(peer.pods, workload.labels)

    def blocks(self, blocks: tuple[IpPeer, ...], endpoint: Endpoint) -> Answer:
        """Answer whether the ip blocks of a rule mean an endpoint."""
        ranges = block_ranges(blocks)
        if isinstance(endpoint, ExternalRange):
            return YES if includes(ranges, first_address(endpoint.network)) else NO
        engine, cluster = self._cluster.engine, self._cluster
        known = endpoint.workload.addresses
        at = known_whereabouts(known) if known else None
        pod = _by_block(engine.pods_by_block, ranges, at or cluster.pods_at, blocks)
        node = _by_block(engine.nodes_by_block, ranges, at or cluster.nodes_at, blocks)
        host = host_match(endpoint.workload)
        if host is Match.MAYBE and pod.match is not node.match:
            return Answer(Match.MAYBE, (_host_cause(endpoint.workload),))
        return node if host is Match.YES else pod


def _same_namespace(left: str | Unknown, right: str | Unknown) -> Answer:
    causes = tuple(each.cause for each in (left, right) if isinstance(each, Unknown))
    if causes:
        return Answer(Match.MAYBE, causes)
    return YES if left == right else NO


def _selected(selector: Selector, labels: LabelMap) -> Answer:
    match = labels_match(selector, labels)
    if match is not Match.MAYBE:
        return Answer(match)
    return Answer(match, tuple(dict.fromkeys(each.cause for each in doubts_of(selector, labels))))


def _on_pod_network(workload: Workload) -> Answer:
    """Answer whether selectors see a workload's pods; on the host network they never do."""
    host = host_match(workload)
    if host is Match.MAYBE:
        return Answer(host, (_host_cause(workload),))
    return NO if host is Match.YES else YES


def _host_cause(workload: Workload) -> str:
    host = workload.host_network
    return host.cause if isinstance(host, Unknown) else ""


def _by_block(
    fact: Fact[BlockMatch], ranges: Ranges, where: Whereabouts, blocks: tuple[IpPeer, ...]
) -> Answer:
    match = blocks_match(fact, ranges, where)
    if match is not Match.MAYBE:
        return Answer(match)
    written = ", ".join(f"`{block.network}`" for block in blocks)
    return Answer(match, (f"ip block {written}: {fact.says}",))
