"""Markdown, CSV and JSON as text: whatever a name contains, it means only itself.

GitHub turns names into links and notifications on the finished page, so that an escape is not
enough: `@name`, `#12` and addresses are split by an empty HTML comment.
https://github.github.com/gfm/#code-spans
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from podwall.documents import TypedDocument, about
from podwall.engines import ENGINES
from podwall.model import IpProtocol
from podwall.policies.errors import Place
from podwall.portset import FIRST_PORT, LAST_PORT, PortSet
from podwall.reachability import Undetermined
from podwall.reports.words import printable, quoted_parts
from podwall.streams import shown_json, shown_text

CsvLine = Callable[[Sequence[str]], str]
"""What writes a row as a line of CSV."""

__all__ = [
    "CsvLine",
    "EngineName",
    "FieldPlaceDocument",
    "ObjectPlaceDocument",
    "PortsDocument",
    "UndeterminedPortsDocument",
    "code_span",
    "csv_line",
    "document_text",
    "json_text",
    "line_document",
    "markdown_lines",
    "markdown_text",
    "place_document",
    "ports_documents",
    "raw_csv_line",
    "undetermined_documents",
]


def json_text(document: Any) -> str:
    """Return a document as indented JSON that ends with a line break."""
    plain = msgspec.to_builtins(document)
    return shown_json(f"{json.dumps(plain, indent=2, ensure_ascii=False)}\n")


def document_text(document: TypedDocument) -> str:
    """Return the same text of a typed document without numbers that are not whole, much quicker."""
    try:
        text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    except UnicodeEncodeError:  # half of a character, which msgspec does not write
        return json_text(document)
    return shown_json(f"{text}\n")


PortRange = tuple[
    Annotated[int, Meta(ge=FIRST_PORT, le=LAST_PORT)],
    Annotated[int, Meta(ge=FIRST_PORT, le=LAST_PORT)],
]


class PortsDocument(TypedDocument):
    """Ports of a protocol. Other protocols, such as ICMP, are left out."""

    protocol: Literal["TCP", "UDP", "SCTP"]
    ports: Annotated[
        tuple[PortRange, ...],
        about("Inclusive ranges, sorted and merged, within 1 to 65535."),
    ]


class UndeterminedPortsDocument(PortsDocument):
    """Ports of a protocol whose verdict depends on something that is not known."""

    because: Annotated[str, about("What the verdict depends on.")]


EngineName = Annotated[
    str,
    about(
        "The network policy engine that was assumed.",
        extra_json_schema={"enum": list(ENGINES)},
    ),
]

_PROTOCOLS: Final = (IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP)


def ports_documents(ports: PortSet) -> tuple[PortsDocument, ...]:
    """Return a document for each protocol.

    >>> ports_documents(PortSet.of(IpProtocol.TCP, 80, 81))
    (PortsDocument(protocol='TCP', ports=((80, 81),)),)
    """
    return tuple(PortsDocument(*each) for each in _ranges(ports))


def undetermined_documents(
    parts: Iterable[Undetermined],
) -> tuple[UndeterminedPortsDocument, ...]:
    """Return a document for each protocol and each cause."""
    return tuple(
        UndeterminedPortsDocument(*each, part.because)
        for part in parts
        for each in _ranges(part.ports)
    )


def _ranges(ports: PortSet) -> Iterator[tuple[Any, tuple[tuple[int, int], ...]]]:
    ranges = ((each, tuple(ports.ranges(each))) for each in _PROTOCOLS)
    return ((protocol.value, found) for protocol, found in ranges if found)


class ObjectPlaceDocument(TypedDocument):
    """Where an object is written."""

    source: str
    line: Annotated[int, Meta(ge=1)] | None


class FieldPlaceDocument(ObjectPlaceDocument):
    """Where a field is written."""

    path: str


def line_document(place: Place) -> ObjectPlaceDocument:
    """Return the place of a whole object: the source and the line."""
    return ObjectPlaceDocument(place.source, place.line)


def place_document(place: Place) -> FieldPlaceDocument:
    """Return a place: the source, the line and the path of the field."""
    return FieldPlaceDocument(place.source, place.line, place.path)


_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()<>#+!|~$])")
_REFERENCE: Final = re.compile(r"[@#](?=\S)|:(?=//)|www(?=\.)|GH(?=-\d)", re.IGNORECASE)
# The last four are the wide forms, which some spreadsheets take for the narrow ones.
_FORMULA: Final = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_RUN: Final = re.compile(r"`+")


def code_span(written: str) -> str:
    r"""Return a text as a code span, in which nothing has a meaning; also inside a table.

    >>> print(code_span("shop/web"), code_span("a`b|c"))
    `shop/web` ``a`b\|c``
    """
    shown = shown_text(printable(written)) or " "
    fence = "`" * (max(map(len, _RUN.findall(shown)), default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    # A backslash before the bar would escape the escape.
    inner = shown.replace("|", r"\|")
    return f"{fence}{pad}{inner}{pad}{fence}"


def markdown_text(written: str) -> str:
    r"""Return a message as Markdown; what stands between backticks becomes code.

    >>> print(markdown_text("policy `shop/web` asks @all <now>"))
    policy `shop/web` asks @<!-- -->all \<now\>
    """
    plain, code = quoted_parts(written)
    pieces = zip_longest(map(_plain, plain), map(code_span, code), fillvalue="")
    return "".join(chain.from_iterable(pieces))


def _plain(part: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", part).replace("&", "&amp;")
    return _REFERENCE.sub(lambda match: f"{match.group(0)}<!-- -->", shown_text(escaped))


def csv_line(row: Sequence[str]) -> str:
    r"""Return a line of a CSV file whose cells a spreadsheet shows, and never runs.

    A cell that begins as a formula does gets an apostrophe before it, as in
    https://owasp.org/www-community/attacks/CSV_Injection.

    >>> csv_line(("1", "2, 3", "=cmd()"))
    '1,"2, 3",\'=cmd()\n'
    """
    return raw_csv_line([f"'{cell}" if _FORMULA.match(cell) else cell for cell in row])


_QUOTED: Final = re.compile(r"[^\w ./:;=()\[\]@|<>*-]", re.ASCII)
"""What is in no cell that certainly stands without quotes; the others are left to `csv`."""


def raw_csv_line(row: Sequence[str]) -> str:
    r"""Return a line of a CSV file (RFC 4180, but for its line end), each cell as it is.

    >>> raw_csv_line(("=1", "2, 3"))
    '=1,"2, 3"\n'
    """
    if len(row) > 1 and not any(map(_QUOTED.search, row)):
        return f"{','.join(row)}\n"
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(row)
    return line.getvalue()


def markdown_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield _markdown_line(header)
    yield f"|{'---|' * len(header)}\n"
    yield from map(_markdown_line, rows)


def _markdown_line(row: Sequence[str]) -> str:
    return f"| {' | '.join(map(markdown_text, row))} |\n"
