"""Nothing but the review joins what was read, what it means, and what was found.

The import contract `one-review` holds the modules; this holds the names, which a package offers
beside its types: whoever calls two of these by himself has written the recipe again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STEPS = {
    "podwall.reading": {"snapshot"},
    "podwall.reachability": {"reachability"},
    "podwall.lint": {"lint", "ranked", "silenceable", "triaged"},
}
# The core computes with them; the rest of the library and the action ask the review.
CORE = {
    "change_review.py",
    "diff",
    "expectations",
    "explain",
    "lint",
    "migrate",
    "overview.py",
    "reachability",
    "reading",
    "review.py",
    "suggest",
    "verdict_table.py",
}


OF_A_PART = ["podwall/live/copies.py: snapshot", "podwall/verify/comparing.py: reachability"]
"""Whether a change of one object says anything new, and what one service opens by itself.

Nothing is found there, and what is answered about the whole comes from the review.
"""


def _edges() -> list[Path]:
    rooms = [each for each in (ROOT / "podwall").iterdir() if each.name not in CORE]
    files = [each for each in rooms if each.suffix == ".py"]
    return [*files, *(file for each in rooms if each.is_dir() for file in each.rglob("*.py"))]


def _steps_in(path: Path) -> Iterator[str]:
    """Yield the steps of the recipe that a module imports, however it imports them."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for room, names in STEPS.items():
                if node.module == room or node.module.startswith(f"{room}."):
                    imported = {each.name for each in node.names} & names
                    yield from (f"{path.relative_to(ROOT)}: {each}" for each in sorted(imported))


@pytest.mark.long
def test_the_edges_ask_the_review() -> None:
    edges = _edges()
    assert len(edges) > 60
    steps = [step for path in edges for step in _steps_in(path)]
    assert sorted(steps) == OF_A_PART


def test_the_review_itself_takes_every_step() -> None:
    taken = {each.rpartition(" ")[2] for each in _steps_in(ROOT / "podwall" / "review.py")}
    assert taken == {name for names in STEPS.values() for name in names}
