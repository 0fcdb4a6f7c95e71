"""The threat model names what holds each of its lines, and all of that exists."""

from __future__ import annotations

import re

import pytest

from tests.house.count import ROOT

PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "held by" not in line]


@pytest.mark.parametrize("row", ROWS, ids=[each.split("|")[1].strip() for each in ROWS])
def test_a_line_of_the_threat_model_has_its_tests(row: str) -> None:
    held_by = re.findall(r"`(tests/[^`]+)`", row.split("|")[3])
    assert held_by
    assert [each for each in held_by if not (ROOT / each).exists()] == []
