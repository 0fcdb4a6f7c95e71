"""Read YAML that is written as most manifests are, several times faster than a whole parser.

A document of nothing but block mappings and lists, an entry a line, with short scalars or `{…}` and
`[…]` in them, is built from its lines, and a line is worked out once, however often it is repeated.
For anything else there is no answer, and the parser has to read the document
(docs/decisions/0003-yaml-reader.md). What is answered here is what the parser would answer: tests
compare the two on random texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from podwall.yaml_values import PlainScalars

__all__ = ["ATOM", "KEY", "NotPlain", "PlainFlow", "PlainYaml"]


WORD_CHARACTER: Final = r"[A-Za-z0-9_./@+=%*-]"
KEY: Final = r"[A-Za-z0-9_][A-Za-z0-9_./-]*"
#: A scalar that means the same in every context: one word without a colon, or a quoted text.
ATOM: Final = rf"[A-Za-z0-9_./]{WORD_CHARACTER}*|\"[ !#-\[\]-~]*\"|'[ -&(-~]*'"
TOKEN: Final = re.compile(rf"(?P<open>[\[{{]) *| *(?P<close>[\]}}])|(?P<key>{KEY}): +|({ATOM})")
COMMA: Final = re.compile(r" *, *")
DEEPEST_FLOW: Final = 20


class NotPlain(Exception):  # noqa: N818 - tells what the text is
    """A text that needs the whole parser."""


class PlainFlow:
    """Reads the scalars and the flow collections of plain documents."""

    def __init__(self) -> None:
        """Start without any scalar known."""
        self._plain = PlainScalars()

    def key(self, word: str) -> str:
        """Return a key, which must be a text."""
        text = self._plain[word]
        if type(text) is not str:
            raise NotPlain
        return text

    def scalar(self, atom: str) -> Any:
        """Return the value of a word, several words, or a quoted text."""
        if atom[0] in "\"'":
            return atom[1:-1]
        value = self._plain[atom]
        if isinstance(value, str) and type(value) is not str:
            raise NotPlain
        return value

    def collection(self, text: str) -> Any:
        """Return the value of a text that begins with a bracket."""
        value, end = self._value(text, 0, DEEPEST_FLOW)
        if end != len(text):
            raise NotPlain
        return value

    def _value(self, text: str, start: int, depth: int) -> tuple[Any, int]:
        token = TOKEN.match(text, start)
        if token is None or depth == 0 or token["close"] or token["key"]:
            raise NotPlain
        if token["open"] == "[":
            return self._list(text, token.end(), depth - 1)
        if token["open"] == "{":
            return self._mapping(text, token.end(), depth - 1)
        return self.scalar(token[0]), token.end()

    def _list(self, text: str, start: int, depth: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        end = _closed(text, start, "]")
        while end is None:
            value, start = self._value(text, start, depth)
            items.append(value)
            start, end = _next(text, start, "]")
        return items, end

    def _mapping(self, text: str, start: int, depth: int) -> tuple[dict[str, Any], int]:
        pairs: dict[str, Any] = {}
        end = _closed(text, start, "}")
        while end is None:
            token = TOKEN.match(text, start)
            if token is None or token["key"] is None or self.key(token["key"]) in pairs:
                raise NotPlain
            value, start = self._value(text, token.end(), depth)
            pairs[self.key(token["key"])] = value
            start, end = _next(text, start, "}")
        return pairs, end


def _closed(text: str, start: int, bracket: str) -> int | None:
    """Return where the text goes on if the bracket closes here."""
    token = TOKEN.match(text, start)
    return token.end() if token is not None and token["close"] == bracket else None


def _next(text: str, start: int, bracket: str) -> tuple[int, int | None]:
    """Return where the next entry starts, and where the text goes on if there is none."""
    end = _closed(text, start, bracket)
    comma = COMMA.match(text, start)
    if end is None and comma is None:
        raise NotPlain
    return (comma.end() if comma else start), end


INNER: Final = r"[A-Za-z0-9_./@+=%*-]"
WORD: Final = rf"[A-Za-z0-9_./](?:{INNER}|:(?={INNER}))*"
FLOW: Final = r"[\[{][ -~]*[\]}]"
COMMENT: Final = r"#[ -~\xa1-\u2027\u202a-\ud7ff]*"
LINE: Final = re.compile(
    rf"(?P<indent> *)(?P<dash>- )?(?:(?P<key>{KEY}):(?: +|$))?"
    rf"(?P<value>{WORD}(?: {WORD})*|{ATOM}|{FLOW})?(?: *|(?:^|(?<= )| ) *{COMMENT})"
)
DEEPEST_BLOCK: Final = 100
#: A pattern takes 166 bytes for every character that it may have to give back.
LONGEST_LINE: Final = 5_000
#: How many lines are remembered: a document of nothing but different ones repeats none.
MOST_KNOWN: Final = 50_000


class _Line(NamedTuple):
    """What a line says: its column, whether it starts an item, and its entry.

    `key` None: the line is an item that is a value. `opens`: the value is on the lines that follow.
    """

    column: int
    dash: bool
    key: str | None
    value: Any
    opens: bool


NOTHING: Final = _Line(0, dash=False, key=None, value=None, opens=False)
"""What a blank line or a comment says."""


class PlainYaml:
    """Reads plain documents of one stream, and remembers the lines that it has seen."""

    def __init__(self) -> None:
        """Start without any line known."""
        self._flow = PlainFlow()
        self._lines: dict[str, _Line] = {}

    def mapping(self, lines: Sequence[str]) -> tuple[dict[str, Any], int] | None:
        """Return the mapping of a document and the index of its first line; None: not plain."""
        try:
            return self._mapping(lines)
        except NotPlain:
            return None

    def _mapping(self, lines: Sequence[str]) -> tuple[dict[str, Any], int]:
        known, open_ = self._lines, _Open()
        for index, line in enumerate(lines):
            meaning = known.get(line)
            if meaning is None:
                meaning = self._meaning(line)
                if len(known) < MOST_KNOWN:
                    known[line] = meaning
            if meaning is not NOTHING:
                open_.take(meaning, index)
        if not open_.root:
            raise NotPlain
        return open_.root, open_.first

    def _meaning(self, line: str) -> _Line:
        match = LINE.fullmatch(line) if len(line) <= LONGEST_LINE else None
        if match is None:
            raise NotPlain
        indent, dash, key, value = match.groups()
        if dash is None and key is None:
            if value is None:
                return NOTHING
            raise NotPlain
        if key is None and value is None:
            raise NotPlain
        name = None if key is None else self._flow.key(key)
        return _Line(len(indent), dash is not None, name, self._value(value), value is None)

    def _value(self, written: str | None) -> Any:
        if written is None:
            return None
        flow = self._flow
        return flow.collection(written) if written[0] in "[{" else flow.scalar(written)


class _Open:
    """The mappings and lists that may still grow, the innermost last, with their columns."""

    __slots__ = ("columns", "first", "nodes", "root", "waiting")

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self.nodes: list[Any] = [self.root]
        self.columns = [0]
        self.first = -1
        #: The key of the innermost mapping whose value the next line may begin.
        self.waiting: str | None = None

    def take(self, line: _Line, index: int) -> None:
        """Add what a line says."""
        column, dash, key, value, opens = line
        if self.first < 0:
            self.first = index
        while self.columns[-1] > column:
            self.columns.pop()
            self.nodes.pop()
            self.waiting = None
        if dash:
            column = self._item(column, key, value)
        if key is not None:
            node = self._mapping_at(column)
            if key in node:
                raise NotPlain
            node[key] = value
            self.waiting = key if opens else None

    def _item(self, column: int, key: str | None, value: Any) -> int:
        """Add an item to the list at a column; return the column of the item's own entries."""
        node = self.nodes[-1]
        if type(node) is dict:
            node = []
            self._begin(node, column)
        elif self.columns[-1] != column:
            raise NotPlain
        if key is None:
            node.append(value)
            return column
        node.append({})
        self._enter(node[-1], column + 2)
        return column + 2

    def _mapping_at(self, column: int) -> dict[str, Any]:
        if type(self.nodes[-1]) is list and self.columns[-1] == column:
            self.columns.pop()
            self.nodes.pop()
            self.waiting = None
        node: Any = self.nodes[-1]
        if self.columns[-1] != column:
            node = {}
            self._begin(node, column)
        if type(node) is not dict:
            raise NotPlain
        return node

    def _begin(self, node: Any, column: int) -> None:
        """Make a node the value of the key that waits for one."""
        if self.waiting is None:
            raise NotPlain
        self.nodes[-1][self.waiting] = node
        self._enter(node, column)

    def _enter(self, node: Any, column: int) -> None:
        if len(self.nodes) == DEEPEST_BLOCK:
            raise NotPlain
        self.nodes.append(node)
        self.columns.append(column)
        self.waiting = None
