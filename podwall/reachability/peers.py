"""The peers of rules as sets over all endpoints: the classes of pods, then the address parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from podwall.model import IpPeer, PodPeer, Rule, Selector, Unknown
from podwall.reachability.addresses import address_atoms, block_ranges, blocks_match
from podwall.reachability.cluster import rules_of
from podwall.reachability.matching import Match
from podwall.reachability.pod_sets import Members, PodSets
from podwall.reachability.port_rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.intervals import Ranges
    from podwall.model import Peer, Policy
    from podwall.reachability.cluster import Cluster
    from podwall.reachability.pod_classes import PodClasses

__all__ = ["EVERYONE", "NOBODY", "PERHAPS_EVERYONE", "PeerSets", "Universe"]

NOBODY: Final = np.empty(0, dtype=np.int64)
EVERYONE: Final = 0
PERHAPS_EVERYONE: Final = 1


class Universe(NamedTuple):
    """Everything that can be an end of a connection: `pods` classes, then `parts` of addresses."""

    pods: int
    parts: int

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.pods + self.parts


class _Pods(NamedTuple):
    """Pods by label; the namespace counts only where the peer names none."""

    namespace: str | Unknown | None
    peer: PodPeer


class _Blocks(NamedTuple):
    """All the ip blocks of one rule."""

    blocks: tuple[IpPeer, ...]


class PeerSets:
    """Resolves the peers of rules to members of the universe, each peer once."""

    def __init__(self, cluster: Cluster, classes: PodClasses, pod_sets: PodSets) -> None:
        """Cut the addresses at the ip blocks of all policies, acting or not."""
        self._cluster = cluster
        self._pods = pod_sets
        self._host = classes.host
        self.atoms = address_atoms([block_ranges((each,)) for each in _all_blocks(cluster)])
        self.universe = Universe(len(classes), len(self.atoms))
        self.everyone = np.arange(self.universe.size)
        self.members = [Members(self.everyone, self.everyone), Members(NOBODY, self.everyone)]
        self._numbers: dict[_Pods | _Blocks, int] = {}

    def of(self, policy: Policy, rule: Rule | Unknown) -> Iterator[int]:
        """Yield the peers of a rule as numbers into `members`."""
        if isinstance(rule, Unknown) or isinstance(rule.peers, Unknown):
            yield PERHAPS_EVERYONE
        elif rule.peers is None:
            yield EVERYONE
        else:
            if any(isinstance(peer, Unknown) for peer in rule.peers):
                yield PERHAPS_EVERYONE
            yield from (self._number(key) for key in _keys(policy, rule.peers))

    def _number(self, key: _Pods | _Blocks) -> int:
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.members)
            self.members.append(self._resolve(key))
        return number

    def _resolve(self, key: _Pods | _Blocks) -> Members:
        if isinstance(key, _Blocks):
            return self._addresses(block_ranges(key.blocks))
        if key.namespace is not None:
            return self._pods.within(key.namespace, key.peer.pods)
        return self._pods.across(key.peer.namespaces or Selector(), key.peer.pods)

    def _addresses(self, ranges: Ranges) -> Members:
        """Return the address parts in some ranges, and the pods and nodes that an engine adds."""
        engine, cluster = self._cluster.engine, self._cluster
        pod = blocks_match(engine.pods_by_block, ranges, cluster.pods_at)
        node = blocks_match(engine.nodes_by_block, ranges, cluster.nodes_at)
        either = pod if pod is node else Match.MAYBE
        match = np.array([pod, either, node])[self._host]
        outside = self.atoms.of(ranges) + self.universe.pods
        must = np.concatenate([np.flatnonzero(match == Match.YES), outside])
        may = np.concatenate([np.flatnonzero(match != Match.NO), outside])
        return Members(must, may)


def _keys(policy: Policy, peers: tuple[Peer, ...]) -> Iterator[_Pods | _Blocks]:
    """Yield a key for each pod peer, and one for all ip blocks of the rule together."""
    for peer in peers:
        if isinstance(peer, PodPeer):
            yield _Pods(policy.namespace if peer.namespaces is None else None, peer)
    blocks = tuple(peer for peer in peers if isinstance(peer, IpPeer))
    if blocks:
        yield _Blocks(blocks)


def _all_blocks(cluster: Cluster) -> set[IpPeer]:
    return {
        peer
        for policy in cluster.snapshot.policies
        for direction in Direction
        for rule in rules_of(policy, direction) or ()
        if isinstance(rule, Rule) and isinstance(rule.peers, tuple)
        for peer in rule.peers
        if isinstance(peer, IpPeer)
    }
