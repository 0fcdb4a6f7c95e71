"""The text of a YAML stream: the line of a field, and what edits of rules and fields make of it.

Finding a line is a second, slower look, for findings only.

How edits work: the document in which a line stands is composed, the list of rules is looked up, and
the lines of one item are replaced, removed, or added behind the last; of a field, the characters of
its value. Everything else of the file stays as it is, comments included. What came of it is read
again: unless just these rules and fields are different, there is no edit. So no rule is edited of
lists in flow style, and nothing of `List` objects, or of documents with anchors, of which nobody
can tell by its lines what belongs to an item.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import yaml

from podwall.policies.errors import Finding, Place, Severity
from podwall.quick_dataclass import dataclass
from podwall.yaml_values import written_yaml, yaml_values

if TYPE_CHECKING:
    from podwall.sources.listed_items import ItemSpan  # few files are long

__all__ = [
    "FieldEdit",
    "RuleEdit",
    "TextEdit",
    "at_their_lines",
    "edited",
    "exact_place",
    "exact_places",
    "field_line",
    "repeated_keys",
    "with_document",
]


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
    files = FieldLines(texts)
    return [files.exact(each) for each in places]


def exact_place(place: Place, texts: Mapping[str, bytes]) -> Place:
    """Return a place at the line of its field instead of its document's, if its file is known."""
    return FieldLines(texts).exact(place)


class FieldLines:
    """The lines of fields in files: each document is composed once, however often it is asked."""

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        self._texts = texts
        self._files: dict[str, _File] = {}

    def exact(self, place: Place) -> Place:
        """Return a place at the line of its field, not its document's, if its file is known."""
        if place.source not in self._texts:
            return place
        if place.source not in self._files:
            self._files[place.source] = _File(self._texts[place.source])
        return self._files[place.source].exact(place)


class _File:
    """A file of documents, in which fields are looked up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._starts = [0, *(match.end() for match in NEWLINE.finditer(data))]
        self._documents: dict[int, _Document] = {}

    def exact(self, place: Place) -> Place:
        if place.line is None or not place.path:
            return place
        before, document = self._document(place.line)
        line = document.line(place.line - before, place.path)
        return place if line is None else replace(place, line=before + line)

    def _document(self, line: int) -> tuple[int, _Document]:
        """Return the document that a line is in, and how many lines stand before its text."""
        offset = self._starts[line - 1]
        start = self._data.rfind(b"\n---", 0, offset) + 1
        if start not in self._documents:
            end = self._data.find(b"\n---", offset)
            self._documents[start] = _Document(self._data[start : end if end >= 0 else None])
        return bisect_right(self._starts, start) - 1, self._documents[start]


_LONG: Final = 50_000
"""Bytes of a list above which its items are composed one by one, as they are asked for."""
_IN_ITEM: Final = re.compile(r"items\[(\d+)\]\.?(.*)", re.DOTALL)


class _Document:
    """The text of a document, composed as far as its fields are asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._last: tuple[int, yaml.Node | None] = (-1, None)
        self._counted = (0, 0)

    def line(self, at: int, path: str) -> int | None:
        """Return the line of a field of what begins on the line `at`, or of what encloses it."""
        number = _IN_ITEM.fullmatch(path)
        if number and int(number[1]) < len(self._items):
            return self._in_item(int(number[1]), number[2])
        root = _last_at(self._roots, at)
        return None if root is None else _field(root, path)

    def _in_item(self, number: int, path: str) -> int:
        span = self._items[number]
        if self._last[0] != number:
            self._last = number, next(_roots(span.text(self._text).encode()), None)
        line = _field(self._last[1], path) if self._last[1] else None
        return self._lines_before(span.start) + (line or 1)

    def _lines_before(self, offset: int) -> int:
        """Return how many lines end before an offset; the next one is mostly a later one."""
        start, lines = self._counted if self._counted[0] <= offset else (0, 0)
        self._counted = offset, lines + self._text.count("\n", start, offset)
        return self._counted[1]

    @cached_property
    def _roots(self) -> list[yaml.Node]:
        return [*_roots(self._data)]

    @cached_property
    def _items(self) -> Sequence[ItemSpan]:
        if len(self._data) <= _LONG:
            return ()
        from podwall.sources.listed_items import item_spans  # noqa: PLC0415 - few files are long

        return item_spans(self._text) or ()

    @cached_property
    def _text(self) -> str:
        return self._data.decode(errors="replace")


def field_line(data: bytes, document_line: int, path: str) -> int | None:
    r"""Return the line of a field of the document that starts on a line, or of what encloses it.

    >>> field_line(b"kind: Pod\nspec:\n  hostNetwork: 1\n", 1, "spec.hostNetwork")
    3
    """
    root = _last_at([*_roots(data)], document_line)
    return None if root is None else _field(root, path) or document_line


def _last_at(roots: Sequence[yaml.Node], line: int) -> yaml.Node | None:
    return next((node for node in reversed(roots) if _line(node) <= line), None)


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


_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_ANCHOR: Final = re.compile(r"(?:^|[\s:,\[{-])[&*][\w-]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RuleEdit:
    """What becomes of one rule: `line` is in its document, `new` is None where it is removed.

    An `index` behind the last rule adds one.
    """

    line: int
    direction: str
    index: int
    new: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class FieldEdit:
    """Another value of a field, such as `spec.ingress[0].ports[0].port`; `line` is in its document.

    A field that is not there is added to its object, first or behind `podSelector`.
    """

    line: int
    path: str
    new: str | int | tuple[str, ...]

    @property
    def steps(self) -> list[str | int]:
        """The keys and indices on the way to the value."""
        found = _STEP.findall(self.path)
        return [int(index) if index else key for key, index in found]

    @property
    def value(self) -> str | int | list[str]:
        """The value as a document has it."""
        return list(self.new) if isinstance(self.new, tuple) else self.new


TextEdit = RuleEdit | FieldEdit


def edited(text: str, edits: Sequence[TextEdit]) -> str | None:
    r"""Return a text with its rules edited, None where it is not certain what that would be.

    >>> text = "spec:\n  ingress:\n  - {}  # all\n  - ports: []\n"
    >>> print(edited(text, [RuleEdit(1, "ingress", 1)]), end="")
    spec:
      ingress:
      - {}  # all
    """
    found: str | None = text
    # From the end on, so that what stands before keeps its line and its index.
    for each in _from_the_end(edits):
        change = _edited if isinstance(each, RuleEdit) else _with_field
        found = None if found is None else change(found, each)  # type: ignore[arg-type]  # its own kind
    return found if found is not None and _is_as_meant(text, found, edits) else None


def _from_the_end(edits: Sequence[TextEdit]) -> list[TextEdit]:
    def place(edit: TextEdit) -> tuple[int, str, int]:
        return (
            (edit.line, edit.direction, edit.index)
            if isinstance(edit, RuleEdit)
            else (edit.line, edit.path, 0)
        )

    return sorted(edits, key=place, reverse=True)


def with_document(text: str, document: str) -> str:
    """Return a text of YAML documents with another one at its end."""
    return f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}---\n{document}"


def _edited(text: str, edit: RuleEdit) -> str | None:
    node = _rules(text, edit)
    if node is None or node.flow_style or not node.value or _ANCHOR.search(text):
        return None
    lines = text.splitlines(keepends=True)
    if edit.index >= len(node.value):
        at = _last_line(node.value[-1]) + 1
        first, end = at, at
    else:
        first = node.value[edit.index].start_mark.line
        end = _last_line(node.value[edit.index]) + 1
    if not _begins_item(lines, node.value[min(edit.index, len(node.value) - 1)]):
        return None
    indent = " " * node.start_mark.column
    return "".join((*lines[:first], *_written(edit.new, indent, text), *lines[end:]))


def _with_field(text: str, edit: FieldEdit) -> str | None:
    """Return the text with another value of a field; the node's marks count characters."""
    root = _document(text, edit.line)
    if root is None or _ANCHOR.search(text) or text.startswith("\ufeff"):
        return None
    *way, last = edit.steps
    parent: yaml.Node | None = root
    for step in way:
        parent = _child(parent, step)
    if parent is None:
        return None
    node = _child(parent, last)
    if node is None:
        return _with_new_field(text, parent, str(last), _flow(edit.new))
    if not isinstance(node, yaml.ScalarNode) or node.style in {"|", ">"}:
        return None
    quoted = f"{_flow(edit.new)}".join([node.style or ""] * 2)
    return f"{text[: node.start_mark.index]}{quoted}{text[node.end_mark.index :]}"


def _with_new_field(text: str, parent: yaml.Node, key: str, value: str) -> str | None:
    if not isinstance(parent, yaml.MappingNode) or not parent.value:
        return None
    first = parent.value[0][0]
    if parent.flow_style:
        at = first.start_mark.index
        return f"{text[:at]}{key}: {value}, {text[at:]}"
    indent = " " * first.start_mark.column
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    before = _value(parent, "podSelector")
    at = first.start_mark.line if before is None else _last_line(before) + 1
    if at and not lines[at - 1].endswith("\n"):
        lines[at - 1] += newline
    return "".join((*lines[:at], f"{indent}{key}: {value}{newline}", *lines[at:]))


def _flow(value: str | int | tuple[str, ...]) -> str:
    return f"[{', '.join(value)}]" if isinstance(value, tuple) else str(value)


def _child(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(step, str):
        return _value(node, step)
    items = node.value if isinstance(node, yaml.SequenceNode) else []
    return items[step] if step < len(items) else None


def _begins_item(lines: Sequence[str], item: yaml.Node) -> bool:
    """Return whether the line of an item has its dash, and nothing else before it."""
    mark = item.start_mark
    return lines[mark.line][: mark.column].strip() == "-"


def _written(rule: Mapping[str, Any] | None, indent: str, text: str) -> list[str]:
    if rule is None:
        return []
    written = written_yaml([dict(rule)])
    newline = "\r\n" if "\r\n" in text else "\n"
    return [f"{indent}{line}{newline}" for line in written.splitlines()]


def _rules(text: str, edit: RuleEdit) -> yaml.SequenceNode | None:
    """Return the list of rules in the document in which a line stands."""
    found = _value(_value(_document(text, edit.line), "spec"), edit.direction)
    return found if isinstance(found, yaml.SequenceNode) else None


def _document(text: str, line: int) -> yaml.Node | None:
    """Return the root of the document in which a line stands."""
    for root in yaml.compose_all(text, Loader=yaml.CSafeLoader):
        if root.start_mark.line <= line - 1 <= _last_line(root):
            return root
    return None


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for name, value in pairs if name.value == key), None)


def _last_line(node: yaml.Node) -> int:
    """Return the last line that a node has anything on; a block's own end is behind it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return max(map(_last_line, last)) if isinstance(last, tuple) else _last_line(last)
    end = node.end_mark
    return int(end.line - 1 if end.column == 0 and end.line > node.start_mark.line else end.line)


def _is_as_meant(before: str, after: str, edits: Sequence[TextEdit]) -> bool:
    """Return whether just the rules and fields of the edits are different, as they should be."""
    try:
        old, new = ([each.value for each in yaml_values(t.encode())] for t in (before, after))
        lines = [root.start_mark.line for root in yaml.compose_all(before, Loader=yaml.CSafeLoader)]
    except yaml.YAMLError:
        return False
    for edit in _from_the_end(edits):
        number = sum(line <= edit.line - 1 for line in lines) - 1
        _change(old[number], edit)
    return old == new


def _change(document: Any, edit: TextEdit) -> None:
    """Do to the values what an edit does to the text."""
    if isinstance(edit, RuleEdit):
        rules = document["spec"][edit.direction]
        rules[edit.index : edit.index + 1] = [] if edit.new is None else [dict(edit.new)]
        return
    *way, last = edit.steps
    for step in way:
        document = document[step]
    document[last] = edit.value
