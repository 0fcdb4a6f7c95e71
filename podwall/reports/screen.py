"""Text with styles, tables of it, and the terminal or file that they are printed to.

    >>> print(Table((Column(), Column()), gap="  ").with_rows([["web", "TCP 80"], ["db", "none"]]))
    web  TCP 80
    db   none

A library for terminals would do it as well, and would be a seventh of all that
`pip install podwall` brings: see docs/decisions/0013-one-import-name.md.

Symbols distinguish verdicts and changes without colour; colours only help.
"""

from __future__ import annotations

import os
import re
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from shutil import get_terminal_size
from typing import IO, Final, cast

from podwall.quick_dataclass import dataclass
from podwall.streams import ShownStream, one_line

__all__ = [
    "ASCII",
    "UNICODE",
    "UNWRAPPED",
    "Column",
    "Console",
    "Part",
    "Styled",
    "Symbols",
    "Table",
    "line_width",
    "symbols",
    "terminal",
]

_CODES: Final = {
    "": "",
    "bold": "1",
    "dim": "2",
    "underline": "4",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}


@dataclass(frozen=True, slots=True)
class Styled:
    """Pieces of text, each with a style: words of `_CODES`, such as `bold red`.

    What cannot be seen is shown as its escape, so that no name moves the cursor or sets a colour.

    >>> Styled.of("no ", ("one", "bold")).plain
    'no one'
    """

    pieces: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, *parts: str | Styled | tuple[str, str]) -> Styled:
        """Return the parts as one text; a pair is a text with its style."""
        pieces: list[tuple[str, str]] = []
        for part in parts:
            match part:
                case Styled():
                    pieces += part.pieces
                case str():
                    pieces.append((_seen(part), ""))
                case (text, style):
                    pieces.append((_seen(text), style))
        return cls(tuple(piece for piece in pieces if piece[0]))

    @property
    def plain(self) -> str:
        """The text without styles."""
        return "".join(text for text, _ in self.pieces)

    @property
    def width(self) -> int:
        """How many cells of a terminal the longest line takes."""
        return max(map(_cells, self.plain.split("\n")))

    def __str__(self) -> str:
        """Return the text without styles."""
        return self.plain

    def __bool__(self) -> bool:
        """Return whether there is any text."""
        return bool(self.pieces)

    def joined(self, texts: Iterable[Styled]) -> Styled:
        """Return texts with this one between them."""
        parts: list[Styled] = []
        for text in texts:
            parts += (self, text) if parts else (text,)
        return Styled.of(*parts)

    def styled(self, words: Sequence[str], style: str) -> Styled:
        """Return the text with some of its words in another style."""
        pattern = re.compile(f"({'|'.join(map(re.escape, words))})")
        pieces = (
            (part, style if part in words else before)
            for text, before in self.pieces
            for part in pattern.split(text)
        )
        return Styled.of(*pieces)

    def lines(self, width: int | None = None) -> list[Styled]:
        """Return the lines, broken between words where they are wider than `width`."""
        whole: list[Styled] = []
        start = 0
        for line in self.plain.split("\n"):
            whole += self._wrapped(start, start + len(line), width)
            start += len(line) + 1
        return whole

    def _wrapped(self, start: int, end: int, width: int | None) -> Iterator[Styled]:
        line = self.plain[start:end]
        if width is None or _cells(line) <= width:
            yield self._part(start, end)
            return
        for broken in textwrap.wrap(
            line, max(width, 1), break_long_words=False, break_on_hyphens=False
        ):
            begin = self.plain.index(broken, start)
            yield self._part(begin, begin + len(broken))
            start = begin + len(broken)

    def _part(self, start: int, end: int) -> Styled:
        pieces: list[tuple[str, str]] = []
        place = 0
        for text, style in self.pieces:
            piece = text[max(start - place, 0) : max(end - place, 0)]
            pieces.append((piece, style))
            place += len(text)
        return Styled(tuple(piece for piece in pieces if piece[0]))

    def coded(self) -> str:
        """Return the text with its styles as a terminal reads them (ECMA-48, SGR)."""
        return "".join(
            f"\x1b[{';'.join(_CODES[word] for word in style.split())}m{text}\x1b[0m"
            if style
            else text
            for text, style in self.pieces
        )


def _seen(text: str) -> str:
    return "\n".join(map(one_line, text.split("\n")))


def _cells(line: str) -> int:
    """Return how many cells of a terminal a line takes (https://www.unicode.org/reports/tr11/)."""
    if line.isascii():
        return len(line)
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in line
    )


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its head, whether its cells are centred, and whether they may wrap."""

    head: Styled = Styled()
    centred: bool = False
    wraps: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts below each other.

    Attributes:
        columns: what stands above them, and how they are laid out.
        rows: the texts of each row, as many as there are columns.
        gap: what stands between two columns.
        edge: what stands before the first column and after the last.
        rule: what a line below the heads is drawn of; without one there are no heads.
        sections: the rows, counted from 0, after which there is an empty line.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Styled, ...], ...] = ()
    gap: str = "  "
    edge: str = ""
    rule: str = ""
    sections: frozenset[int] = frozenset()

    def with_rows(self, rows: Iterable[Iterable[Styled | str]]) -> Table:
        """Return the table with more rows."""
        more = tuple(tuple(Styled.of(cell) for cell in row) for row in rows)
        return replace(self, rows=(*self.rows, *more))

    def __str__(self) -> str:
        """Return the lines without styles, as wide as they are."""
        return "\n".join(line.plain.rstrip() for line in self.lines())

    @property
    def width(self) -> int:
        """How wide the table is where nothing wraps."""
        return sum(self._natural()) + self._between

    @property
    def least_width(self) -> int:
        """How wide the table is without the columns that may wrap."""
        columns = zip(self._natural(), self.columns, strict=True)
        return sum(width for width, column in columns if not column.wraps) + self._between

    @property
    def _between(self) -> int:
        return len(self.gap) * (len(self.columns) - 1) + 2 * len(self.edge)

    def _natural(self) -> list[int]:
        heads = [[column.head] if self.rule else [] for column in self.columns]
        return [
            max((cell.width for cell in (*head, *(row[place] for row in self.rows))), default=0)
            for place, head in enumerate(heads)
        ]

    def lines(self, width: int | None = None) -> Iterator[Styled]:
        """Yield the lines; columns that may wrap get narrower where the table is too wide."""
        widths = self._natural()
        if width is not None:
            widths = self._narrowed(widths, width - self._between)
        if self.rule:
            yield from self._row([column.head for column in self.columns], widths, bottom=True)
            yield Styled.of(self.rule * (sum(widths) + self._between))
        for number, row in enumerate(self.rows):
            yield from self._row(row, widths, bottom=False)
            if number in self.sections and number + 1 < len(self.rows):
                yield Styled()

    def _narrowed(self, widths: list[int], available: int) -> list[int]:
        """Return widths that fit, as far as columns may wrap; the widest gives way first."""
        narrow = list(widths)
        free = [place for place, column in enumerate(self.columns) if column.wraps]
        while free and sum(narrow) > available:
            widest = max(free, key=lambda place: narrow[place])
            if narrow[widest] <= 1:
                break
            narrow[widest] -= 1
        return narrow

    def _row(
        self, cells: Sequence[Styled], widths: Sequence[int], *, bottom: bool
    ) -> Iterator[Styled]:
        """Yield the lines of a row; those of cells with fewer lines stand at the top or bottom."""
        wrapped = [
            cell.lines(width if column.wraps else None)
            for cell, width, column in zip(cells, widths, self.columns, strict=True)
        ]
        most = max(map(len, wrapped), default=0)
        filled = [
            [*[Styled()] * (most - len(lines)), *lines] if bottom else lines for lines in wrapped
        ]
        for line in zip_longest(*filled, fillvalue=Styled()):
            parts = map(_padded, line, widths, self.columns)
            yield Styled.of(self.edge, Styled.of(self.gap).joined(parts), self.edge)


def _padded(text: Styled, width: int, column: Column) -> Styled:
    missing = max(width - text.width, 0)
    before = missing // 2 if column.centred else 0
    return Styled.of(" " * before, text, " " * (missing - before))


#: What a console prints.
Part = Styled | Table | str


class Console:
    """The standard output, or another file: how wide it is, and whether it shows colours.

    `NO_COLOR` (https://no-color.org), `FORCE_COLOR` and `COLUMNS` are honoured.
    """

    def __init__(
        self,
        file: IO[str],
        *,
        width: int | None = None,
        is_terminal: bool | None = None,
    ) -> None:
        """Print to `file`; what is not given is as the file and the environment are."""
        self._file = file
        forced = bool(os.environ.get("FORCE_COLOR"))
        self.is_terminal = forced or self._file.isatty() if is_terminal is None else is_terminal
        self.width = get_terminal_size().columns if width is None else width
        self._coloured = self.is_terminal and not os.environ.get("NO_COLOR") and _knows_colours()

    @property
    def encoding(self) -> str:
        """The encoding of the file."""
        return getattr(self._file, "encoding", None) or "utf-8"

    def print(self, *parts: Part, indent: str = "", wrap: bool = True) -> None:
        """Print parts below each other; they are broken where they are wider than the console."""
        self.write(self.printed(*parts, indent=indent, wrap=wrap))

    def write(self, printed: str) -> None:
        """Write what `printed` returned."""
        self._file.write(printed)

    def printed(self, *parts: Part, indent: str = "", wrap: bool = True) -> str:
        """Return what `print` would write."""
        width = self.width - len(indent) if wrap else None
        lines = (line for part in parts for line in _lines(part, width))
        shown = (line.coded() if self._coloured else line.plain for line in lines)
        return "".join(f"{indent}{line}".rstrip() + "\n" for line in shown)


def _lines(part: Part, width: int | None) -> Iterable[Styled]:
    return (Styled.of(part) if isinstance(part, str) else part).lines(width)


def _knows_colours() -> bool:
    """Return whether a terminal here reads codes; that of Windows says so in `WT_SESSION`."""
    if sys.platform == "win32":
        return any(name in os.environ for name in ("WT_SESSION", "ANSICON", "TERM"))
    return os.environ.get("TERM", "") not in ("dumb", "unknown")


UNWRAPPED: Final = sys.maxsize


def terminal() -> Console:
    """Return the standard output: as wide as it is, and in colour only where that is wanted.

    `NO_COLOR` is honoured (https://no-color.org).
    """
    return Console(cast("IO[str]", ShownStream(sys.stdout)))


def line_width(console: Console) -> int:
    """Return how long a line of text may be: in a file, people search for whole sentences."""
    return console.width if console.is_terminal else UNWRAPPED


@dataclass(frozen=True, slots=True)
class Symbols:
    """One symbol for each thing that a report shows.

    `whole` and `part` say how much of many connections is open. `middle` and `last` draw trees:
    what leads to a child, and what runs down below it.
    """

    denied: str
    itself: str
    more: str
    whole: str
    part: str
    yes: str
    no: str
    middle: tuple[str, str]
    last: tuple[str, str]


UNICODE: Final = Symbols(
    denied="·",
    itself="─",
    more="…",
    whole="●",
    part="○",
    yes="✓",
    no="✗",
    middle=("├─ ", "│  "),
    last=("└─ ", "   "),
)
ASCII: Final = Symbols(
    denied=".",
    itself="-",
    more="..",
    whole="#",
    part="o",
    yes="+",
    no="x",
    middle=("|- ", "|  "),
    last=("`- ", "   "),
)


def symbols(encoding: str) -> Symbols:
    """Return the symbols that an output of this encoding can show."""
    return UNICODE if encoding.lower().replace("-", "") == "utf8" else ASCII
