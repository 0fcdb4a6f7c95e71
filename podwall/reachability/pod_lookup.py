"""Finds the pods of all terms at once: those of a selector in a namespace, or in many.

Pods on the host network are nodes to every policy: no selector matches them.
https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-and-hostnetwork-pods
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from podwall.model import Unknown
from podwall.reachability.bounds import Bound
from podwall.reachability.grouping import Csr, IntArray, spans
from podwall.reachability.label_index import LabelIndex
from podwall.reachability.matching import Match
from podwall.reachability.selections import Selections
from podwall.reachability.terms import only_excludes

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from podwall.reachability.namespaces import NamespaceLabels
    from podwall.reachability.pod_classes import PodClasses
    from podwall.reachability.terms import Terms

__all__ = ["Pairs", "PodLookup"]

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

    def certain(self, terms: Terms) -> bool:
        """Say whether both bounds give the same pairs."""
        return not (
            self._pods.vague
            or self._spaces.vague
            or (self.classes.host == Match.MAYBE).any()
            or terms.vague
        )

    def pairs(self, terms: Terms, bound: Bound, opposed: Container[int] = ()) -> Pairs:
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

    def _within(self, terms: Terms, bound: Bound, opposed: Container[int]) -> IntArray:
        """Return the terms of one namespace as rows of namespace, selector and term."""
        opposite = len(terms.pod_selectors.values)
        rows = (
            (name, pods + opposite if term in opposed else pods, term)
            for (name, pods), term in terms.within.items()
        )
        return _spread(rows, self._places(terms, bound))

    def _places(self, terms: Terms, bound: Bound) -> list[IntArray]:
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
    terms: Terms, opposed: Container[int], spaces: Selections
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
