"""One class has one name, and the words of the house are few and explained."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.house.count import MODULES, PACKAGE, ROOT, WIRE_TYPES, duplicate_names

MOST_WORDS = 30
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
GLOSSARY = re.findall(r"^\| `(\w+)` \|", PAGE.partition("## Glossary")[2], re.MULTILINE)

# Words for which the field has others, which this code once used instead.
PRIVATE = (
    "acts", "boxes", "face", "faces", "grain", "lens", "lenses", "said", "scene", "scenes", "tell",
    "tells", "term", "terms", "told", "wish", "wishes",
)  # fmt: skip


def test_no_class_name_stands_twice() -> None:
    assert duplicate_names() == {}


def test_every_exempted_name_is_a_type_of_the_package() -> None:
    package = "".join(path.read_text() for path in MODULES if PACKAGE in path.parents)
    assert [name for name in WIRE_TYPES if f"class {name}(" not in package] == []


def test_the_glossary_is_short() -> None:
    assert 0 < len(GLOSSARY) <= MOST_WORDS
    assert sorted(set(GLOSSARY)) == GLOSSARY


@pytest.mark.parametrize("word", GLOSSARY)
def test_every_word_of_the_glossary_is_one_of_the_code(word: str) -> None:
    assert word in words() or f"{word}s" in words() or f"{word}es" in words()


@pytest.mark.parametrize("word", PRIVATE)
def test_no_private_word_is_a_name(word: str) -> None:
    assert words().get(word, set()) == set()


@cache
def words() -> dict[str, set[str]]:
    """Return the words that names in the code are made of, each with the modules."""
    found: dict[str, set[str]] = {}
    for path in MODULES:
        for word in _words_in(path):
            found.setdefault(word, set()).add(str(path.relative_to(ROOT)))
    return found


def _words_in(path: Path) -> Iterator[str]:
    for name in {*_names_in(ast.parse(path.read_text(encoding="utf-8")))}:
        yield from map(str.lower, re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name))


def _names_in(tree: ast.Module) -> Iterator[str]:
    """Yield every name of a module; what stands in its texts is none."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant):
            yield from (each for _, each in ast.iter_fields(node) if isinstance(each, str))
