"""Which label maps are meant, as conjunctions of conditions, and the unseen pods that have them.

A condition on one key is a set of values, or of all values but some, with or without "the key is
missing". So every requirement of a selector is a set, and so are AND, NOT and "is part of":

    In (a, b)        {a, b}                       DoesNotExist     {missing}
    NotIn (a, b)     all but {a, b}, missing      Exists           all values

    app in (a, b)  AND  app notin (b)             {a, b} - {b} = {a}
    NOT (app=a AND tier)                          app notin (a)  OR  not tier

Every condition that can arise is one, or two, requirements of a selector again, so that an answer
can always be written as selectors. There are more values than anyone can list, so that "all
values but some" is never empty.
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors

Pods of namespaces that are shown and pods of others have nothing in common.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from podwall.model import Operator, Selector, SelectorRequirement
from podwall.policies.rules import METADATA_NAME
from podwall.quick_dataclass import dataclass
from podwall.reachability.values import Bound, UnseenPods

__all__ = [
    "EVERY_LABEL_MAP",
    "KeyCondition",
    "LabelConditions",
    "among",
    "can_exist",
    "is_among",
    "matched_by_none",
    "not_among",
    "not_among_any",
    "simplified",
]


@dataclass(frozen=True, slots=True)
class KeyCondition:
    """What the label with some key may be: one of `values` or, if `negated`, any other value.

    `missing`: whether the label may also be missing.
    """

    values: frozenset[str] = frozenset()
    negated: bool = False
    missing: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing fulfils the condition."""
        return not (self.values or self.negated or self.missing)

    @property
    def is_free(self) -> bool:
        """Whether everything fulfils the condition."""
        return self.negated and self.missing and not self.values

    def __and__(self, other: KeyCondition) -> KeyCondition:
        """Return the condition that both hold."""
        missing = self.missing and other.missing
        if self.negated and other.negated:
            return KeyCondition(self.values | other.values, negated=True, missing=missing)
        if self.negated:
            return KeyCondition(other.values - self.values, missing=missing)
        if other.negated:
            return KeyCondition(self.values - other.values, missing=missing)
        return KeyCondition(self.values & other.values, missing=missing)

    def __or__(self, other: KeyCondition) -> KeyCondition:
        """Return the condition that one of the two holds."""
        return ~(~self & ~other)

    def __invert__(self) -> KeyCondition:
        """Return the condition that this one does not hold."""
        return KeyCondition(self.values, not self.negated, not self.missing)

    def __le__(self, other: KeyCondition) -> bool:
        """Return whether what fulfils this condition fulfils the other one."""
        if self.missing and not other.missing:
            return False
        if self.negated:
            return other.negated and other.values <= self.values
        if other.negated:
            return not self.values & other.values
        return self.values <= other.values

    def parts(self) -> Iterator[KeyCondition]:
        """Yield conditions that selectors can state, and that together are this one."""
        if self.values and not self.negated and self.missing:
            yield KeyCondition(self.values)
            yield KeyCondition(missing=True)
        else:
            yield self


_FREE: Final = KeyCondition(negated=True, missing=True)

_Conditions = tuple[tuple[str, KeyCondition], ...]


@dataclass(frozen=True, slots=True)
class LabelConditions:
    """Label maps that fulfil a condition for each of some keys; sorted by key, none is free.

    >>> one = SelectorRequirement("app", Operator.IN, ("a", "b"))
    >>> two = SelectorRequirement("app", Operator.NOT_IN, ("b",))
    >>> conditions = LabelConditions.of(Selector((one, two)))
    >>> [(each.key, each.operator.value, each.values) for each in conditions.requirements()]
    [('app', 'In', ('a',))]
    """

    items: _Conditions = ()

    @classmethod
    def of(cls, selector: Selector, bound: Bound = Bound.MUST) -> LabelConditions | None:
        """Return what a selector means for certain, or at most; None if that is nothing.

        Without anything unknown the two are the same.
        """
        if selector.unknown is not None and bound is Bound.MUST:
            return None
        found: LabelConditions | None = EVERY_LABEL_MAP
        for each in selector.requirements:
            condition = _of_missing(each) if each.overlooked else _condition(each, bound)
            if found is None or condition.is_empty:
                return None
            if not condition.is_free:
                found &= cls(((each.key, condition),))
        return found

    def __and__(self, other: LabelConditions) -> LabelConditions | None:
        """Return what fulfils both; None if nothing does."""
        if not other.items or self is other:
            return self
        if not self.items:
            return other
        found = dict(self.items)
        for key, condition in other.items:
            both = found[key] & condition if key in found else condition
            if both.is_empty:
                return None
            found[key] = both
        return LabelConditions(tuple(sorted(found.items(), key=_key)))

    def __le__(self, other: LabelConditions) -> bool:
        """Return whether what fulfils these conditions fulfils the other ones."""
        if len(other.items) > len(self.items):
            return False
        mine = dict(self.items)
        return all(key in mine and mine[key] <= condition for key, condition in other.items)

    def without(self, cut: LabelConditions) -> Iterator[LabelConditions]:
        """Yield conditions that together are these, without what fulfils `cut`."""
        if self & cut is None:
            yield self
            return
        for key, condition in cut.items:
            for part in (~condition).parts():
                rest = self & LabelConditions(((key, part),))
                if rest is not None and not part.is_empty:
                    yield rest

    def joined(self, other: LabelConditions) -> LabelConditions | None:
        """Return what fulfils one of the two, if that can be said by one condition for each key."""
        if self <= other:
            return other
        if other <= self:
            return self
        mine, others = dict(self.items), dict(other.items)
        if mine.keys() != others.keys():
            return None
        different = [key for key, condition in mine.items() if others[key] != condition]
        if len(different) > 1:
            return None
        (key,) = different
        either = mine[key] | others[key]
        if len(list(either.parts())) > 1:
            return None
        return self.with_key(key, either)

    def pinned(self) -> frozenset[str]:
        """Return the keys that must have one of some listed values."""
        return frozenset(key for key, each in self.items if each.values and not each.negated)

    def of_key(self, key: str) -> KeyCondition:
        """Return the condition on a key."""
        return dict(self.items).get(key, _FREE)

    def but(self, key: str) -> LabelConditions:
        """Return the conditions on all other keys."""
        return self.with_key(key, _FREE)

    def requirements(self) -> tuple[SelectorRequirement, ...]:
        """Return the requirements of a selector that states the conditions."""
        return tuple(part for key, each in self.items for part in _requirements(key, each))

    def selector(self) -> Selector:
        """Return a selector that states the conditions."""
        return Selector(self.requirements())

    def with_key(self, key: str, condition: KeyCondition) -> LabelConditions:
        """Return these conditions with another one on a key."""
        found = dict(self.items)
        found.pop(key, None)
        if not condition.is_free:
            found[key] = condition
        return LabelConditions(tuple(sorted(found.items(), key=_key)))


EVERY_LABEL_MAP: Final = LabelConditions()


def _key(item: tuple[str, KeyCondition]) -> str:
    return item[0]


def _of_missing(requirement: SelectorRequirement) -> KeyCondition:
    """Return the condition of a requirement to which the label is missing, whatever it is."""
    excludes = requirement.operator in {Operator.NOT_IN, Operator.DOES_NOT_EXIST}
    return _FREE if excludes else KeyCondition()


def _condition(requirement: SelectorRequirement, bound: Bound) -> KeyCondition:
    """Return the condition that a requirement states, for certain or at most."""
    values = frozenset(requirement.values)
    open_ = requirement.unknown is not None
    match requirement.operator:
        case Operator.IN if open_ and bound is Bound.MAY:
            return KeyCondition(negated=True)
        case Operator.IN:
            return KeyCondition(values)
        case Operator.NOT_IN if open_ and bound is Bound.MUST:
            return KeyCondition(missing=True)
        case Operator.NOT_IN:
            return KeyCondition(values, negated=True, missing=True)
        case Operator.EXISTS:
            return KeyCondition(negated=True)
        case Operator.DOES_NOT_EXIST:
            return KeyCondition(missing=True)


def _requirements(key: str, condition: KeyCondition) -> Iterator[SelectorRequirement]:
    values = tuple(sorted(condition.values))
    if not condition.negated:
        if values:
            yield SelectorRequirement(key, Operator.IN, values)
        else:
            yield SelectorRequirement(key, Operator.DOES_NOT_EXIST)
        return
    if not condition.missing:
        yield SelectorRequirement(key, Operator.EXISTS)
    if values:
        yield SelectorRequirement(key, Operator.NOT_IN, values)


_MOST_PARTS: Final = 256


def matched_by_none(
    selectors: Iterable[Selector], bound: Bound = Bound.MUST
) -> tuple[LabelConditions, ...] | None:
    """Return what none of some selectors matches; None if that takes too many conditions to say.

    With `bound` `MAY`, what none of them may match.

    >>> def equal(**labels: str) -> Selector:
    ...     pairs = labels.items()
    ...     return Selector(tuple(SelectorRequirement(k, Operator.IN, (v,)) for k, v in pairs))
    >>> for each in matched_by_none([equal(app="a"), equal(app="b"), equal(app="c", tier="1")]):
    ...     print([(r.key, r.operator.value, r.values) for r in each.requirements()])
    [('app', 'NotIn', ('a', 'b', 'c'))]
    [('app', 'NotIn', ('a', 'b')), ('tier', 'NotIn', ('1',))]
    """
    rest = [EVERY_LABEL_MAP]
    for cut in _on_one_key_first(selectors, bound):
        rest = _largest(part for each in rest for part in each.without(cut))
        if len(rest) > _MOST_PARTS:
            return None
    return tuple(rest)


def _on_one_key_first(selectors: Iterable[Selector], bound: Bound) -> Iterator[LabelConditions]:
    """Yield what selectors mean, first what asks for one key, and only once for each key.

    Ten thousand policies that select a value each cut no more than one that selects all of them.
    """
    values: defaultdict[str, set[str]] = defaultdict(set)
    several = []
    for selector in selectors:
        match selector.requirements:
            case (SelectorRequirement(key, Operator.IN, listed, None, False),) if (
                not selector.unknown
            ):
                values[key].update(listed)
            case _:
                several.append(LabelConditions.of(selector, bound))
    for key, those in values.items():
        yield LabelConditions(((key, KeyCondition(frozenset(those))),))
    yield from dict.fromkeys(each for each in several if each is not None)


def _largest(parts: Iterable[LabelConditions]) -> list[LabelConditions]:
    """Return the parts that are in no other one."""
    found: list[LabelConditions] = []
    for part in sorted(dict.fromkeys(parts), key=lambda each: len(each.items)):
        if not any(part <= each for each in found):
            found = [each for each in found if not each <= part]
            found.append(part)
    return found


def simplified(parts: Sequence[LabelConditions]) -> list[LabelConditions]:
    """Return fewer conditions that together mean the same: none is in another one.

    Two that differ in one key become one where a selector can state it.
    """
    found = _largest(parts)
    if len(found) > _MOST_PARTS:
        return found
    while (pair := _joinable(found)) is not None:
        one, other, both = pair
        found = _largest([*(each for each in found if each not in (one, other)), both])
    return found


def _joinable(
    parts: Sequence[LabelConditions],
) -> tuple[LabelConditions, LabelConditions, LabelConditions] | None:
    for number, one in enumerate(parts):
        for other in parts[number + 1 :]:
            both = one.joined(other)
            if both is not None:
                return one, other, both
    return None


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
        common = set(there)
        rest = tuple(each for each in pods.namespaces if each not in common)
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
        others_names = set(theirs) if isinstance(theirs, tuple) else ()
        return tuple(each for each in mine if each in others_names) or None
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
