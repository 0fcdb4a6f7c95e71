"""No import circle, those included that are only for type checkers or stand inside a function."""

from __future__ import annotations

from tests.house.count import circle


def test_no_import_circle() -> None:
    assert " -> ".join(circle()) == ""
