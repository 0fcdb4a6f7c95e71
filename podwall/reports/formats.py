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
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from podwall.model import IpProtocol
from podwall.policies.errors import Place
from podwall.portset import PortSet
from podwall.reports.words import printable

__all__ = [
    "code_span",
    "csv_line",
    "json_text",
    "line_document",
    "markdown_lines",
    "markdown_text",
    "place_document",
    "port_documents",
]


def json_text(document: Any) -> str:
    """Return a document as indented JSON that ends with a line break."""
    return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n"


_PROTOCOLS: Final = (IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP)


def port_documents(ports: PortSet) -> list[dict[str, Any]]:
    """Return one object for each protocol; ranges are inclusive, sorted and merged.

    >>> port_documents(PortSet.of(IpProtocol.TCP, 80, 81))
    [{'protocol': 'TCP', 'ports': [[80, 81]]}]
    """
    return [
        {"protocol": protocol.value, "ports": [list(each) for each in ports.ranges(protocol)]}
        for protocol in _PROTOCOLS
        if ports.ranges(protocol)
    ]


def place_document(place: Place) -> dict[str, Any]:
    """Return a place as a JSON object: the source, the line and the path of the field."""
    return {**line_document(place), "path": place.path}


def line_document(place: Place) -> dict[str, Any]:
    """Return the place of a whole object as a JSON object: the source and the line."""
    return {"source": place.source, "line": place.line}


_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()<>#+!|~$])")
_REFERENCE: Final = re.compile(r"[@#](?=\S)|:(?=//)|www(?=\.)|GH(?=-\d)", re.IGNORECASE)
_RUN: Final = re.compile(r"`+")


def code_span(written: str) -> str:
    r"""Return a text as a code span, in which nothing has a meaning; also inside a table.

    >>> print(code_span("shop/web"), code_span("a`b|c"))
    `shop/web` ``a`b\|c``
    """
    shown = printable(written) or " "
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
    parts = printable(written).split("`")
    return "".join(
        code_span(part) if number % 2 and number < len(parts) - 1 else _plain(part)
        for number, part in enumerate(parts)
    )


def _plain(part: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", part).replace("&", "&amp;")
    return _REFERENCE.sub(lambda match: f"{match.group(0)}<!-- -->", escaped)


def csv_line(row: Sequence[str]) -> str:
    r"""Return a line of a CSV file (RFC 4180, but for its line end).

    >>> csv_line(("1", "2, 3"))
    '1,"2, 3"\n'
    """
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
