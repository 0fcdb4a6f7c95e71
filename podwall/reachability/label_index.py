"""Which of many label maps a selector matches, found through lists of who carries which label."""

from __future__ import annotations

from collections import defaultdict
from functools import reduce
from operator import and_, sub
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from podwall.model import LabelMap, Operator, Requirement, Selector, Unknown
from podwall.reachability.bounds import Bound

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from podwall.reachability.grouping import IntArray

__all__ = ["LabelIndex", "Mentions", "Selected"]

_OTHER_VALUE: Final = "\0"
"""Stands for every value that no selector mentions; no label can have it."""

_NONE: Final[frozenset[int]] = frozenset()
_VALUED: Final = frozenset({Operator.IN, Operator.NOT_IN})
_POSITIVE: Final = frozenset({Operator.IN, Operator.EXISTS})


class Selected(NamedTuple):
    """Label maps by their indices, in ascending order: these, or, if `negated`, all but these."""

    these: IntArray
    negated: bool


class Mentions:
    """The labels that some selector mentions: all others make no difference to any policy."""

    def __init__(self, selectors: Iterable[Selector]) -> None:
        """Collect the keys and their values."""
        self._values: dict[str, set[str]] = defaultdict(set)
        for selector in selectors:
            for requirement in selector.requirements:
                self._values[requirement.key].update(requirement.values)

    def abstract(self, labels: LabelMap) -> LabelMap:
        """Return the labels without what no selector can tell apart."""
        values = self._values
        return LabelMap(
            tuple(
                (key, value if isinstance(value, Unknown) or value in values[key] else _OTHER_VALUE)
                for key, value in labels.items
                if key in values
            ),
            labels.more if values else None,
        )


class _Carriers:
    """Who carries one key: with which value, with a value that is not known, or at all."""

    __slots__ = ("by_value", "everyone", "vague")

    def __init__(self) -> None:
        self.by_value: defaultdict[str, set[int]] = defaultdict(set)
        self.vague: set[int] = set()
        self.everyone: set[int] = set()


class LabelIndex:
    """Answers selectors over a fixed list of label maps."""

    def __init__(self, maps: Iterable[LabelMap]) -> None:
        """Note for each label who carries it, and who may carry more labels than are known."""
        self._carriers: defaultdict[str, _Carriers] = defaultdict(_Carriers)
        self._open: set[int] = set()
        self._maybe_carriers: dict[str, AbstractSet[int]] = {}
        for index, labels in enumerate(maps):
            if labels.more is not None:
                self._open.add(index)
            for key, value in labels.items:
                carriers = self._carriers[key]
                carriers.everyone.add(index)
                if isinstance(value, Unknown):
                    carriers.vague.add(index)
                else:
                    carriers.by_value[value].add(index)
        self.vague = bool(self._open) or any(each.vague for each in self._carriers.values())

    def select(self, selector: Selector, bound: Bound) -> Selected:
        """Return the maps that a selector matches for certain (`MUST`), or may match (`MAY`)."""
        if selector.unknown is not None and bound is Bound.MUST:
            return Selected(_sorted(_NONE), negated=False)
        needed: list[AbstractSet[int]] = []
        barred: list[AbstractSet[int]] = []
        for each in selector.requirements:
            if each.operator in _POSITIVE:
                needed.append(self._with(each, bound))
            else:
                barred.append(self._with(each, bound.other))
        if not needed:
            return Selected(_sorted(_NONE.union(*barred)), negated=True)
        first, *rest = sorted(needed, key=len)
        found = reduce(and_, rest, first)
        return Selected(_sorted(reduce(sub, barred, found)), negated=False)

    def _with(self, requirement: Requirement, bound: Bound) -> AbstractSet[int]:
        """Return the maps that have the key, with one of the values if it names values."""
        carriers = self._carriers.get(requirement.key)
        valued = requirement.operator in _VALUED
        found: AbstractSet[int] = _NONE
        if carriers is not None and valued:
            found = _union([carriers.by_value.get(value, _NONE) for value in requirement.values])
        elif carriers is not None:
            found = carriers.everyone
        if bound is Bound.MUST:
            return found
        return found | self._perhaps(requirement, carriers, valued=valued)

    def _perhaps(
        self, requirement: Requirement, carriers: _Carriers | None, *, valued: bool
    ) -> AbstractSet[int]:
        """Return the maps of which it is not known whether the requirement's key and value fit."""
        if requirement.key not in self._maybe_carriers:
            known = _NONE if carriers is None else carriers.everyone
            self._maybe_carriers[requirement.key] = self._open - known
        found = self._maybe_carriers[requirement.key]
        if carriers is not None and valued:
            found = found | (carriers.everyone if requirement.unknown else carriers.vague)
        return found


def _union(sets: Sequence[AbstractSet[int]]) -> AbstractSet[int]:
    return sets[0] if len(sets) == 1 else _NONE.union(*sets)


def _sorted(indices: AbstractSet[int]) -> IntArray:
    found = np.fromiter(indices, dtype=np.int64, count=len(indices))
    found.sort()
    return found
