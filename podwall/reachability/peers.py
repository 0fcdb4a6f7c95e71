"""Which pods and addresses belong to each peer set: for certain, or perhaps.

How it works: the *universe* is everything that can be an end of a connection. Its *elements* are
the classes of pods, then the address parts, by number. All peer sets are resolved at once over
arrays, each beginning with whatever is fewer: the classes of a namespace, or the label maps that
its selector lists.

    label maps    0: app=web   1: app=api   2: no label
    classes       0: (shop, 0)   1: (shop, 1)   2: (bank, 0)
    app=web in shop     maps [0] are fewer than the classes of shop: find (shop, 0)    -> [0]
    app!=web in shop    only excludes: the whole of shop [0, 1] without [0]            -> [1]

It is exact: a class consists of pods that no selector tells apart, so that a peer set contains all
of a class or nothing. Pods on the host network are nodes to every policy: no selector matches them.
https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-and-hostnetwork-pods
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from podwall.engines import BlockMatch, Fact
from podwall.model import Unknown
from podwall.reachability.arrays import (
    Atoms,
    BoolArray,
    Csr,
    IntArray,
    Sets,
    is_in,
    spans,
    unpacked,
    without,
)
from podwall.reachability.cluster import EnforcedCluster
from podwall.reachability.few_arrays import np
from podwall.reachability.matching import (
    FIRST_V6,
    Match,
    NamespaceLabels,
    at_most,
    block_ranges,
    blocks_match,
    is_local_dns,
)
from podwall.reachability.pod_classes import UNKNOWN_LOCATION, LabelIndex, PodClasses, SelectedMaps
from podwall.reachability.policy_rules import (
    EVERYONE,
    PERHAPS_EVERYONE,
    Blocks,
    PeerSets,
    only_excludes,
)
from podwall.reachability.values import Bound

__all__ = [
    "BlockEnds",
    "PeerSetElements",
    "PeerSetMembers",
    "PeerSetPairs",
    "PodLookup",
    "Selections",
    "Universe",
    "block_elements",
    "peer_set_elements",
]


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
        """Return for each pair of a selector and a label map whether the one selects the other."""
        if not len(self._codes):
            return self.negated[selectors]
        codes = selectors * self._count + maps
        position = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        listed: BoolArray = np.equal(self._codes[position], codes)
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
"""A peer set of more namespaces is looked up by itself, beginning with the rarer side."""


class PeerSetPairs(NamedTuple):
    """Peer sets, each with an element that belongs to it, in two parallel arrays."""

    peer_set: IntArray
    element: IntArray


class PodLookup:
    """Finds the classes of a cluster's pods that belong to peer sets."""

    def __init__(self, classes: PodClasses, labels: NamespaceLabels) -> None:
        """Index the labels of pods and of namespaces."""
        self.classes = classes
        self._pods = LabelIndex(classes.labels)
        self._spaces = LabelIndex(labels.of(each) for each in classes.namespaces)
        everyone = np.arange(len(classes))
        spaces = np.arange(len(classes.namespaces) + 1)
        self._in_namespace = Csr(np.searchsorted(classes.namespace, spaces), everyone)
        self._with_label = Csr.of_pairs(classes.label, everyone, len(classes.labels))

    def certain(self, peer_sets: PeerSets) -> bool:
        """Return whether both bounds give the same pairs."""
        labels = self._pods.is_known and self._spaces.is_known
        hosts = bool((self.classes.host != Match.MAYBE).all())
        return labels and hosts and peer_sets.are_known

    def pairs(
        self, peer_sets: PeerSets, bound: Bound, opposed: Container[int] = ()
    ) -> PeerSetPairs:
        """Return the classes of pods of every peer set: for certain, or at most.

        Of the `opposed` ones, which have a selector that only excludes, return what it excludes.
        """
        names = len(self.classes.labels), len(self.classes.namespaces)
        selectors = peer_sets.pod_selectors.values, peer_sets.namespace_selectors.values
        pods = Selections([self._pods.select(each, bound) for each in selectors[0]], names[0])
        spaces = Selections([self._spaces.select(each, bound) for each in selectors[1]], names[1])
        rows, wide = _across(peer_sets, opposed, spaces)
        few = np.concatenate([self._within(peer_sets, bound, opposed), rows])
        found = [*self._in_few(few, pods), *(self._in_many(*each, pods) for each in wide)]
        peer_set = np.concatenate([pairs.peer_set for pairs in found])
        element = np.concatenate([pairs.element for pairs in found])
        least = Match.NO if bound is Bound.MUST else Match.MAYBE
        selectable = self.classes.host[element] <= least
        return PeerSetPairs(peer_set[selectable], element[selectable])

    def _in_few(self, rows: IntArray, pods: Selections) -> Iterator[PeerSetPairs]:
        """Yield the pods of peer sets given as rows of namespace, selector and peer set.

        Each row begins with whatever is fewer: the classes of the namespace, or the label maps
        that the selector lists.
        """
        namespace, selector, peer_set = rows.T
        listed, present = pods.these.lengths[selector], self._in_namespace.lengths[namespace]
        by_label = ~pods.negated[selector] & (listed < present)
        yield self._by_label(rows[by_label], pods)
        here = ~by_label
        owner, position = self._in_namespace.gather(namespace[here])
        element = self._in_namespace.items[position]
        inside = pods.include(selector[here][owner], self.classes.label[element])
        yield PeerSetPairs(peer_set[here][owner][inside], element[inside])

    def _by_label(self, rows: IntArray, pods: Selections) -> PeerSetPairs:
        namespace, selector, peer_set = rows.T
        count = len(self.classes.labels)
        owner, position = pods.these.gather(selector)
        wanted = namespace[owner] * count + pods.these.items[position]
        codes = self.classes.namespace * count + self.classes.label
        found, element = spans(*(np.searchsorted(codes, wanted + step) for step in (0, 1)))
        return PeerSetPairs(peer_set[owner][found], element)

    def _in_many(
        self, spaces: IntArray, selector: int, peer_set: int, pods: Selections
    ) -> PeerSetPairs:
        """Return the pods of one peer set in many namespaces."""
        classes = self.classes
        labels = None if pods.negated[selector] else pods.these[selector]
        if labels is not None and self._with_label.lengths[labels].sum() < len(classes) // 4:
            element = self._with_label.items[self._with_label.gather(labels)[1]]
        else:
            element = np.arange(len(classes))
            element = element[pods.include(np.full_like(element, selector), classes.label)]
        there = np.zeros(len(classes.namespaces), dtype=np.bool_)
        there[spaces] = True
        element = element[there[classes.namespace[element]]]
        return PeerSetPairs(np.full_like(element, peer_set), element)

    def _within(self, peer_sets: PeerSets, bound: Bound, opposed: Container[int]) -> IntArray:
        """Return the peer sets of one namespace as rows of namespace, selector and peer set."""
        opposite = len(peer_sets.pod_selectors.values)
        rows = (
            (name, pods + opposite if peer_set in opposed else pods, peer_set)
            for (name, pods), peer_set in peer_sets.within.items()
        )
        return _spread(rows, self._namespaces_of(peer_sets, bound))

    def _namespaces_of(self, peer_sets: PeerSets, bound: Bound) -> list[IntArray]:
        """Return for each namespace of peer sets those of the classes that it is, or may be."""
        names = self.classes.namespaces
        number = {name: each for each, name in enumerate(names)}
        unknown = [each for name, each in number.items() if isinstance(name, Unknown)]
        also = [] if bound is Bound.MUST else unknown
        everywhere = [] if bound is Bound.MUST else range(len(names))
        return [
            np.array(
                everywhere
                if isinstance(name, Unknown)
                else [*([number[name]] if name in number else ()), *also],
                dtype=np.int64,
            )
            for name in peer_sets.namespaces.values
        ]


def _across(
    peer_sets: PeerSets, opposed: Container[int], spaces: Selections
) -> tuple[IntArray, list[tuple[IntArray, int, int]]]:
    """Return the peer sets across few namespaces as rows, and those across many one by one."""
    pods = peer_sets.pod_selectors.values
    namespaces = [spaces.all_of(number) for number in range(len(spaces))]
    few, wide = [], []
    for (space, selector), peer_set in peer_sets.across.items():
        if peer_set in opposed and only_excludes(pods[selector]):
            row = (space, selector + len(pods), peer_set)
        else:
            row = (space + len(spaces) // 2 if peer_set in opposed else space, selector, peer_set)
        if len(namespaces[row[0]]) <= _MANY:
            few.append(row)
        else:
            wide.append((namespaces[row[0]], *row[1:]))
    return _spread(few, namespaces), wide


def _spread(rows: Iterable[tuple[int, int, int]], namespaces: list[IntArray]) -> IntArray:
    """Return rows of namespaces, selector and peer set with one row for each namespace."""
    table = np.array(list(rows), dtype=np.int64).reshape(-1, 3)
    spaces = Csr.of_lists(namespaces)
    owner, position = spaces.gather(table[:, 0])
    return np.column_stack([spaces.items[position], table[owner, 1:]])


class Universe(NamedTuple):
    """Everything that can be an end of a connection: `pods` classes, then `parts` of addresses.

    After them come `nodes`, which stand for clients that a service hides and are no endpoints.
    """

    pods: int
    parts: int
    nodes: int = 0

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.pods + self.parts + self.nodes


class PeerSetElements(NamedTuple):
    """For each peer set the elements that belong to it for certain, and those that only may."""

    must: Sets
    perhaps: Csr

    def of(self, peer_set: int) -> tuple[IntArray, IntArray]:
        """Return the elements of one peer set: those for certain, and those that only may be."""
        return self.must.gather(np.array([peer_set]))[1], self.perhaps[peer_set]


def peer_set_elements(
    cluster: EnforcedCluster, peer_sets: PeerSets, lookup: PodLookup, addresses: Atoms
) -> PeerSetElements:
    """Return the elements of all peer sets, each list in ascending order."""
    classes = lookup.classes
    size = len(classes) + len(addresses) + len(cluster.hiding_nodes)
    certain = [_pairs(EVERYONE, np.arange(size))]
    perhaps = [_pairs(PERHAPS_EVERYONE, np.arange(size))]
    others = cluster, peer_sets, classes, addresses
    for peer_set, match, elements in chain(_of_blocks(*others), _of_entities(*others)):
        (certain if match is Match.YES else perhaps).append(_pairs(peer_set, elements))
    wholes = peer_sets.wholes() if lookup.certain(peer_sets) else {}
    must = lookup.pairs(peer_sets, Bound.MUST, wholes)
    if not lookup.certain(peer_sets):
        may, known = (_codes(each, size) for each in (lookup.pairs(peer_sets, Bound.MAY), must))
        perhaps.append(PeerSetPairs(*unpacked(without(may, known), size, len(peer_sets))))
    whole = np.full(len(peer_sets), -1)
    whole[list(wholes)] = list(wholes.values())
    lists = (_lists(each, len(peer_sets), size) for each in ([must, *certain], perhaps))
    return PeerSetElements(Sets(next(lists), whole), next(lists))


def _of_entities(
    cluster: EnforcedCluster, peer_sets: PeerSets, classes: PodClasses, addresses: Atoms
) -> Iterator[tuple[int, Match, IntArray]]:
    """Yield for each peer set of ends by what they are those that it means."""
    if not peer_sets.entities:
        return
    ends = BlockEnds.of(cluster, classes, addresses)
    sorts = _sorts(ends)
    for entity, peer_set in peer_sets.entities.items():
        answers = [_answer(each) for each in (entity.pods, entity.nodes, entity.ipv4, entity.ipv6)]
        either = answers[0] if entity.pods == entity.nodes else Match.MAYBE
        match = np.array([*answers, either])[sorts]
        for certainty in (Match.YES, Match.MAYBE):
            yield peer_set, certainty, np.flatnonzero(match == certainty)


def _sorts(ends: BlockEnds) -> IntArray:
    """Return the sort of each element: a pod, a node, an address of a family, or pod or node."""
    pod, node, ipv4, ipv6, pod_or_node = range(5)
    cluster, classes, addresses, nodes, _ = ends
    of_pods = np.array([pod, pod_or_node, node])[classes.host]
    of_parts = np.array(
        [ipv6 if each[0][0] >= FIRST_V6 else ipv4 for each in addresses.ranges()], dtype=np.int64
    )
    of_parts[nodes] = node
    return np.concatenate([of_pods, of_parts, np.full(len(cluster.hiding_nodes), node)])


def _answer(meant: bool | Unknown) -> Match:  # noqa: FBT001 - a part of a peer, no switch
    if isinstance(meant, Unknown):
        return Match.MAYBE
    return Match.YES if meant else Match.NO


def _of_blocks(
    cluster: EnforcedCluster, peer_sets: PeerSets, classes: PodClasses, addresses: Atoms
) -> Iterator[tuple[int, Match, IntArray]]:
    """Yield for each peer set of ip blocks its parts, and the pods and nodes an engine adds."""
    engine = cluster.engine
    facts = (engine.pods_by_block, engine.nodes_by_block)
    ends = BlockEnds.of(cluster, classes, addresses)
    for blocks, peer_set in peer_sets.blocks.items():
        for match, elements in block_elements(blocks, facts, ends):
            yield peer_set, match, elements
        for number, where in enumerate(cluster.hiding_nodes, len(classes) + len(addresses)):
            node = blocks_match(engine.nodes_by_block, block_ranges(blocks), where)
            yield peer_set, node, np.flatnonzero([node is not Match.NO]) + number


BlockFacts = tuple[Fact[BlockMatch], Fact[BlockMatch]]
"""Whether ip blocks match pods, and whether they match nodes."""


class BlockEnds(NamedTuple):
    """What ip blocks can mean: classes of pods, and address parts, of which some are `nodes`.

    `local_dns` are those of the nodes that are the addresses of AKS LocalDNS.
    """

    cluster: EnforcedCluster
    classes: PodClasses
    addresses: Atoms
    nodes: IntArray
    local_dns: IntArray

    @classmethod
    def of(cls, cluster: EnforcedCluster, classes: PodClasses, addresses: Atoms) -> BlockEnds:
        """Return them, with the parts that are addresses of nodes."""
        ranges = addresses.ranges()
        nodes = [number for number, each in enumerate(ranges) if cluster.are_nodes(each)]
        local = [number for number in nodes if is_local_dns(ranges[number])]
        found = (np.array(each, dtype=np.int64) for each in (nodes, local))
        return cls(cluster, classes, addresses, *found)


def block_elements(
    blocks: Blocks, facts: BlockFacts, ends: BlockEnds
) -> Iterator[tuple[Match, IntArray]]:
    """Yield the parts of ip blocks, and the pods and nodes an engine adds."""
    ranges, (cluster, classes, addresses, nodes, local_dns) = block_ranges(blocks), ends
    parts = addresses.of(ranges)
    on_nodes = is_in(parts, nodes)
    yield Match.YES, parts[~on_nodes] + len(classes)
    local = is_in(parts, local_dns)
    on_others = parts[on_nodes & ~local]
    for there, meant in (
        (on_others, at_most(facts[1])),
        (parts[local], cluster.local_dns_by_block.match),
    ):
        if there.size and meant:
            yield meant, there + len(classes)
    by_location = _by_location(facts, classes.locations.within(parts))
    pod = blocks_match(facts[0], ranges, cluster.pods_at)
    node = blocks_match(facts[1], ranges, cluster.nodes_at)
    by_location[UNKNOWN_LOCATION] = [pod, pod if pod is node else Match.MAYBE, node]
    match = by_location[classes.location, classes.host]
    for certainty in (Match.YES, Match.MAYBE):
        yield certainty, np.flatnonzero(match == certainty)


def _by_location(facts: BlockFacts, within: IntArray) -> IntArray:
    """Return for each location whether blocks mean pods there, perhaps nodes, and nodes."""
    pod, node = (np.minimum(within, at_most(each)) for each in facts)
    return np.stack([pod, np.where(pod == node, pod, Match.MAYBE), node], axis=1)


def _pairs(peer_set: int, elements: IntArray) -> PeerSetPairs:
    return PeerSetPairs(np.full_like(elements, peer_set), elements)


def _codes(pairs: PeerSetPairs, size: int) -> IntArray:
    return pairs.peer_set * size + pairs.element


def _lists(pairs: Sequence[PeerSetPairs], count: int, size: int) -> Csr:
    """Return the pairs as a list for each peer set, in ascending order."""
    codes = np.sort(np.concatenate([_codes(each, size) for each in pairs]))
    peer_set, element = unpacked(codes, size, count)
    return Csr(np.searchsorted(peer_set, np.arange(count + 1)), element)


_MOST_MEMBERS: Final = 500_000
"""So many members of peer sets are kept for quick answers, in all."""


class PeerSetMembers:
    """Whether elements are in peer sets, asked for again and again."""

    def __init__(self, elements: PeerSetElements) -> None:
        """Take the elements of all sets; those of a set are read when it is first asked for."""
        self._elements = elements
        self._known: dict[int, tuple[frozenset[int], frozenset[int]]] = {}
        self._kept = 0

    def match(self, peer_sets: Iterable[int], element: int) -> Match:
        """Return whether an element is in one of the sets: for certain, perhaps, or not."""
        return max((self._in(each, element) for each in peer_sets), default=Match.NO)

    def _in(self, peer_set: int, element: int) -> Match:
        if peer_set == EVERYONE:
            return Match.YES
        if peer_set == PERHAPS_EVERYONE:
            return Match.MAYBE
        must, perhaps = self._known.get(peer_set) or self._found(peer_set)
        if element in must:
            return Match.YES
        return Match.MAYBE if element in perhaps else Match.NO

    def _found(self, peer_set: int) -> tuple[frozenset[int], frozenset[int]]:
        must, perhaps = (frozenset(each.tolist()) for each in self._elements.of(peer_set))
        self._kept += len(must) + len(perhaps)
        if self._kept > _MOST_MEMBERS:
            self._known.clear()
            self._kept = len(must) + len(perhaps)
        self._known[peer_set] = must, perhaps
        return self._known[peer_set]
