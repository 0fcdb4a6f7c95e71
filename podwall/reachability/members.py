"""Who belongs to each term: classes of pods, and parts of the addresses outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from podwall.reachability.addresses import at_most, block_ranges, blocks_match
from podwall.reachability.bounds import Bound
from podwall.reachability.grouping import Csr, unpacked
from podwall.reachability.matching import Match
from podwall.reachability.places import ANYWHERE
from podwall.reachability.pod_lookup import Pairs
from podwall.reachability.sets import Sets
from podwall.reachability.terms import EVERYONE, PERHAPS_EVERYONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from podwall.engines import Engine
    from podwall.reachability.atoms import Atoms
    from podwall.reachability.cluster import Cluster
    from podwall.reachability.grouping import IntArray
    from podwall.reachability.pod_classes import PodClasses
    from podwall.reachability.pod_lookup import PodLookup
    from podwall.reachability.terms import Terms

__all__ = ["Members", "Universe", "members"]


class Universe(NamedTuple):
    """Everything that can be an end of a connection: `pods` classes, then `parts` of addresses."""

    pods: int
    parts: int

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.pods + self.parts


class Members(NamedTuple):
    """For each term the elements that belong to it for certain, and those that only may."""

    must: Sets
    perhaps: Csr

    def of(self, term: int) -> tuple[IntArray, IntArray]:
        """Return the members of one term."""
        return self.must.gather(np.array([term]))[1], self.perhaps[term]


def members(cluster: Cluster, terms: Terms, lookup: PodLookup, addresses: Atoms) -> Members:
    """Return the members of all terms, each list in ascending order."""
    classes = lookup.classes
    size = len(classes) + len(addresses)
    certain = [_pairs(EVERYONE, np.arange(size))]
    perhaps = [_pairs(PERHAPS_EVERYONE, np.arange(size))]
    for term, match, elements in _of_blocks(cluster, terms, classes, addresses):
        (certain if match is Match.YES else perhaps).append(_pairs(term, elements))
    wholes = terms.wholes() if lookup.certain(terms) else {}
    must = lookup.pairs(terms, Bound.MUST, wholes)
    if not lookup.certain(terms):
        may, known = (_codes(each, size) for each in (lookup.pairs(terms, Bound.MAY), must))
        perhaps.append(Pairs(*unpacked(np.setdiff1d(may, known), size, len(terms))))
    whole = np.full(len(terms), -1)
    whole[list(wholes)] = list(wholes.values())
    lists = (_lists(each, len(terms), size) for each in ([must, *certain], perhaps))
    return Members(Sets(next(lists), whole), next(lists))


def _of_blocks(
    cluster: Cluster, terms: Terms, classes: PodClasses, addresses: Atoms
) -> Iterator[tuple[int, Match, IntArray]]:
    """Yield for each term of ip blocks the parts, and the pods and nodes that an engine adds."""
    engine = cluster.engine
    for blocks, term in terms.blocks.items():
        ranges = block_ranges(blocks)
        parts = addresses.of(ranges)
        yield term, Match.YES, parts + len(classes)
        by_place = _by_place(engine, classes.places.within(parts))
        pod = blocks_match(engine.pods_by_block, ranges, cluster.pods_at)
        node = blocks_match(engine.nodes_by_block, ranges, cluster.nodes_at)
        by_place[ANYWHERE] = [pod, pod if pod is node else Match.MAYBE, node]
        match = by_place[classes.place, classes.host]
        for certainty in (Match.YES, Match.MAYBE):
            yield term, certainty, np.flatnonzero(match == certainty)


def _by_place(engine: Engine, within: IntArray) -> IntArray:
    """Return for each place whether blocks mean pods there, perhaps nodes, and nodes."""
    pod = np.minimum(within, at_most(engine.pods_by_block))
    node = np.minimum(within, at_most(engine.nodes_by_block))
    return np.stack([pod, np.where(pod == node, pod, Match.MAYBE), node], axis=1)


def _pairs(term: int, elements: IntArray) -> Pairs:
    return Pairs(np.full_like(elements, term), elements)


def _codes(pairs: Pairs, size: int) -> IntArray:
    return pairs.term * size + pairs.member


def _lists(pairs: Sequence[Pairs], count: int, size: int) -> Csr:
    """Return the pairs as a list for each term, in ascending order."""
    codes = np.sort(np.concatenate([_codes(each, size) for each in pairs]))
    term, member = unpacked(codes, size, count)
    return Csr(np.searchsorted(term, np.arange(count + 1)), member)
