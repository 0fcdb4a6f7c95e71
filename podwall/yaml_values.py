"""Build plain values from YAML events, as Kubernetes converts YAML to JSON.

kubectl reads YAML with go-yaml v2, whose YAML is 1.1 with exceptions: `yes` and `on` are booleans,
`010` is eight, `1e3` is a number, while dates and `12:30` are strings. A label written so is not
the string it looks like, and is refused. The bare letters `y` and `n` are booleans to kubectl too,
which then refuses the object, and strings to most other libraries: they are read as what they look
like, with a finding.
https://github.com/kubernetes-sigs/yaml, https://github.com/yaml/go-yaml/blob/v2/resolve.go

The Pulumi CLI reads its own files with go-yaml v3, to which `yes`, `on` and `y` are strings, and
whose dates reach a program as Go writes them (measured with Pulumi 3.260).
https://github.com/yaml/go-yaml/blob/v3/resolve.go

Values are built without recursion, so that no nesting exhausts a stack; what aliases stand for is
bounded.
"""

from __future__ import annotations

import math
import re
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

import yaml

from podwall.streams import shown_text

__all__ = [
    "BareLetter",
    "PlainScalars",
    "PulumiScalars",
    "Scalar",
    "Value",
    "plain_scalar",
    "with_text_keys",
    "written_yaml",
    "yaml_values",
]


Scalar = str | int | float | bool | None


class Merge(str):
    """The plain `<<`: as a key it merges a mapping, anywhere else it is a string."""

    __slots__ = ()


class BareLetter(str):
    """A plain `y` or `n`: a string to most libraries, and a boolean to kubectl."""

    __slots__ = ()


MERGE: Final = Merge("<<")
WORDS: Final[dict[str, Scalar]] = {
    **{letter: BareLetter(letter) for letter in "yYnN"},
    **dict.fromkeys(("yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("no", "No", "NO", "off", "Off", "OFF"), False),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    MERGE: MERGE,
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
SMALLEST: Final = -(2**63)
LARGEST: Final = 2**64 - 1
OCTAL: Final = 8
DECIMAL: Final = 10
#: Of a sign and a whole number of 64 bits; Python refuses to read thousands.
MOST_DIGITS: Final = 21
#: From here on JSON writes floats with an exponent.
JSON_EXPONENT: Final = 1e21
NUMBER_STARTS: Final = frozenset("+-.0123456789")
FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
INTEGERS: Final = (
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16),
    (re.compile(r"[-+]?0[bB][01]+"), 2),
    (re.compile(r"[-+]?0[oO]?[0-7]+"), OCTAL),
    (re.compile(r"[-+]?(?:0|[1-9][0-9]*)"), DECIMAL),
)


def plain_scalar(written: str) -> Scalar:
    """Return what an unquoted scalar means.

    >>> plain_scalar("on"), plain_scalar("010"), plain_scalar("1e3"), plain_scalar("2026-11-23")
    (True, 8, 1000, '2026-11-23')
    """
    if written in WORDS:
        return WORDS[written]
    if written[0] not in NUMBER_STARTS:
        return written
    return written if written[0] == "." and not FLOAT.fullmatch(written) else _number(written)


def _number(written: str) -> Scalar:
    digits = written.replace("_", "")
    for pattern, base in INTEGERS:
        if pattern.fullmatch(digits) and (base != DECIMAL or len(digits) <= MOST_DIGITS):
            value = _integer(digits, base)
            if SMALLEST <= value <= LARGEST:
                return value
    return _float(digits, written) if FLOAT.fullmatch(digits) else written


def _float(digits: str, written: str) -> Scalar:
    """Return a whole number where JSON, to which Kubernetes converts, would show one."""
    value = float(digits)
    if math.isinf(value):
        return written
    return int(value) if value.is_integer() and abs(value) < JSON_EXPONENT else value


def _integer(digits: str, base: int) -> int:
    return int(digits, base) if base != OCTAL else int(digits.lower().replace("o", ""), 8)


class PlainScalars(dict[str, Scalar]):
    """The meanings of the scalars of one stream, each worked out once.

    Manifests repeat their keys and values, so this halves the time a file takes.
    """

    def __missing__(self, written: str) -> Scalar:
        value = self[written] = plain_scalar(written)
        return value


_TRUE_OR_FALSE: Final = frozenset({"true", "false"})
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ].+)?")


class PulumiScalars(PlainScalars):
    """The meanings of the scalars of `Pulumi.yaml` and of the files of stacks.

    >>> meanings = PulumiScalars()
    >>> meanings["on"], meanings["010"], meanings["12:30"], meanings["2026-11-23"]
    ('on', 8, '12:30', '2026-11-23 00:00:00 +0000 UTC')
    """

    def __missing__(self, written: str) -> Scalar:
        value = plain_scalar(written)
        if isinstance(value, bool) and written.lower() not in _TRUE_OR_FALSE:
            value = written
        self[written] = _as_go_writes(written) if value == written else value
        return self[written]


def _as_go_writes(text: str) -> str:
    """Return a date as Go writes it, any other text as it is."""
    try:
        time = datetime.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        time = None
    if time is None:
        return text
    zone = f"{time:%z}" or "+0000"
    fraction = f"{time:.%f}".rstrip(".0")
    return f"{time:%Y-%m-%d %H:%M:%S}{fraction} {zone} {'UTC' if zone == '+0000' else zone}"


def with_text_keys(items: list[Any]) -> dict[str, Any]:
    """Return the mapping of alternating keys and values, its keys as strings, its `<<` merged.

    What comes later wins, also over a merge, as in go-yaml v2. Raises `TypeError` for a key or a
    merge that can't be one.
    """
    pairs: dict[str, Any] = {}
    for key, value in zip(items[::2], items[1::2], strict=True):
        if isinstance(key, Merge):
            pairs.update(_merged(value))
        else:
            pairs[_key_text(key)] = value
    return pairs


def _merged(value: Any) -> dict[str, Any]:
    """Return what a `<<` brings: a mapping, or a list of them of which the first wins."""
    merged: dict[str, Any] = {}
    for part in reversed(value) if isinstance(value, list) else [value]:
        if not isinstance(part, dict):
            raise TypeError("`<<` needs a mapping, or a list of them")
        merged.update(part)
    return merged


def _key_text(key: Any) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    if isinstance(key, (str, int, float)):
        return str(key)
    raise TypeError(f"a key must be a string, is {'null' if key is None else 'a list or mapping'}")


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


def yaml_values(data: bytes, scalars: Callable[[], PlainScalars] = PlainScalars) -> Iterator[Value]:
    """Yield the value of every document of a stream, or raise `yaml.YAMLError` where it ends.

    `scalars` gives the meanings of what stands without quotes: to Kubernetes, by default.
    """
    loader = yaml.CSafeLoader(data)
    builder = _Builder(scalars())
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

    def __init__(self, plain: PlainScalars) -> None:
        self.plain = plain
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
        self.merges = False
        self.letters: list[int] = []

    def finished(self) -> Value:
        value = _without_marks(self.items[0]) if self.merges else self.items[0]
        return Value(value, self.line, self.repeats, tuple(self.letters))

    def scalar(self, event: yaml.ScalarEvent) -> None:
        value = self.plain[event.value] if event.implicit[0] else _tagged(event)
        if type(value) is BareLetter:
            self.letters.append(event.start_mark.line if event.start_mark else self.line)
            value = str(value)
        self.merges = self.merges or value is MERGE
        self.items.append(value)
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


def _without_marks(value: Any) -> Any:
    """Return a value in which a `<<` that merges nothing is a text like any other."""
    match value:
        case dict():
            return {key: _without_marks(each) for key, each in value.items()}
        case list():
            return [_without_marks(each) for each in value]
        case Merge():
            return str(value)
        case _:
            return value


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


class _Dumper(yaml.SafeDumper):
    """Quotes more than it has to, and indents lists."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - PyYAML's signature
        """Indent a list inside a mapping, as Kubernetes' own documentation does."""
        super().increase_indent(flow, indentless=False)


def _represented_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    # Only between double quotes can an escape stand for what a log must not have as it is.
    quoted = _LOOKS_TYPED.match(value) or shown_text(value) != value
    style = '"' if quoted else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _represented_text)
# Texts that YAML 1.1, YAML 1.2 or Go take for a number or a boolean, and PyYAML does not.
_LOOKS_TYPED: Final = re.compile(r"[-+.\d]|[yYnN]$")


def written_yaml(value: Any) -> str:
    """Return a value as YAML that every tool reads back the same.

    >>> print(written_yaml({"port": "1e3", "from": [{}]}), end="")
    port: "1e3"
    from:
      - {}
    """
    return str(
        yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=sys.maxsize)
    )
