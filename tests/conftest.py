"""How property tests run, as long as they need, and how much was compared in all of them.

`SOAK=1000` asks for about that many examples, clusters or damaged files of each kind. `--quick`
leaves out most of what takes long: tests that are marked as `long`, but for as many of their cases
as the marker keeps, those that need a browser, an API server or the installed wheel, and most
examples of the property tests. `make test` is quick, everything else, and whoever names a test,
runs the whole.
"""

from __future__ import annotations

import gc
import os
import re
import sys
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

SOAK = int(os.environ.get("SOAK", "0"))
EXAMPLES: Final = 100
QUICK_EXAMPLES: Final = 20
RARELY: Final = 50_000
"""After how many new objects young garbage is looked for: Python's 700 cost a tenth of a run."""
LONG_FIXTURES: Final = frozenset({"base", "browser", "lab", "whole"})
"""A browser, an API server, and the installed wheel: whoever needs one is long."""

# With it jsonschema makes 38 parsers of IRIs when it is imported, for 1.5 s of every process. No
# schema here asks for an IRI, and podwall's own requirements do not bring it.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # how Python is told of no module

WHOLLY_LONG = re.compile(r"^pytestmark = pytest\.mark\.long$", re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the quick part of the suite."""
    parser.addoption("--quick", action="store_true", help="leave out most of what takes long")


def pytest_configure(config: pytest.Config) -> None:
    """Choose how many examples a property test tries that does not say it itself."""
    quick = config.getoption("quick")
    settings.register_profile(
        "podwall",
        deadline=None,  # a busy machine is no bug
        suppress_health_check=[HealthCheck.too_slow],
        max_examples=QUICK_EXAMPLES if quick else max(EXAMPLES, SOAK),
        derandomize=not SOAK,  # a change is not judged by luck; what is new is found by `make soak`
    )
    settings.load_profile("podwall")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no module of which nothing is run."""
    if not config.getoption("quick") or collection_path.suffix != ".py":
        return None
    return True if WHOLLY_LONG.search(collection_path.read_text(encoding="utf-8")) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, where that is asked for."""
    if config.getoption("quick"):
        chosen = set(quick(items))
        config.hook.pytest_deselected(items=[each for each in items if each not in chosen])
        items[:] = [each for each in items if each in chosen]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while modules are imported and tests collected, nor among them later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        gc.set_threshold(RARELY)


def quick(items: Iterable[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield the tests of a quick run: of a long one the cases it keeps, evenly from all of them."""
    for _, cases in groupby(sorted(items, key=lambda each: each.nodeid), key=_function):
        found = list(cases)
        marked = [each for each in found if _is_long(each)]
        yield from (each for each in found if each not in marked)
        kept = min(max(map(_keeps, marked), default=0), len(marked))
        yield from (marked[number * len(marked) // kept] for number in range(kept))


def _is_long(item: pytest.Item) -> bool:
    needed = {*getattr(item, "fixturenames", ())}
    return item.get_closest_marker("long") is not None or not needed.isdisjoint(LONG_FIXTURES)


def _function(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


def _keeps(item: pytest.Item) -> int:
    marker = item.get_closest_marker("long")
    return int(marker.kwargs.get("keep", 0)) if marker else 0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the sum of what tests counted with `record_property("compared: ...", number)`."""
    counted: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, number in report.user_properties:
            if name.startswith("compared: ") and report.when == "call":
                counted[name] += int(str(number))
    for name, number in sorted(counted.items()):
        terminalreporter.write_line(f"{name.removeprefix('compared: ')}: {number:,}")
