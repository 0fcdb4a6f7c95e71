"""Whom each set of peers means among the pods that a source does not show.

A set means unseen pods of the namespaces shown, which are bits of a whole number, and of others,
by the conditions on their labels. Left out are twins: unseen pods that carry the very labels by
which the set names pods that are shown. Whoever may do what `shop/api` does because of its label
`role=api` is nothing new, as long as some workload of that namespace carries it:

    role=api            nothing where a workload has role=api, else pods with role=api
    role in (api, job)  pods with role=job, where workloads have role=api only
    every pod           every other pod: no label is asked for, so that nobody is a twin
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import cached_property, reduce
from math import prod
from operator import or_
from typing import Final, NamedTuple

from podwall.model import LabelMap, Operator, Selector, Unknown
from podwall.reachability.arrays import BoolArray, Csr, IntArray, distinct, unique_rows
from podwall.reachability.cluster import EnforcedCluster, other_namespaces
from podwall.reachability.few_arrays import np
from podwall.reachability.label_conditions import (
    EVERY_LABEL_MAP,
    KeyCondition,
    LabelConditions,
    simplified,
)
from podwall.reachability.matching import Match, block_ranges, blocks_match
from podwall.reachability.peers import PeerSetElements
from podwall.reachability.pod_classes import LabelIndex, PodClasses, SelectedMaps
from podwall.reachability.policy_rules import EVERYONE, PERHAPS_EVERYONE, PeerSets
from podwall.reachability.values import Bound

__all__ = ["Counted", "ShownNamespaces", "UnseenPeer", "UnseenPeers"]


class Counted(Enum):
    """Which unseen pods count: every one, or only those that are not twins of pods shown."""

    EVERY_POD = "every pod"
    NO_TWINS = "no twins"


class UnseenPeer(NamedTuple):
    """Unseen pods with some labels: of `shown` namespaces, as bits, and of `others` by label.

    `others` is None for no other namespace. Unless `certain`, they are only perhaps meant.
    """

    pods: LabelConditions
    shown: int
    others: LabelConditions | None
    certain: bool = True


_FEW: Final = 32
"""So many bits are set one by one."""


class ShownNamespaces:
    """The namespaces that a source shows, numbered; a set of them is a number with a bit for each.

    A namespace is shown if it is declared, or if anything is in it.
    """

    def __init__(self, cluster: EnforcedCluster) -> None:
        """Number the names."""
        self.names = cluster.shown_namespaces
        self.number = {name: number for number, name in enumerate(self.names)}
        self.every = (1 << len(self.names)) - 1
        self._labels = cluster.namespaces
        self._selected: dict[tuple[Selector, Bound], int] = {}
        self._written: dict[int, tuple[str, ...]] = {}

    def bit(self, name: str) -> int:
        """Return the set of one namespace."""
        return 1 << self.number[name]

    def of(self, bits: int) -> tuple[str, ...]:
        """Return the names in a set."""
        if bits not in self._written:
            numbers = (number for number, bit in enumerate(reversed(bin(bits))) if bit == "1")
            self._written[bits] = tuple(self.names[number] for number in numbers)
        return self._written[bits]

    def selected(self, selector: Selector, bound: Bound) -> int:
        """Return the namespaces that a selector matches, for certain or at most."""
        certain = selector.is_known and self._index.is_known
        key = (selector, Bound.MUST if certain else bound)
        if key not in self._selected:
            self._selected[key] = self._bits(self._index.select(*key))
        return self._selected[key]

    def numbers(self, bits: int) -> IntArray:
        """Return the numbers of the namespaces in a set."""
        size = (len(self.names) + 7) // 8
        flags = np.frombuffer(bits.to_bytes(size, "little"), dtype=np.uint8)
        return np.flatnonzero(np.unpackbits(flags, bitorder="little"))

    def bits(self, numbers: IntArray) -> int:
        """Return the set of namespaces with some numbers."""
        if len(numbers) < _FEW:
            return union(1 << number for number in numbers.tolist())
        flags = np.zeros(len(self.names), dtype=np.uint8)
        flags[numbers] = 1
        return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")

    @cached_property
    def _index(self) -> LabelIndex:
        return LabelIndex(self._labels.of(name) for name in self.names)

    def _bits(self, selected: SelectedMaps) -> int:
        bits = self.bits(selected.these)
        return self.every & ~bits if selected.negated else bits


_Spaces = tuple[int, int, tuple[LabelConditions | None, LabelConditions | None]]
"""The namespaces shown that a selector means, and may mean, and what it asks of others."""


class UnseenPeers:
    """The unseen pods of every set of peers in a cluster."""

    def __init__(
        self,
        cluster: EnforcedCluster,
        peer_sets: PeerSets,
        elements: PeerSetElements,
        classes: PodClasses,
        counted: Counted,
    ) -> None:
        """Number what the sets are made of."""
        self.shown = ShownNamespaces(cluster)
        self._cluster = cluster
        self._peer_sets = peer_sets
        self._elements = elements
        self._classes = classes
        self.counted = counted
        self._known: dict[int, tuple[UnseenPeer, ...]] = {}
        self._meanings: dict[int, _Meaning] = {}
        self._spaces: dict[int, _Spaces] = {}
        self._across = {number: key for key, number in peer_sets.across.items()}
        self._blocks = {number: blocks for blocks, number in peer_sets.blocks.items()}
        self._entities = {number: entity for entity, number in peer_sets.entities.items()}
        numbers = [self.shown.number.get(str(each), -1) for each in classes.namespaces]
        self._number_shown = np.array(numbers, dtype=np.int64)

    @cached_property
    def within(self) -> IntArray:
        """For each set the numbers of the namespace and of the selector that it is, or -1."""
        found = np.full((len(self._peer_sets), 2), -1)
        if self._peer_sets.within:
            pairs = np.array(list(self._peer_sets.within), dtype=np.int64)
            found[np.fromiter(self._peer_sets.within.values(), dtype=np.int64)] = pairs
        return found

    @cached_property
    def surely_none(self) -> BoolArray:
        """For each set whether it can be told at a glance that it means no unseen pods."""
        if self.counted is Counted.EVERY_POD:
            return np.zeros(len(self._peer_sets), dtype=np.bool_)
        spaces = [isinstance(each, str) for each in self._peer_sets.namespaces.values]
        known, by_value = (
            np.array([*each, False], dtype=np.bool_) for each in (spaces, self._by_one_value)
        )
        namespace, selector = self.within.T
        found: BoolArray = known[namespace] & by_value[selector] & (self._elements.must.sizes > 0)
        return found

    @cached_property
    def _by_one_value(self) -> list[bool]:
        """For each selector of pods whether it asks for one value of a label."""
        return [_asks_for_one_value(each) for each in self._peer_sets.pod_selectors.values]

    def of(self, peer_set: int) -> tuple[UnseenPeer, ...]:
        """Return the unseen pods of a set, those that are certainly meant first."""
        if self.surely_none[peer_set]:
            return ()
        if peer_set not in self._known:
            self._known[peer_set] = tuple(self._new(peer_set, self.meant(peer_set)))
        return self._known[peer_set]

    def meant(self, peer_set: int) -> Iterator[UnseenPeer]:
        """Yield the unseen pods that a set means, twins included."""
        every = self.shown.every
        if peer_set == EVERYONE:
            yield UnseenPeer(EVERY_LABEL_MAP, every, EVERY_LABEL_MAP)
        elif peer_set == PERHAPS_EVERYONE:
            yield UnseenPeer(EVERY_LABEL_MAP, every, EVERY_LABEL_MAP, certain=False)
        elif self.within[peer_set, 0] >= 0:
            yield from self._within_one(*self.within[peer_set].tolist())
        elif peer_set in self._across:
            yield from self._in_several(*self._across[peer_set])
        elif peer_set in self._entities:
            if meant := self._entities[peer_set].pods:
                yield UnseenPeer(EVERY_LABEL_MAP, every, EVERY_LABEL_MAP, meant is True)
        else:
            match = blocks_match(
                self._cluster.engine.pods_by_block,
                block_ranges(self._blocks[peer_set]),
                self._cluster.pods_at,
            )
            if match is not Match.NO:
                yield UnseenPeer(EVERY_LABEL_MAP, every, EVERY_LABEL_MAP, match is Match.YES)

    def _within_one(self, namespace: int, pods: int) -> Iterator[UnseenPeer]:
        name = self._peer_sets.namespaces.values[namespace]
        meaning = self._meaning(pods)
        if isinstance(name, Unknown):
            may = meaning.may or meaning.must
            if may is not None:
                yield UnseenPeer(may, self.shown.every, EVERY_LABEL_MAP, certain=False)
            return
        bit = self.shown.bit(name)
        if meaning.must is not None:
            yield UnseenPeer(meaning.must, bit, None)
        if meaning.may is not None:
            yield UnseenPeer(meaning.may, bit, None, certain=False)

    def _in_several(self, namespaces: int, pods: int) -> Iterator[UnseenPeer]:
        if namespaces not in self._spaces:
            self._spaces[namespaces] = self._namespaces(namespaces)
        must, may, others = self._spaces[namespaces]
        meaning = self._meaning(pods)
        if meaning.must is not None:
            yield UnseenPeer(meaning.must, must, others[0])
            rest = None if others[0] == others[1] else others[1]
            if must != may or rest is not None:
                yield UnseenPeer(meaning.must, may & ~must, rest, certain=False)
        if meaning.may is not None:
            yield UnseenPeer(meaning.may, may, others[1], certain=False)

    def _namespaces(self, number: int) -> _Spaces:
        """Return the namespaces that a selector means, certainly and at most."""
        selector = self._peer_sets.namespace_selectors.values[number]
        return (
            self.shown.selected(selector, Bound.MUST),
            self.shown.selected(selector, Bound.MAY),
            (
                other_namespaces(selector, Bound.MUST, self.shown.names),
                other_namespaces(selector, Bound.MAY, self.shown.names),
            ),
        )

    def _meaning(self, pods: int) -> _Meaning:
        """Return what the selector with a number means."""
        found = self._meanings.get(pods)
        if found is None:
            selector = self._peer_sets.pod_selectors.values[pods]
            found = self._meanings[pods] = _Meaning.of(selector)
        return found

    def _new(self, peer_set: int, meant: Iterable[UnseenPeer]) -> Iterator[UnseenPeer]:
        """Yield what of some unseen pods are no twins of pods of the set."""
        for peer in meant:
            pinned = sorted(peer.pods.pinned())
            if self.counted is Counted.EVERY_POD or not (pinned and peer.shown):
                if peer.shown or peer.others is not None:
                    yield peer
                continue
            if peer.others is not None:
                yield UnseenPeer(peer.pods, 0, peer.others, peer.certain)
            for conditions, bits in self._left_over(peer_set, peer, pinned).items():
                yield UnseenPeer(conditions, bits, None, peer.certain)

    def _left_over(
        self, peer_set: int, peer: UnseenPeer, pinned: list[str]
    ) -> dict[LabelConditions, int]:
        """Return what is left of unseen pods of shown namespaces once twins are left out."""
        if peer_set in self._across and self._by_one_value[self._across[peer_set][1]]:
            rest = self._unpeopled(peer_set, peer.shown)
            return {peer.pods: rest} if rest else {}
        combinations = prod(len(peer.pods.of_key(key).values) for key in pinned)
        found: defaultdict[LabelConditions, int] = defaultdict(int)
        for bits, present in _by_presence(peer.shown, self._twins(peer_set, pinned)):
            if len(present) < combinations:
                for conditions in _without_values(peer.pods, pinned, present):
                    found[conditions] |= bits
        return found

    def _unpeopled(self, peer_set: int, shown: int) -> int:
        """Return those of some namespaces in which a set certainly has no pod."""
        namespace = self._namespaces_of[peer_set]
        namespace = namespace[namespace >= 0]
        must, _, _ = self._spaces[self._across[peer_set][0]]
        # Its certain pods are in namespaces that it certainly means, and here in each of them.
        if shown == must and len(namespace) == shown.bit_count():
            return 0
        return shown & ~self.shown.bits(namespace)

    @cached_property
    def _namespaces_of(self) -> Csr:
        """The shown namespaces of the certain pods of sets across namespaces, as far as asked.

        Only sets by one value of a label are looked at; others may have very many pods.
        """
        by_one_value = self._by_one_value
        asked = [each for each, (_, pods) in self._across.items() if by_one_value[pods]]
        numbers = np.array(asked, dtype=np.int64)
        owner, class_ = self._elements.must.gather(numbers)
        number = self._number_shown[self._classes.namespace[class_]]
        rows, _ = unique_rows(np.stack([numbers[owner], number + 1], axis=1))
        return Csr.of_pairs(rows[:, 0], rows[:, 1] - 1, len(self._peer_sets))

    def _twins(self, peer_set: int, pinned: list[str]) -> dict[tuple[str, ...], int]:
        """Return the values of some labels that the pods of a set have, with their namespaces."""
        here, _ = self._elements.of(peer_set)
        classes = self._classes
        label, number = classes.label[here], self._number_shown[classes.namespace[here]]
        found: defaultdict[tuple[str, ...], int] = defaultdict(int)
        for each in distinct(label).tolist():
            there = number[label == each]
            found[_values(classes.labels[each], pinned)] |= self.shown.bits(there[there >= 0])
        return found


class _Meaning(NamedTuple):
    """What a selector means for certain, and what at most where that is more."""

    must: LabelConditions | None
    may: LabelConditions | None

    @classmethod
    def of(cls, selector: Selector) -> _Meaning:
        must = LabelConditions.of(selector, Bound.MUST)
        if selector.is_known:
            return cls(must, None)
        may = LabelConditions.of(selector, Bound.MAY)
        return cls(must, None if may == must else may)


def _asks_for_one_value(selector: Selector) -> bool:
    """Return whether a selector asks for a label, and names one value wherever it does so."""
    if selector.unknown is not None:
        return False
    listed = [each for each in selector.requirements if each.operator is Operator.IN]
    if len(selector.requirements) == len(listed) == 1:
        return len(listed[0].values) == 1 and listed[0].unknown is None
    known = all(each.unknown is None for each in selector.requirements)
    return known and bool(listed) and all(len(each.values) == 1 for each in listed)


def _values(labels: LabelMap, keys: list[str]) -> tuple[str, ...]:
    found = dict(labels.items)
    return tuple(str(found[key]) for key in keys)


def _without_values(
    pods: LabelConditions, pinned: list[str], present: tuple[tuple[str, ...], ...]
) -> list[LabelConditions]:
    """Return conditions without some combinations of the values of some labels."""
    rest = [pods]
    for values in present:
        pairs = zip(pinned, values, strict=True)
        cut = LabelConditions(tuple((key, KeyCondition(frozenset([each]))) for key, each in pairs))
        rest = [part for each in rest for part in each.without(cut)]
    return simplified(rest)


def union(sets: Iterable[int]) -> int:
    """Return the union of sets of namespaces."""
    return reduce(or_, sets, 0)


def _by_presence(
    shown: int, twins: dict[tuple[str, ...], int]
) -> Iterator[tuple[int, tuple[tuple[str, ...], ...]]]:
    """Yield sets of namespaces in which the same values are present, with these."""
    groups: dict[tuple[tuple[str, ...], ...], int] = {(): shown}
    for values, bits in twins.items():
        split: dict[tuple[tuple[str, ...], ...], int] = {}
        for present, there in groups.items():
            if there & bits:
                split[*present, values] = there & bits
            if there & ~bits:
                split[present] = there & ~bits
        groups = split
    for present, there in groups.items():
        if there:
            yield there, present
