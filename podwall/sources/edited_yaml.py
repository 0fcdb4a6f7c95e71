"""Edits of single rules and fields in a manifest's text, where it is certain what it becomes.

How it works: the document in which a line stands is composed, the list of rules is looked up, and
the lines of one item are replaced, removed, or added behind the last; of a field, the characters of
its value. Everything else of the file stays as it is, comments included. What came of it is read
again: unless just these rules and fields are different, there is no edit. So no rule is edited of
lists in flow style, and nothing of `List` objects, or of documents with anchors, of which nobody
can tell by its lines what belongs to an item.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from podwall.quick_dataclass import dataclass
from podwall.yaml_values import written_yaml, yaml_values

__all__ = ["FieldEdit", "RuleEdit", "edited", "with_document"]

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


Edit = RuleEdit | FieldEdit


def edited(text: str, edits: Sequence[Edit]) -> str | None:
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


def _from_the_end(edits: Sequence[Edit]) -> list[Edit]:
    def place(edit: Edit) -> tuple[int, str, int]:
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


def _is_as_meant(before: str, after: str, edits: Sequence[Edit]) -> bool:
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


def _change(document: Any, edit: Edit) -> None:
    """Do to the values what an edit does to the text."""
    if isinstance(edit, RuleEdit):
        rules = document["spec"][edit.direction]
        rules[edit.index : edit.index + 1] = [] if edit.new is None else [dict(edit.new)]
        return
    *way, last = edit.steps
    for step in way:
        document = document[step]
    document[last] = edit.value
