"""Which of many label maps a selector matches: for certain, and at most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from podwall.model import LabelMap, Operator, Requirement, Selector, Unknown
from podwall.reachability.matching import Match, labels_match

__all__ = ["NOBODY", "Labelled", "Numbers", "Selected"]

Numbers = frozenset[int]
NOBODY: Numbers = frozenset()


class Selected(NamedTuple):
    """The numbers of what matches for certain, and of what matches or may match."""

    must: Numbers
    may: Numbers


class Labelled:
    """Label maps by their numbers, found by what they carry."""

    def __init__(self, maps: Sequence[LabelMap]) -> None:
        """Index the maps by their labels."""
        self._maps = maps
        self._all = frozenset(range(len(maps)))
        self._answers: dict[Selector, Selected] = {}
        self._carriers: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        self._vague: set[int] = set()
        for number, labels in enumerate(maps):
            for key, value in labels.items:
                if isinstance(value, Unknown):
                    self._vague.add(number)
                else:
                    self._carriers[key][value].add(number)
            if labels.more is not None:
                self._vague.add(number)

    def select(self, selector: Selector) -> Selected:
        """Return which maps a selector matches."""
        if selector not in self._answers:
            self._answers[selector] = self._select(selector)
        return self._answers[selector]

    def _select(self, selector: Selector) -> Selected:
        if selector == Selector():
            return Selected(self._all, self._all)
        matches = {n: labels_match(selector, self._maps[n]) for n in self._candidates(selector)}
        return Selected(
            frozenset(number for number, match in matches.items() if match is Match.YES),
            frozenset(number for number, match in matches.items() if match is not Match.NO),
        )

    def _candidates(self, selector: Selector) -> Iterable[int]:
        """Return what may match at all: what carries the rarest label that is asked for."""
        asked = [self._carrying(item) for item in selector.requirements if _is_positive(item)]
        return min(asked, key=len) | self._vague if asked else self._all

    def _carrying(self, requirement: Requirement) -> set[int]:
        values = self._carriers.get(requirement.key, {})
        wanted = requirement.values if requirement.operator is Operator.IN else values
        return set().union(*(values[value] for value in wanted if value in values))


def _is_positive(requirement: Requirement) -> bool:
    """Say whether a requirement needs a label with a value that is known."""
    needs = requirement.operator in {Operator.IN, Operator.EXISTS}
    return needs and requirement.unknown is None
