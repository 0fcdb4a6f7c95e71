"""Which pods and addresses belong to each peer: for certain, or perhaps.

All selectors are answered at once over arrays of pod classes, each beginning with whatever is
fewer: the classes of a namespace or the label maps that its selector lists. Pods on the host
network are nodes to every policy: no selector matches them.
https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-and-hostnetwork-pods
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from podwall.engines import Engine
from podwall.model import Unknown
from podwall.reachability.addresses import UNKNOWN_LOCATION, at_most, block_ranges, blocks_match
from podwall.reachability.arrays import Atoms, Csr, IntArray, Sets, spans, unpacked
from podwall.reachability.cluster import EnforcedCluster
from podwall.reachability.matching import Match, NamespaceLabels
from podwall.reachability.pod_classes import LabelIndex, PodClasses, SelectedMaps
from podwall.reachability.policy_rules import EVERYONE, PERHAPS_EVERYONE, PeerSets, only_excludes
from podwall.reachability.values import Bound

__all__ = ["Pairs", "PeerMembers", "PodLookup", "Selections", "Universe", "peer_members"]


BoolArray = npt.NDArray[np.bool_]


class Selections:
    """The answers of many selectors over the same `count` label maps.

    After the selectors' answers come their opposites, in the same order.
    """

    def __init__(self, selected: Sequence[SelectedMaps], count: int) -> None:
        """Lay the answers side by side."""
        once = Csr.of_lists([each.these for each in selected])
        self.these = once.followed_by(once)
        negated = np.array([each.negated for each in selected], dtype=np.bool_)
        self.negated: BoolArray = np.concatenate([negated, ~negated])
        self._count = count
        self._codes = self.these.owners() * count + self.these.items

    def __len__(self) -> int:
        """Return the number of answers, opposites among them."""
        return len(self.these)

    def include(self, selectors: IntArray, maps: IntArray) -> BoolArray:
        """Say of each pair of a selector and a label map whether the one selects the other."""
        if not len(self._codes):
            return self.negated[selectors]
        codes = selectors * self._count + maps
        place = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        listed: BoolArray = np.equal(self._codes[place], codes)
        included: BoolArray = np.not_equal(listed, self.negated[selectors])
        return included

    def all_of(self, selector: int) -> IntArray:
        """Return the label maps that a selector selects, in ascending order."""
        these = self.these[selector]
        if not self.negated[selector]:
            return these
        rest = np.ones(self._count, dtype=np.bool_)
        rest[these] = False
        return np.flatnonzero(rest)


_MANY: Final = 64
"""A term of more namespaces is looked up by itself, beginning with the rarer side."""


class Pairs(NamedTuple):
    """Terms, each with a class of pods that belongs to it, in two parallel arrays."""

    term: IntArray
    member: IntArray


class PodLookup:
    """Looks up terms in the classes of a cluster's pods."""

    def __init__(self, classes: PodClasses, labels: NamespaceLabels) -> None:
        """Index the labels of pods and of namespaces."""
        self.classes = classes
        self._pods = LabelIndex(classes.labels)
        self._spaces = LabelIndex(labels.of(each) for each in classes.namespaces)
        everyone = np.arange(len(classes))
        spaces = np.arange(len(classes.namespaces) + 1)
        self._in_namespace = Csr(np.searchsorted(classes.namespace, spaces), everyone)
        self._with_label = Csr.of_pairs(classes.label, everyone, len(classes.labels))

    def certain(self, terms: PeerSets) -> bool:
        """Say whether both bounds give the same pairs."""
        return not (
            self._pods.vague
            or self._spaces.vague
            or (self.classes.host == Match.MAYBE).any()
            or terms.vague
        )

    def pairs(self, terms: PeerSets, bound: Bound, opposed: Container[int] = ()) -> Pairs:
        """Return the members of every term: for certain, or at most.

        Of the `opposed` terms, which have a selector that only excludes, return what it excludes.
        """
        names = len(self.classes.labels), len(self.classes.namespaces)
        selectors = terms.pod_selectors.values, terms.namespace_selectors.values
        pods = Selections([self._pods.select(each, bound) for each in selectors[0]], names[0])
        spaces = Selections([self._spaces.select(each, bound) for each in selectors[1]], names[1])
        rows, wide = _across(terms, opposed, spaces)
        few = np.concatenate([self._within(terms, bound, opposed), rows])
        found = [*self._in_few(few, pods), *(self._in_many(*each, pods) for each in wide)]
        term = np.concatenate([pairs.term for pairs in found])
        member = np.concatenate([pairs.member for pairs in found])
        least = Match.NO if bound is Bound.MUST else Match.MAYBE
        selectable = self.classes.host[member] <= least
        return Pairs(term[selectable], member[selectable])

    def _in_few(self, rows: IntArray, pods: Selections) -> Iterator[Pairs]:
        """Yield the pods of terms given as rows of namespace, selector and term.

        Each row begins with whatever is fewer: the classes of the namespace, or the label maps
        that the selector lists.
        """
        namespace, selector, term = rows.T
        listed, present = pods.these.lengths[selector], self._in_namespace.lengths[namespace]
        by_label = ~pods.negated[selector] & (listed < present)
        yield self._by_label(rows[by_label], pods)
        here = ~by_label
        owner, place = self._in_namespace.gather(namespace[here])
        member = self._in_namespace.items[place]
        inside = pods.include(selector[here][owner], self.classes.label[member])
        yield Pairs(term[here][owner][inside], member[inside])

    def _by_label(self, rows: IntArray, pods: Selections) -> Pairs:
        namespace, selector, term = rows.T
        count = len(self.classes.labels)
        owner, place = pods.these.gather(selector)
        wanted = namespace[owner] * count + pods.these.items[place]
        codes = self.classes.namespace * count + self.classes.label
        found, member = spans(*(np.searchsorted(codes, wanted + step) for step in (0, 1)))
        return Pairs(term[owner][found], member)

    def _in_many(self, spaces: IntArray, selector: int, term: int, pods: Selections) -> Pairs:
        """Return the pods of one term in many namespaces."""
        classes = self.classes
        labels = None if pods.negated[selector] else pods.these[selector]
        if labels is not None and self._with_label.lengths[labels].sum() < len(classes) // 4:
            member = self._with_label.items[self._with_label.gather(labels)[1]]
        else:
            member = np.arange(len(classes))
            member = member[pods.include(np.full_like(member, selector), classes.label)]
        there = np.zeros(len(classes.namespaces), dtype=np.bool_)
        there[spaces] = True
        member = member[there[classes.namespace[member]]]
        return Pairs(np.full_like(member, term), member)

    def _within(self, terms: PeerSets, bound: Bound, opposed: Container[int]) -> IntArray:
        """Return the terms of one namespace as rows of namespace, selector and term."""
        opposite = len(terms.pod_selectors.values)
        rows = (
            (name, pods + opposite if term in opposed else pods, term)
            for (name, pods), term in terms.within.items()
        )
        return _spread(rows, self._places(terms, bound))

    def _places(self, terms: PeerSets, bound: Bound) -> list[IntArray]:
        """Return for each namespace of a term the namespaces of classes that it is, or may be."""
        names = self.classes.namespaces
        number = {name: each for each, name in enumerate(names)}
        vague = [each for name, each in number.items() if isinstance(name, Unknown)]
        also = [] if bound is Bound.MUST else vague
        everywhere = [] if bound is Bound.MUST else range(len(names))
        return [
            np.array(
                everywhere
                if isinstance(name, Unknown)
                else [*([number[name]] if name in number else ()), *also],
                dtype=np.int64,
            )
            for name in terms.namespaces.values
        ]


def _across(
    terms: PeerSets, opposed: Container[int], spaces: Selections
) -> tuple[IntArray, list[tuple[IntArray, int, int]]]:
    """Return the terms across few namespaces as rows, and those across many one by one."""
    pods = terms.pod_selectors.values
    places = [spaces.all_of(number) for number in range(len(spaces))]
    few, wide = [], []
    for (space, selector), term in terms.across.items():
        if term in opposed and only_excludes(pods[selector]):
            row = (space, selector + len(pods), term)
        else:
            row = (space + len(spaces) // 2 if term in opposed else space, selector, term)
        if len(places[row[0]]) <= _MANY:
            few.append(row)
        else:
            wide.append((places[row[0]], *row[1:]))
    return _spread(few, places), wide


def _spread(rows: Iterable[tuple[int, int, int]], places: list[IntArray]) -> IntArray:
    """Return rows of namespaces, selector and term with one row for each namespace."""
    table = np.array(list(rows), dtype=np.int64).reshape(-1, 3)
    spaces = Csr.of_lists(places)
    owner, place = spaces.gather(table[:, 0])
    return np.column_stack([spaces.items[place], table[owner, 1:]])


class Universe(NamedTuple):
    """Everything that can be an end of a connection: `pods` classes, then `parts` of addresses."""

    pods: int
    parts: int

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.pods + self.parts


class PeerMembers(NamedTuple):
    """For each term the elements that belong to it for certain, and those that only may."""

    must: Sets
    perhaps: Csr

    def of(self, term: int) -> tuple[IntArray, IntArray]:
        """Return the members of one term."""
        return self.must.gather(np.array([term]))[1], self.perhaps[term]


def peer_members(
    cluster: EnforcedCluster, terms: PeerSets, lookup: PodLookup, addresses: Atoms
) -> PeerMembers:
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
    return PeerMembers(Sets(next(lists), whole), next(lists))


def _of_blocks(
    cluster: EnforcedCluster, terms: PeerSets, classes: PodClasses, addresses: Atoms
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
        by_place[UNKNOWN_LOCATION] = [pod, pod if pod is node else Match.MAYBE, node]
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
