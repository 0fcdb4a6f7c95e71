"""Edits of single rules in the text of a manifest, where it is certain what the text becomes.

How it works: the document in which a line stands is composed, the list of rules is looked up, and
the lines of one item are replaced, removed, or added behind the last. Everything else of the file
stays as it is, comments included. What came of it is read again: unless just these rules are
different, there is no edit. So nothing is edited of lists in flow style, of `List` objects, or of
documents with anchors, of which nobody can tell by its lines what belongs to an item.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from podwall.yaml_values import written_yaml, yaml_values

__all__ = ["RuleEdit", "edited", "with_document"]

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


def edited(text: str, edits: Sequence[RuleEdit]) -> str | None:
    r"""Return a text with its rules edited, None where it is not certain what that would be.

    >>> text = "spec:\n  ingress:\n  - {}  # all\n  - ports: []\n"
    >>> print(edited(text, [RuleEdit(1, "ingress", 1)]), end="")
    spec:
      ingress:
      - {}  # all
    """
    found: str | None = text
    # From the end on, so that what stands before keeps its line and its index.
    for each in sorted(edits, key=lambda edit: (edit.line, edit.direction, edit.index))[::-1]:
        found = None if found is None else _edited(found, each)
    return found if found is not None and _is_as_meant(text, found, edits) else None


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
    for root in yaml.compose_all(text, Loader=yaml.CSafeLoader):
        begins, ends = root.start_mark.line, _last_line(root)
        if begins <= edit.line - 1 <= ends:
            found = _value(_value(root, "spec"), edit.direction)
            return found if isinstance(found, yaml.SequenceNode) else None
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


def _is_as_meant(before: str, after: str, edits: Sequence[RuleEdit]) -> bool:
    """Return whether just the rules of the edits are different, as they should be."""
    try:
        old, new = ([each.value for each in yaml_values(t.encode())] for t in (before, after))
        lines = [root.start_mark.line for root in yaml.compose_all(before, Loader=yaml.CSafeLoader)]
    except yaml.YAMLError:
        return False
    for edit in sorted(edits, key=lambda each: (each.line, each.direction, each.index))[::-1]:
        number = sum(line <= edit.line - 1 for line in lines) - 1
        rules = old[number]["spec"][edit.direction]
        rules[edit.index : edit.index + 1] = [] if edit.new is None else [dict(edit.new)]
    return old == new
