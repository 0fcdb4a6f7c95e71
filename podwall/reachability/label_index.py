"""Which of many label maps a selector matches, found through lists of who carries which label."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from podwall.model import LabelMap, Operator, Requirement, Selector, Unknown
from podwall.reachability.matching import Match, labels_match

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

__all__ = ["LabelIndex", "Mentions", "Selected"]

_OTHER_VALUE = "\0"
"""Stands for every value that no selector mentions; no label can have it."""

_POSITIVE = frozenset({Operator.IN, Operator.EXISTS})


class Selected(NamedTuple):
    """The indices of the label maps that match for certain, and of those that match or may."""

    must: AbstractSet[int]
    may: AbstractSet[int]


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
            labels.more,
        )


class LabelIndex:
    """Answers selectors over a fixed list of label maps."""

    def __init__(self, maps: Sequence[LabelMap]) -> None:
        """Index the maps that are fully known; the others are matched one by one."""
        self.all: AbstractSet[int] = frozenset(range(len(maps)))
        self._vague: dict[int, LabelMap] = {}
        self._carriers: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        self._answers: dict[Selector, Selected] = {}
        for index, labels in enumerate(maps):
            if labels.more is not None or any(isinstance(v, Unknown) for _, v in labels.items):
                self._vague[index] = labels
                continue
            for key, value in labels.items:
                self._carriers[key][str(value)].add(index)

    def select(self, selector: Selector) -> Selected:
        """Return which label maps the selector matches."""
        answer = self._answers.get(selector)
        if answer is None:
            answer = self._answers[selector] = self._select(selector)
        return answer

    def _select(self, selector: Selector) -> Selected:
        if not selector.requirements and selector.unknown is None:
            return Selected(self.all, self.all)
        may = self._known(selector, Match.MAYBE)
        unsure = selector.unknown is not None or any(r.unknown for r in selector.requirements)
        must = self._known(selector, Match.YES) if unsure else may
        if not self._vague:
            return Selected(must, may)
        matches = {index: labels_match(selector, each) for index, each in self._vague.items()}
        return Selected(
            must | {index for index, match in matches.items() if match is Match.YES},
            may | {index for index, match in matches.items() if match is not Match.NO},
        )

    def _known(self, selector: Selector, least: Match) -> AbstractSet[int]:
        """Return the fully known maps that match at least so surely."""
        if selector.unknown is not None and least is Match.YES:
            return frozenset()
        needed = [self._with(each, least) for each in selector.requirements if _is_positive(each)]
        barred = [
            self._with(each, Match(3 - least))
            for each in selector.requirements
            if not _is_positive(each)
        ]
        found = self._all_of(needed)
        return found.difference(*barred) if barred else found

    def _all_of(self, needed: list[AbstractSet[int]]) -> frozenset[int]:
        """Return what is in all the sets, beginning with the smallest."""
        if not needed:
            return frozenset(self.all - self._vague.keys())
        first, *rest = sorted(needed, key=len)
        return frozenset(first).intersection(*rest)

    def _with(self, requirement: Requirement, least: Match) -> AbstractSet[int]:
        """Return the maps that have the key, with one of the values if it names values."""
        carriers = self._carriers.get(requirement.key, {})
        names_values = requirement.operator in {Operator.IN, Operator.NOT_IN}
        if not names_values or (requirement.unknown is not None and least is Match.MAYBE):
            return _union(carriers.values())
        return _union(carriers[value] for value in requirement.values if value in carriers)


def _is_positive(requirement: Requirement) -> bool:
    return requirement.operator in _POSITIVE


def _union(sets: Iterable[AbstractSet[int]]) -> AbstractSet[int]:
    each: Iterator[AbstractSet[int]] = iter(sets)
    first = next(each, frozenset[int]())
    rest = list(each)
    return frozenset(first).union(*rest) if rest else first
