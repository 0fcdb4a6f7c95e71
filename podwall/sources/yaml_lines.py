"""Find the line of a field in a YAML stream: a second, slower look, for findings only."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import yaml

from podwall.policies.errors import Finding, Place, Severity

__all__ = ["at_their_lines", "exact_place", "exact_places", "field_line", "repeated_keys"]

NEWLINE: Final = re.compile(rb"\n")
STEP: Final = re.compile(r"\[(\d+)\]|\[([^\]]+)\]|([^.\[]+)")


class _Composer(yaml.CSafeLoader):
    """Composes nodes with their lines; what their scalars mean does not matter here."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        del kind, value, implicit
        return "tag:yaml.org,2002:str"


def repeated_keys(data: bytes, before: Place) -> Iterator[Finding]:
    """Yield a finding for every key that stands twice in one mapping."""
    for mapping in _mappings(data):
        seen: set[str] = set()
        for key, _ in mapping.value:
            name = str(key.value)
            if name in seen:
                yield _repeated(name, Place(before.source, (before.line or 0) + _line(key)))
            seen.add(name)


def at_their_lines(findings: Sequence[Finding], texts: Mapping[str, bytes]) -> Iterator[Finding]:
    """Yield findings, each at the line of the field it is about, where its file is known."""
    places = exact_places([finding.place for finding in findings], texts)
    for finding, place in zip(findings, places, strict=True):
        yield finding if place == finding.place else replace(finding, place=place)


def exact_places(places: Sequence[Place], texts: Mapping[str, bytes]) -> list[Place]:
    """Return places, each at the line of its field instead of its document's, if that is known.

    A path begins at the document that the line is in, so that a place that is exact stays as it is.
    Each document is composed once, however many places name its line.
    """
    files = {name: _File(texts[name]) for name in {each.source for each in places} & texts.keys()}
    return [files[each.source].exact(each) if each.source in files else each for each in places]


def exact_place(place: Place, texts: Mapping[str, bytes]) -> Place:
    """Return a place at the line of its field instead of its document's, if its file is known."""
    return exact_places([place], texts)[0]


class _File:
    """A file of documents, in which fields are looked up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._starts = [0, *(match.end() for match in NEWLINE.finditer(data))]
        self._roots: dict[int, tuple[int, yaml.Node | None]] = {}

    def exact(self, place: Place) -> Place:
        if place.line is None or not place.path:
            return place
        if place.line not in self._roots:
            self._roots[place.line] = self._root(place.line)
        before, root = self._roots[place.line]
        line = None if root is None else _field(root, place.path)
        return place if line is None else replace(place, line=before + line)

    def _root(self, line: int) -> tuple[int, yaml.Node | None]:
        """Return the document that a line is in, and how many lines stand before its text."""
        offset = self._starts[line - 1]
        start = self._data.rfind(b"\n---", 0, offset) + 1
        end = self._data.find(b"\n---", offset)
        text = self._data[start : end if end >= 0 else len(self._data)]
        before = bisect_right(self._starts, start) - 1
        return before, _root_at(text, line - before)


def field_line(data: bytes, document_line: int, path: str) -> int | None:
    r"""Return the line of a field of the document that starts on a line, or of what encloses it.

    >>> field_line(b"kind: Pod\nspec:\n  hostNetwork: 1\n", 1, "spec.hostNetwork")
    3
    """
    root = _root_at(data, document_line)
    return None if root is None else _field(root, path) or document_line


def _root_at(data: bytes, line: int) -> yaml.Node | None:
    return next((node for node in reversed([*_roots(data)]) if _line(node) <= line), None)


def _field(root: yaml.Node, path: str) -> int | None:
    """Return the line of a field, or of the innermost part of the way to it that is there."""
    line, node = None, root
    for index, label, name in STEP.findall(path):
        found = _item(node, int(index)) if index else _entry(node, label or name)
        if found is None:
            return line
        line, node = found
    return line


def _item(node: yaml.Node, index: int) -> tuple[int, yaml.Node] | None:
    if not isinstance(node, yaml.SequenceNode) or index >= len(node.value):
        return None
    return _line(node.value[index]), node.value[index]


def _entry(node: yaml.Node, name: str) -> tuple[int, yaml.Node] | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    entries = (pair for pair in reversed(node.value) if pair[0].value == name)
    return next(((_line(key), value) for key, value in entries), None)


def _roots(data: bytes) -> Iterator[yaml.Node]:
    composer = _Composer(data)
    try:
        while composer.check_node():
            node = composer.get_node()
            if node is not None:
                yield node
    except yaml.YAMLError:
        return
    finally:
        composer.dispose()


def _mappings(data: bytes) -> Iterator[yaml.MappingNode]:
    todo: list[yaml.Node] = list(_roots(data))
    seen: set[int] = set()
    while todo:
        node = todo.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield node
            todo.extend(part for pair in node.value for part in pair)
        else:
            todo.extend(node.value)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _repeated(name: str, place: Place) -> Finding:
    return Finding(
        "duplicate-key",
        Severity.WARNING,
        f"key `{name}` stands twice in one mapping; the last one is taken",
        place,
        "remove one of the two",
    )
