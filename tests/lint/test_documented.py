"""The page that lists the lints is true."""

from __future__ import annotations

from pathlib import Path

import pytest

from podwall.lint import LINTS, Lint

PAGE = (Path(__file__).parents[2] / "docs" / "lints.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("each", LINTS, ids=[each.id for each in LINTS])
def test_every_lint_is_on_the_page(each: Lint) -> None:
    name = f"[{each.id}]({each.link})" if each.link else each.id
    assert f"| {name} | {each.severity} | {each.help} |\n" in PAGE


def test_the_page_lists_nothing_else() -> None:
    lints, _, _ = PAGE.partition("## Findings of the readers")
    rows = [line for line in lints.splitlines() if line.startswith("| [") or " | info | " in line]
    assert len(rows) == len(LINTS)
