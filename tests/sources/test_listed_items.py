"""The items of a long list are found one by one, at the lines that the whole document gives."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
import yaml

from podwall.policies.errors import Place
from podwall.sources import yaml_lines
from podwall.sources.listed_items import item_spans
from podwall.sources.yaml_lines import exact_places

WORDS = ("a", "käse", "two words", "x: y", "- z", "# no comment", "", "1", "null", "\u2014", "a\nb")


def value(rng: Random, depth: int) -> Any:
    match rng.randrange(4 if depth else 1):
        case 1:
            return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
        case 2 | 3:
            return {f"k{n}": value(rng, depth - 1) for n in range(rng.randrange(4))}
        case _:
            return rng.choice(WORDS)


def paths(found: Any, path: str) -> list[str]:
    match found:
        case dict():
            return [path, *(p for k, v in found.items() for p in paths(v, f"{path}.{k}"))]
        case list():
            return [path, *(p for n, v in enumerate(found) for p in paths(v, f"{path}[{n}]"))]
        case _:
            return [path]


def written(rng: Random, document: Any) -> str:
    if rng.random() < 0.4:
        return json.dumps(
            document, indent=rng.choice([None, 1, 4]), ensure_ascii=rng.random() < 0.5
        )
    options: dict[str, Any] = {"indent": rng.choice([2, 4]), "sort_keys": False}
    style = rng.choice([None, False, True])
    text = yaml.safe_dump(document, default_flow_style=style, allow_unicode=True, **options)
    lines = text.splitlines(keepends=True)
    if rng.random() < 0.3 and not style:
        lines.insert(0, "# a comment\n")
    return "".join(lines)


@pytest.mark.parametrize("number", range(60))
def test_a_field_has_the_line_that_the_whole_document_gives(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = Random(number)
    items = [value(rng, 3) for _ in range(rng.randrange(6))]
    document = {"kind": "List", "metadata": value(rng, 2), "items": items, "z": value(rng, 1)}
    text = written(rng, document)
    line = 1 + text.startswith("#")
    asked = [Place("a", line, path) for path in paths(items, "items")]
    asked += [Place("a", line, f"{path}.absent") for path in paths(items, "items")]
    rng.shuffle(asked)
    whole = exact_places(asked, {"a": text.encode()})
    monkeypatch.setattr(yaml_lines, "_LONG", 0)
    spans = item_spans(text)
    assert spans is not None
    assert len(spans) == len(items)
    assert exact_places(asked, {"a": text.encode()}) == whole


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("items:\n- &a {k: v}\n- *a\n", id="an alias for an item"),
        pytest.param("x: &a {k: v}\nitems:\n- k: *a\n", id="an alias in one"),
        pytest.param("items: {a: b}\n", id="no sequence"),
        pytest.param("[{items: []}]\n", id="no mapping"),
        pytest.param("kind: Pod\n", id="no list"),
        pytest.param("\ufeffitems:\n- a\n", id="a mark of the encoding"),
        pytest.param('{"items": {"a": 1}}', id="JSON without a sequence"),
        pytest.param('{"kind": "Pod"}', id="JSON that is no list"),
        pytest.param("items: [", id="what is no YAML"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_has_no_items_of_its_own_is_composed_as_a_whole(text: str) -> None:
    assert item_spans(text) is None
