"""The quick part of the suite has every subject, and of what takes long what its marker keeps.

Of the rules that verdicts follow, of the comments that were read, and of the house's own rules it
has every test.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.conftest import WHOLLY_LONG, quick
from tests.house.test_size import ROOT

TESTS = ROOT / "tests"
FOLDERS = sorted({each.parent for each in TESTS.rglob("test_*.py")})
WHOLE = (
    "core/test_calico.py",
    "core/test_cilium.py",
    "core/test_engines.py",
    "core/test_nodes.py",
    "core/test_rules_of_*.py",
    "core/test_tiers.py",
    "house/test_*.py",
    "judges/test_recipes.py",
    "judges/test_upstream.py",
    "reports/test_typical_comments.py",
    "rules/test_*.py",
)
LONG = re.compile(r"pytest\.mark\.long(?!\(keep=)")


class _Case:
    """A test as pytest has it, as far as the choice looks at it."""

    def __init__(self, nodeid: str, keep: int | None) -> None:
        self.nodeid = nodeid
        self._keep = keep

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        assert name == "long"
        marker = pytest.mark.long(keep=self._keep) if self._keep else pytest.mark.long
        return None if self._keep is None else marker.mark


def _cases(function: str, count: int, keep: int | None) -> list[_Case]:
    return [_Case(f"test_a.py::{function}[{number}]", keep) for number in range(count)]


@pytest.mark.parametrize(
    ("keep", "chosen"), [(None, "0123456789"), (0, ""), (1, "0"), (3, "036"), (99, "0123456789")]
)
def test_of_a_long_test_the_cases_that_it_keeps_are_quick(keep: int | None, chosen: str) -> None:
    beside = _cases("test_beside", 2, None)
    found = quick(cast("list[pytest.Item]", [*_cases("test_it", 10, keep), *beside]))
    ids = {each.nodeid for each in found}
    assert {each.nodeid for each in beside} <= ids
    kept = {each for each in ids if "test_it" in each}
    assert kept == {f"test_a.py::test_it[{number}]" for number in chosen}


def test_where_only_some_cases_are_long_the_others_are_all_quick() -> None:
    items = [*_cases("test_it", 3, 0)[:1], *_cases("test_it", 3, None)[1:]]
    found = [each.nodeid[-2] for each in quick(cast("list[pytest.Item]", items))]
    assert found == ["1", "2"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda each: str(each.relative_to(ROOT)))
def test_every_subject_is_in_the_quick_part(folder: Path) -> None:
    assert any(_is_quick(test) for module in folder.glob("test_*.py") for test in _tests(module))


@pytest.mark.parametrize("pattern", WHOLE)
def test_what_a_change_breaks_first_is_in_the_quick_part_as_a_whole(pattern: str) -> None:
    modules = sorted(TESTS.glob(pattern))
    found = [test for module in modules for test in _tests(module)]
    assert found
    assert [test.name for test in found if not _is_quick(test)] == []
    assert not any(WHOLLY_LONG.search(each.read_text(encoding="utf-8")) for each in modules)


def _tests(module: Path) -> Iterator[ast.FunctionDef]:
    """Yield the tests of a module, none where the whole is long."""
    text = module.read_text(encoding="utf-8")
    if WHOLLY_LONG.search(text):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def _is_quick(test: ast.FunctionDef) -> bool:
    return not any(LONG.search(ast.unparse(each)) for each in test.decorator_list)
