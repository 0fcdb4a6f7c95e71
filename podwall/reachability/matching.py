"""Whether labels match a selector (yes, no or maybe), and the labels that namespaces carry.

A value that is not known yet makes the answer maybe, never no.
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
https://kubernetes.io/docs/concepts/services-networking/network-policies/#targeting-a-namespace-by-its-name
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum

from podwall.model import (
    LabelMap,
    Operator,
    Selector,
    SelectorRequirement,
    Snapshot,
    SnapshotWorkload,
    Unknown,
    undeclared_labels,
)
from podwall.policies.rules import METADATA_NAME

__all__ = [
    "Match",
    "NamespaceLabels",
    "all_of",
    "doubts_of",
    "host_match",
    "labels_match",
    "requirement_matches",
]


class Match(IntEnum):
    """The three answers, ordered, so that `min` is AND and `max` is OR."""

    NO = 0
    MAYBE = 1
    YES = 2


def all_of(matches: Iterable[Match]) -> Match:
    """Return the AND of all, `YES` for none."""
    return min(matches, default=Match.YES)


def labels_match(selector: Selector, labels: LabelMap) -> Match:
    """Return whether the labels fulfil every requirement; no requirement matches everything.

    >>> web = Selector((SelectorRequirement("app", Operator.IN, ("web",)),))
    >>> labels_match(web, LabelMap.of({"app": "web", "tier": "front"})).name
    'YES'
    >>> labels_match(web, LabelMap.of({"app": Unknown("the app label")})).name
    'MAYBE'
    """
    known = all_of(requirement_matches(each, labels) for each in selector.requirements)
    return known if selector.unknown is None else min(known, Match.MAYBE)


def requirement_matches(requirement: SelectorRequirement, labels: LabelMap) -> Match:
    """Return whether the labels fulfil one requirement.

    `NotIn` and `DoesNotExist` match where the key is missing, `In` and `Exists` need it.
    """
    negative = requirement.operator in {Operator.NOT_IN, Operator.DOES_NOT_EXIST}
    positive = _holds(requirement, labels)
    return Match(Match.YES - positive) if negative else positive


def _holds(requirement: SelectorRequirement, labels: LabelMap) -> Match:
    """Return whether the key is there, with one of the values for `In` and `NotIn`."""
    if requirement.overlooked:
        return Match.NO
    value = next((value for key, value in labels.items if key == requirement.key), None)
    if value is None:
        return Match.NO if labels.more is None else Match.MAYBE
    if requirement.operator in {Operator.EXISTS, Operator.DOES_NOT_EXIST}:
        return Match.YES
    if isinstance(value, Unknown):
        return Match.MAYBE
    if value in requirement.values:
        return Match.YES
    return Match.NO if requirement.unknown is None else Match.MAYBE


def doubts_of(selector: Selector, labels: LabelMap) -> Iterator[Unknown]:
    """Yield the unknown values that keep the selector from matching, or not, for certain."""
    if selector.unknown is not None:
        yield selector.unknown
    for requirement in selector.requirements:
        if requirement_matches(requirement, labels) is not Match.MAYBE:
            continue
        value = next((value for key, value in labels.items if key == requirement.key), labels.more)
        yield from (each for each in (value, requirement.unknown) if isinstance(each, Unknown))


def host_match(workload: SnapshotWorkload) -> Match:
    """Return whether a workload's pods use the network of their node."""
    host = workload.host_network
    if isinstance(host, Unknown):
        return Match.MAYBE
    return Match.YES if host else Match.NO


class NamespaceLabels:
    """The labels of every namespace, declared in the snapshot or not."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Take the declared labels; where a namespace is declared twice, the last one counts."""
        self._declared = {each.name: each.labels for each in snapshot.namespaces}
        self._complete = snapshot.complete

    def of(self, namespace: str | Unknown) -> LabelMap:
        """Return the labels of a namespace, the label with its name always among them."""
        if isinstance(namespace, Unknown):
            return LabelMap(((METADATA_NAME, namespace),), namespace)
        declared = self._declared.get(namespace)
        if declared is None:
            return undeclared_labels(namespace, complete=self._complete)
        return LabelMap.of({**dict(declared.items), METADATA_NAME: namespace}, declared.more)
