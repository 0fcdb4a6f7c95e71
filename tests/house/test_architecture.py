"""ARCHITECTURE.md tells the truth about this tree."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.house.test_size import ROOT

PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
# `out/` is made by the first preview.
PATHS = sorted(set(re.findall(r"`([\w./]+(?:/|\.py))`", PAGE)) - {"out/"})
INVARIANTS = re.split(r"^\d+\. ", PAGE.partition("## Invariants")[2], flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("path", PATHS)
def test_every_path_that_the_page_names_exists(path: str) -> None:
    places = (ROOT, ROOT / "podwall")
    assert any((place / path).exists() for place in places)


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda text: text[:40])
def test_every_invariant_names_what_holds_it(invariant: str) -> None:
    assert re.search(r"Held by\s[^.]*`[^`]+`", invariant)


def test_every_contract_that_the_page_names_is_declared() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {each["id"] for each in settings["tool"]["importlinter"]["contracts"]}
    named = set(re.findall(r"`((?:pure|podwall|pulumi)-[a-z]+|rooms)`", PAGE))
    assert named - {"podwall-layers"} <= declared
    assert named


def test_every_room_of_podwall_is_on_the_page() -> None:
    rooms = {path.stem for path in (ROOT / "podwall").iterdir() if path.suffix in ("", ".py")}
    said = {name for name in rooms if re.search(rf"podwall[/.]{name}\b", PAGE)}
    small = {"__init__", "__main__", "__pycache__", "intervals", "portset", "py"}
    assert rooms - said <= small
