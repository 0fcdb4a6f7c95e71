"""The size budget: functions of about ten lines, modules of at most five hundred."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

from tests.house import count

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("podwall", "components", "policies", "benchmarks", "tests")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
LONGEST_MODULE = 500
MOST_MODULES = 300
LONGEST_FUNCTION = 40
MEDIAN_FUNCTION = 10


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def _lengths() -> tuple[tuple[str, int], ...]:
    return tuple(chain.from_iterable(map(_functions, MODULES)))


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each function's name and its lines without decorators and docstring."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node) is not None
            body = node.body[1:] if documented and len(node.body) > 1 else node.body
            signature = node.body[0].lineno - node.lineno
            length = (body[-1].end_lineno or body[-1].lineno) - body[0].lineno + 1
            yield f"{_name(path)}:{node.name}", signature + length


def test_the_house_has_at_most_three_hundred_modules() -> None:
    assert len(count.MODULES) <= MOST_MODULES


def test_no_module_is_above_five_hundred_lines() -> None:
    lines = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: count for name, count in lines.items() if count > LONGEST_MODULE} == {}


def test_no_function_is_above_forty_lines() -> None:
    lengths = dict(_lengths())
    assert {name: count for name, count in lengths.items() if count > LONGEST_FUNCTION} == {}


def test_the_median_function_has_at_most_ten_lines() -> None:
    lengths = [lines for _, lines in _lengths()]
    assert statistics.median(lengths) <= MEDIAN_FUNCTION
