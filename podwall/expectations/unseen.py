"""Which unseen pods a selection means: those of a class that it does, and those that it does not.

`anything` and `outside shop` mean unseen pods, and so does a namespace or a label: such a pod may
be made at any time. The id of a workload and addresses mean none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from podwall.expectations.expectation import Anything, Outside, PodSelection, Selection
from podwall.explain import Explanation
from podwall.model import Operator, Selector, SelectorRequirement
from podwall.policies.peers import METADATA_NAME
from podwall.policies.wording import listed
from podwall.reachability import Verdict
from podwall.reachability.label_conditions import EVERY_LABEL_MAP, KeyCondition, LabelConditions
from podwall.reachability.unseen_pods import UnseenPods

__all__ = ["UnseenSelection", "closing", "means_unseen"]


@dataclass(frozen=True, slots=True)
class _Region:
    """Unseen pods with some labels: of namespaces shown, and of others, None for none of these."""

    pods: LabelConditions
    names: frozenset[str]
    others: LabelConditions | None


def means_unseen(selection: Selection) -> bool:
    """Return whether a selection can mean pods that are not shown."""
    return isinstance(selection, Anything | Outside | PodSelection)


class UnseenSelection:
    """The unseen pods that one of some selections means, in a source that shows some namespaces."""

    def __init__(self, selections: Iterable[Selection], shown: Iterable[str]) -> None:
        """Read the selections that can mean unseen pods."""
        names = frozenset(shown)
        wanted = (each for each in selections if means_unseen(each))
        self._regions = [_region(each, names) for each in wanted]

    def all(self) -> Iterator[UnseenPods]:
        """Yield all that the selections mean, each namespace that is shown by itself."""
        for region in self._regions:
            pods = region.pods.selector()
            yield from (UnseenPods(pods, (name,)) for name in sorted(region.names))
            if region.others is not None:
                yield UnseenPods(pods, region.others.selector())

    def among(self, pods: UnseenPods) -> Iterator[UnseenPods]:
        """Yield what the selections mean of some unseen pods."""
        for region in self._regions:
            yield from _meet(pods, region)

    def not_among(self, pods: UnseenPods) -> Iterator[UnseenPods]:
        """Yield what the selections do not mean of some unseen pods."""
        rest = [pods]
        for region in self._regions:
            rest = [part for each in rest for part in _without(each, region)]
        yield from rest


def _region(selection: Selection, shown: frozenset[str]) -> _Region:
    match selection:
        case Outside(namespace) if namespace in shown:
            return _Region(EVERY_LABEL_MAP, shown - {namespace}, EVERY_LABEL_MAP)
        case Outside(namespace):
            other = KeyCondition(frozenset([namespace]), negated=True, missing=True)
            return _Region(EVERY_LABEL_MAP, shown, LabelConditions(((METADATA_NAME, other),)))
        case PodSelection(None, labels):
            return _Region(_equal(labels), shown, EVERY_LABEL_MAP)
        case PodSelection(str() as namespace, labels) if namespace in shown:
            return _Region(_equal(labels), frozenset([namespace]), None)
        case PodSelection(str() as namespace, labels):
            named = KeyCondition(frozenset([namespace]))
            return _Region(_equal(labels), frozenset(), LabelConditions(((METADATA_NAME, named),)))
        case _:
            return _Region(EVERY_LABEL_MAP, shown, EVERY_LABEL_MAP)


def _equal(labels: Iterable[tuple[str, str]]) -> LabelConditions:
    pairs = (SelectorRequirement(key, Operator.IN, (value,)) for key, value in labels)
    return LabelConditions.of(Selector(tuple(pairs))) or EVERY_LABEL_MAP


def _meet(pods: UnseenPods, region: _Region) -> Iterator[UnseenPods]:
    """Yield the pods that are in a region."""
    meant = _conditions(pods.pods) & region.pods
    there = _namespaces_in(pods, region)
    if meant is not None and there is not None:
        yield UnseenPods(meant.selector(), there)


def _namespaces_in(pods: UnseenPods, region: _Region) -> tuple[str, ...] | Selector | None:
    """Return those of the pods' namespaces that are in a region."""
    if isinstance(pods.namespaces, tuple):
        return tuple(each for each in pods.namespaces if each in region.names) or None
    if region.others is None:
        return None
    there = _conditions(pods.namespaces) & region.others
    return None if there is None else there.selector()


def _without(pods: UnseenPods, region: _Region) -> Iterator[UnseenPods]:
    """Yield the pods that are not in a region."""
    there = _namespaces_in(pods, region)
    if there is None:
        yield pods
        return
    for part in _conditions(pods.pods).without(region.pods):
        yield UnseenPods(part.selector(), there)
    if isinstance(pods.namespaces, tuple):
        rest = tuple(each for each in pods.namespaces if each not in region.names)
        if rest:
            yield UnseenPods(pods.pods, rest)
    elif region.others is not None:
        for space in _conditions(pods.namespaces).without(region.others):
            yield UnseenPods(pods.pods, space.selector())


def _conditions(selector: Selector) -> LabelConditions:
    """Return what a selector of unseen pods asks for, which is never nothing at all."""
    found = LabelConditions.of(selector)
    assert found is not None
    return found


_CLOSED = "if nothing else is in the cluster, say so with `--closed`"


def closing(explanation: Explanation) -> str:
    """Return what would close a flow between a workload and unseen pods."""
    unseen = isinstance(explanation.source, UnseenPods)
    side = explanation.ingress if unseen else explanation.egress
    if not side.policies:
        return f"let a policy isolate {side.subject.id} for {side.direction.field}; {_CLOSED}"
    rules = [
        f"{rule.place.path} of {policy.name}"
        for policy in side.policies
        for rule in policy.rules
        if rule.verdict is not Verdict.DENIED
    ]
    if not rules:
        return _CLOSED
    return f"name only the pods that are meant in {listed(rules)}; {_CLOSED}"
