"""Where the items of a `List` stand in its text, so that one can be looked at without the others.

How it works: composing a document makes an object of every scalar, some fifty times its text. Of a
list of 10,000 objects, of which three are asked for, only the beginnings of the items are noted,
and the text of an item is composed alone. JSON is gone over value by value, each forgotten at once;
YAML event by event. An item of a block stands at its column, which the text of the item keeps:

    kind: List
    items:
    - kind: Pod          item 0: from `kind: Pod`, column 2, line 2
      spec: {}
    - kind: Service      item 1: from `kind: Service`

A list with aliases is left alone: what one means stands elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from json import JSONDecoder
from typing import Final, NamedTuple

import yaml

__all__ = ["ItemSpan", "item_spans"]

ITEMS: Final = "items"
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_BEGINS: Final = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_ENDS: Final = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_decode: Final = JSONDecoder().raw_decode


class ItemSpan(NamedTuple):
    """The characters of an item, from `start` to before `end`, and how far it is indented."""

    start: int
    end: int
    column: int

    def text(self, document: str) -> str:
        """Return the item as a document of its own, whose first line is the item's."""
        return f"{' ' * self.column}{document[self.start : self.end]}"


def item_spans(document: str) -> Sequence[ItemSpan] | None:
    r"""Return where the items of a list are, None if the document is no list, or has aliases.

    >>> text = "kind: List\nitems:\n- kind: Pod\n- kind: Service\n"
    >>> [span.text(text) for span in item_spans(text)]
    ['  kind: Pod\n', '  kind: Service\n']
    >>> item_spans("kind: Pod") is None
    True
    """
    try:
        return _of_json(document)
    except (ValueError, IndexError, RecursionError):  # it is no JSON
        return _of_yaml(document)


def _of_json(document: str) -> list[ItemSpan] | None:
    at = _past(document, 0, "{")
    while True:
        key, at = _decode(document, at)
        at = _past(document, at, ":")
        if key == ITEMS:
            return _of_array(document, at) if document[at] == "[" else None
        _, at = _decode(document, at)
        if document[_past(document, at)] == "}":
            return None
        at = _past(document, at, ",")


def _of_array(document: str, at: int) -> list[ItemSpan]:
    found: list[ItemSpan] = []
    at = _past(document, at, "[")
    while document[at] != "]":
        _, end = _decode(document, at)
        found.append(ItemSpan(at, end, 0))
        at = _past(document, end)
        if document[at] != "]":
            at = _past(document, at, ",")
    return found


def _past(document: str, at: int, sign: str = "") -> int:
    """Return where the text goes on behind space, a sign, and space again."""
    at = _end_of_space(document, at)
    if not sign:
        return at
    if document[at] != sign:
        raise ValueError(sign)
    return _end_of_space(document, at + 1)


def _end_of_space(document: str, at: int) -> int:
    space = _SPACE.match(document, at)
    return space.end() if space else at


def _of_yaml(document: str) -> list[ItemSpan] | None:
    if document.startswith("\ufeff"):  # which is no character to the parser
        return None
    try:
        return _of_events(yaml.parse(document, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        return None


def _of_events(events: Iterator[yaml.Event]) -> list[ItemSpan] | None:
    """Return the items of the mapping that the first document is."""
    root = next((each for each in events if isinstance(each, yaml.NodeEvent)), None)
    if not isinstance(root, yaml.MappingStartEvent):
        return None
    for key in events:
        if isinstance(key, yaml.MappingEndEvent) or not isinstance(key, yaml.ScalarEvent):
            return None
        value = next(events)
        if key.value == ITEMS:
            return _of_sequence(events) if isinstance(value, yaml.SequenceStartEvent) else None
        _end_of(value, events)
    return None


def _of_sequence(events: Iterator[yaml.Event]) -> list[ItemSpan] | None:
    found: list[ItemSpan] = []
    for first in events:
        if isinstance(first, yaml.SequenceEndEvent):
            break
        end = _end_of(first, events)
        if end is None:
            return None
        start = first.start_mark
        assert start is not None
        column = 0 if getattr(first, "flow_style", False) else start.column
        found.append(ItemSpan(start.index, end, column))
    return found


def _end_of(first: yaml.Event, events: Iterator[yaml.Event]) -> int | None:
    """Return the character behind a value, of which the first event was read; None of an alias."""
    depth, last = 0, first
    while not isinstance(last, yaml.AliasEvent):
        depth += isinstance(last, _BEGINS) - isinstance(last, _ENDS)
        if depth == 0 and last.end_mark is not None:
            return int(last.end_mark.index)
        last = next(events)
    return None
