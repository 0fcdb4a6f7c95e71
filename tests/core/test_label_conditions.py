"""Conditions on labels are sets of label maps: every operation equals that of the sets."""

from __future__ import annotations

from itertools import product
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwall.model import LabelMap, Operator, Selector, SelectorRequirement
from podwall.reachability.label_conditions import LabelConditions, matched_by_none, simplified
from podwall.reachability.matching import Match, labels_match
from podwall.reachability.values import Bound

KEYS: Final = ("app", "tier")
VALUES: Final = ("a", "b", "")
MAPS: Final = [
    LabelMap.of({key: value for key, value in zip(KEYS, values, strict=True) if value is not None})
    for values in product((*VALUES, "other", None), repeat=len(KEYS))
]
"""A map for every way in which label maps can differ to selectors of these keys and values."""


def _requirement(key: str, operator: Operator, values: list[str]) -> SelectorRequirement:
    listed = operator in {Operator.IN, Operator.NOT_IN}
    return SelectorRequirement(key, operator, tuple(sorted(values)) if listed else ())


REQUIREMENTS: Final = st.builds(
    _requirement,
    st.sampled_from(KEYS),
    st.sampled_from(Operator),
    st.lists(st.sampled_from(VALUES), min_size=1, max_size=2, unique=True),
)
SELECTORS: Final = st.builds(Selector, st.lists(REQUIREMENTS, max_size=3).map(tuple))


def meant(selector: Selector) -> set[int]:
    """Return the maps that a selector matches, by their places."""
    return {place for place, each in enumerate(MAPS) if labels_match(selector, each) is Match.YES}


def said(*conditions: LabelConditions | None) -> set[int]:
    """Return the maps that fulfil one of some conditions, asked through the selectors of them."""
    return set().union(*(meant(each.selector()) for each in conditions if each is not None))


@given(SELECTORS)
def test_conditions_mean_what_their_selector_means(selector: Selector) -> None:
    for bound in Bound:
        assert said(LabelConditions.of(selector, bound)) == meant(selector)


@given(SELECTORS)
def test_equal_meaning_is_an_equal_value(selector: Selector) -> None:
    found = LabelConditions.of(selector)
    twice = found and LabelConditions.of(found.selector())
    assert twice == found
    assert (found is None) == (not meant(selector))


@given(SELECTORS, SELECTORS)
def test_both_and_part_of(left: Selector, right: Selector) -> None:
    one, other = LabelConditions.of(left), LabelConditions.of(right)
    if one is not None and other is not None:
        assert said(one & other) == meant(left) & meant(right)
        assert (one <= other) == (meant(left) <= meant(right))
        assert said(*one.without(other)) == meant(left) - meant(right)
        joined = one.joined(other)
        assert joined is None or said(joined) == meant(left) | meant(right)


@given(st.lists(SELECTORS, max_size=5))
def test_what_none_matches_is_the_rest(selectors: list[Selector]) -> None:
    rest = matched_by_none(selectors)
    assert rest is not None
    assert said(*rest) == set(range(len(MAPS))).difference(*map(meant, selectors))


@given(st.lists(SELECTORS, max_size=5))
def test_simplified_conditions_mean_the_same_and_none_is_in_another(
    selectors: list[Selector],
) -> None:
    parts = [each for each in map(LabelConditions.of, selectors) if each is not None]
    fewer = simplified(parts)
    assert said(*fewer) == said(*parts)
    assert len(fewer) <= len(parts)
    assert not any(one <= other for one in fewer for other in fewer if one is not other)


def test_thousands_of_selectors_by_value_are_one_condition() -> None:
    selectors = [
        Selector((SelectorRequirement("app", Operator.IN, (f"app-{number}",)),))
        for number in range(5_000)
    ]
    (rest,) = matched_by_none(selectors) or ()
    assert len(rest.requirements()[0].values) == 5_000


@pytest.mark.long
def test_what_takes_too_many_conditions_is_not_said() -> None:
    selectors = [
        Selector(
            tuple(SelectorRequirement(f"{half}{number}", Operator.EXISTS) for half in ("a", "b"))
        )
        for number in range(20)
    ]
    assert matched_by_none(selectors) is None
