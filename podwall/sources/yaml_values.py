"""Build plain values from YAML events, as Kubernetes converts YAML to JSON.

Without recursion, so that no nesting exhausts a stack; with a bound on what aliases stand for.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import yaml

from podwall.sources.scalars import BareLetter, PlainScalars, plain_scalar, with_text_keys

__all__ = ["Value", "yaml_values"]

DEEPEST: Final = 250
#: How many values aliases may stand for in one document; the API server's limit is similar
#: (https://github.com/kubernetes/kubernetes/issues/83253).
MOST_ALIASED: Final = 400_000
STANDARD: Final = "tag:yaml.org,2002:"
TEXT_TAGS: Final = (None, "!", f"{STANDARD}str")

Handlers = dict[type[Any], Callable[[Any], None]]


class Value(NamedTuple):
    """The value of one document and the line it starts on (from 0).

    `repeats`: whether a key repeats. `letters`: the lines with a bare `y` or `n`.
    """

    value: Any
    line: int
    repeats: bool
    letters: tuple[int, ...]


def yaml_values(data: bytes) -> Iterator[Value]:
    """Yield the value of every document of a stream, or raise `yaml.YAMLError` where it ends."""
    loader = yaml.CSafeLoader(data)
    builder = _Builder()
    handlers: Handlers = builder.handlers()
    try:
        while True:
            event = loader.get_event()
            kind = type(event)
            if kind is yaml.DocumentEndEvent:
                yield builder.finished()
            elif kind is yaml.StreamEndEvent:
                return
            else:
                handlers[kind](event)
    finally:
        loader.dispose()


class _Builder:
    """Builds one value at a time; `open` holds the collections that are not yet complete."""

    def __init__(self) -> None:
        self.plain = PlainScalars()
        self.start(None)

    def handlers(self) -> Handlers:
        return {
            yaml.StreamStartEvent: self.start,
            yaml.DocumentStartEvent: self.start,
            yaml.ScalarEvent: self.scalar,
            yaml.AliasEvent: self.alias,
            yaml.MappingStartEvent: self.open_collection,
            yaml.SequenceStartEvent: self.open_collection,
            yaml.MappingEndEvent: self.close_mapping,
            yaml.SequenceEndEvent: self.close_sequence,
        }

    def start(self, _: Any) -> None:
        self.items: list[Any] = []
        self.open: list[tuple[list[Any], str | None]] = []
        self.anchors: dict[str, Any] = {}
        self.sizes: dict[int, int] = {}
        self.aliased = 0
        self.line = 0
        self.repeats = False
        self.letters: list[int] = []

    def finished(self) -> Value:
        return Value(self.items[0], self.line, self.repeats, tuple(self.letters))

    def scalar(self, event: yaml.ScalarEvent) -> None:
        value = self.plain[event.value] if event.implicit[0] else _tagged(event)
        self.items.append(value)
        if type(value) is BareLetter:
            self.letters.append(event.start_mark.line if event.start_mark else self.line)
        if event.anchor is not None:
            self.anchors[event.anchor] = value

    def open_collection(self, event: yaml.CollectionStartEvent) -> None:
        if not self.open:
            self.line = event.start_mark.line if event.start_mark else 0
        elif len(self.open) == DEEPEST:
            raise _problem(f"nested deeper than {DEEPEST} levels", event)
        self.open.append((self.items, event.anchor))
        self.items = []

    def close_sequence(self, _: yaml.SequenceEndEvent) -> None:
        self.close(self.items)

    def close_mapping(self, event: yaml.MappingEndEvent) -> None:
        try:
            pairs = _mapping(self.items)
        except TypeError as problem:
            raise _problem(str(problem), event) from None
        self.repeats = self.repeats or 2 * len(pairs) != len(self.items)
        self.close(pairs)

    def close(self, value: Any) -> None:
        self.items, anchor = self.open.pop()
        self.items.append(value)
        if anchor is not None:
            self.anchors[anchor] = value

    def alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self.anchors:
            raise _problem(f"alias `{event.anchor}` stands for nothing that is complete", event)
        value = self.anchors[event.anchor]
        self.aliased += _size(value, self.sizes)
        if self.aliased > MOST_ALIASED:
            raise _problem("aliases stand for too much", event)
        self.items.append(value)


def _mapping(items: list[Any]) -> dict[str, Any]:
    halves = iter(items)
    try:
        pairs = dict(zip(halves, halves, strict=True))
    except TypeError:
        return with_text_keys(items)
    return pairs if set(map(type, pairs)) <= {str} else with_text_keys(items)


def _size(value: Any, sizes: dict[int, int]) -> int:
    """Return how many values a value contains, counting what aliases stand for."""
    if not isinstance(value, (dict, list)):
        return 1
    if id(value) not in sizes:
        parts = value.values() if isinstance(value, dict) else value
        sizes[id(value)] = 1 + sum(_size(part, sizes) for part in parts)
    return sizes[id(value)]


def _tagged(event: yaml.ScalarEvent) -> Any:
    """Return the value of a scalar that is quoted or has a tag, such as `!!str 80`."""
    if event.tag in TEXT_TAGS or not event.tag.startswith(STANDARD):
        return event.value
    return _decoded(event) if event.tag == f"{STANDARD}binary" else plain_scalar(event.value)


def _decoded(event: yaml.ScalarEvent) -> str:
    try:
        return b64decode(event.value).decode(errors="replace")
    except ValueError:
        raise _problem("`!!binary` needs base64", event) from None


def _problem(message: str, event: yaml.Event) -> yaml.MarkedYAMLError:
    mark: Any = event.start_mark  # the C scanner's marks are of another class with the same fields
    return yaml.MarkedYAMLError(problem=message, problem_mark=mark)
