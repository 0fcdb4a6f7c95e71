"""Unseen pods as sets: which of some are among others, and which are not.

Pods of namespaces that are shown and pods of others have nothing in common.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from podwall.model import Selector
from podwall.policies.peers import METADATA_NAME
from podwall.reachability.label_conditions import LabelConditions
from podwall.reachability.unseen_pods import UnseenPods

__all__ = ["among", "can_exist", "is_among", "not_among", "not_among_any"]


def can_exist(pods: UnseenPods, shown: Collection[str]) -> bool:
    """Return whether there can be such pods, in a source that shows some namespaces."""
    if LabelConditions.of(pods.pods) is None:
        return False
    if isinstance(pods.namespaces, tuple):
        return bool(pods.namespaces)
    there = LabelConditions.of(pods.namespaces)
    name = None if there is None else there.of_key(METADATA_NAME)
    if name is None or (name.missing and not name.negated):
        return False
    return name.negated or not name.values <= set(shown)


def among(pods: UnseenPods, others: UnseenPods) -> UnseenPods | None:
    """Return those of some unseen pods that are among others; None if there are none."""
    meant = _conditions(pods.pods) & _conditions(others.pods)
    there = _namespaces(pods, others)
    if meant is None or there is None:
        return None
    return UnseenPods(meant.selector(), there)


def not_among(pods: UnseenPods, others: UnseenPods) -> Iterator[UnseenPods]:
    """Yield those of some unseen pods that are not among others, in parts that may overlap."""
    there = _namespaces(pods, others)
    if there is None:
        yield pods
        return
    for part in _conditions(pods.pods).without(_conditions(others.pods)):
        yield UnseenPods(part.selector(), there)
    if isinstance(pods.namespaces, tuple) and isinstance(there, tuple):
        rest = tuple(each for each in pods.namespaces if each not in there)
        if rest:
            yield UnseenPods(pods.pods, rest)
    elif isinstance(pods.namespaces, Selector) and isinstance(others.namespaces, Selector):
        for space in _conditions(pods.namespaces).without(_conditions(others.namespaces)):
            yield UnseenPods(pods.pods, space.selector())


def not_among_any(pods: UnseenPods, others: Iterable[UnseenPods]) -> list[UnseenPods]:
    """Return those of some unseen pods that are among none of others."""
    rest = [pods]
    for each in others:
        rest = [part for left in rest for part in not_among(left, each)]
    return rest


def is_among(pods: UnseenPods, others: UnseenPods) -> bool:
    """Return whether all of some unseen pods are among others."""
    if not _conditions(pods.pods) <= _conditions(others.pods):
        return False
    match pods.namespaces, others.namespaces:
        case (tuple() as mine, tuple() as theirs):
            return set(mine) <= set(theirs)
        case (Selector() as mine, Selector() as theirs):
            return _conditions(mine) <= _conditions(theirs)
        case _:
            return False


def _namespaces(pods: UnseenPods, others: UnseenPods) -> tuple[str, ...] | Selector | None:
    """Return the namespaces that both have; None if there are none."""
    mine, theirs = pods.namespaces, others.namespaces
    if isinstance(mine, tuple):
        both = [each for each in mine if each in theirs] if isinstance(theirs, tuple) else ()
        return tuple(both) or None
    if isinstance(theirs, tuple):
        return None
    common = _conditions(mine) & _conditions(theirs)
    return None if common is None else common.selector()


@lru_cache(maxsize=4096)
def _conditions(selector: Selector) -> LabelConditions:
    """Return what a selector of unseen pods asks for, which is never nothing at all."""
    found = LabelConditions.of(selector)
    assert found is not None
    return found
