"""What a reader may take grows with its input: a stranger's file can't make it much more."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
import yaml

from podwall.policies.errors import Place, SourceError
from podwall.sources.files import MOST_CRUMBS
from podwall.sources.yaml_documents import parse_manifests, parse_yaml, read_manifests
from podwall.sources.yaml_lines import exact_places

MEGABYTE = 1 << 20
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"


def peak_memory(text: str) -> int:
    data = text.encode()
    tracemalloc.start()
    try:
        parse_yaml(data, "a.yaml")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{HEAD}  key: {'a' * MEGABYTE}\n", id="one long word"),
        pytest.param(f"{HEAD}  key: {'a ' * (MEGABYTE // 2)}\n", id="many words on a line"),
        pytest.param(f"{HEAD}  key: '{'a' * MEGABYTE}'\n", id="one long quoted text"),
        pytest.param(f"{HEAD}  # {'a' * MEGABYTE}\n  key: b\n", id="one long comment"),
        pytest.param("---\n" * (MEGABYTE // 4), id="nothing but separators"),
    ],
)
@pytest.mark.long(keep=1)
def test_memory_grows_with_the_input(text: str) -> None:
    assert peak_memory(text) < 10 * len(text) + 10 * MEGABYTE


MANY = MOST_CRUMBS + 1
CRUMBS = {
    "objects in a list": '{"kind": "List", "items": [' + ", ".join(['{"kind": "x"}'] * MANY) + "]}",
    "objects one after another": '{"kind": "x"}\n' * MANY,
    "documents": "---\nkind: x\n" * MANY,
    "items of a document": "kind: List\nitems:\n" + "- kind: x\n" * MANY,
}


def test_hundreds_of_thousands_of_mappings_are_refused_before_they_are_parsed() -> None:
    with pytest.raises(SourceError, match="250,001 mappings in 750,004 bytes"):
        parse_manifests(("[" + ",".join(["{}"] * 250_001) + "]").encode(), "a.json")


@pytest.mark.parametrize("text", CRUMBS.values(), ids=CRUMBS)
def test_more_small_objects_than_anybody_writes_are_refused(text: str, tmp_path: Path) -> None:
    """Each would take kilobytes once it is read, whatever it takes as a text."""
    with pytest.raises(SourceError, match="objects of"):
        parse_manifests(text.encode(), "a.yaml")
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    found = read_manifests(str(tmp_path / "a.yaml"))
    assert [each.id for each in found.findings] == ["unreadable-file"]


@pytest.mark.long
def test_as_many_objects_as_are_written_are_read() -> None:
    text = f"---\nkind: x\nname: {'a' * 250}\n" * MANY
    assert len(parse_manifests(text.encode(), "a.yaml").documents) == MANY


_RULES = [{"ports": [{"port": number}]} for number in range(9)]
_OBJECT = {"kind": "NetworkPolicy", "spec": {"ingress": _RULES}}
_LISTED = {"kind": "List", "items": [_OBJECT] * 2_000}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(json.dumps(_LISTED), id="JSON"),
        pytest.param(yaml.safe_dump(json.loads(json.dumps(_LISTED))), id="YAML"),
    ],
)
def test_lines_of_a_long_list_take_no_more_than_it(text: str) -> None:
    """Composed as a whole it took sixty times its text, for one line of it."""
    place = Place("a", 1, "items[1999].spec.ingress[8].ports[0].port")
    tracemalloc.start()
    try:
        (found,) = exact_places([place], {"a": text.encode()})
        assert tracemalloc.get_traced_memory()[1] < 6 * len(text)
    finally:
        tracemalloc.stop()
    assert text.splitlines()[(found.line or 0) - 1].endswith(("port: 8", "}"))
