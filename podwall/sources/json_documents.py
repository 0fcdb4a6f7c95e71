"""Parse JSON into values and documents: fast, and with the line where it is broken."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from podwall.policies.errors import Finding, Place, Severity
from podwall.reading import Document
from podwall.sources.files import ParsedDocuments

__all__ = ["documents_of", "looks_like_json", "parse_json", "parsed_values"]

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
SPACE: Final = re.compile(r"[ \t\r\n]*")
SCANNER: Final = json.JSONDecoder()
TOO_DEEP: Final = "nested too deeply"


class BrokenJsonError(ValueError):
    """Text that is not JSON, with the line where it stops being so."""

    def __init__(self, message: str, line: int) -> None:
        """Keep what is wrong and the line, counted from 1."""
        super().__init__(message)
        self.message = message
        self.line = line


def looks_like_json(data: bytes) -> bool:
    """Say whether data starts as a JSON object or list does."""
    return data.lstrip(BYTE_ORDER_MARK + b" \t\r\n")[:1] in (b"{", b"[")


def parse_json(data: bytes, source: str) -> ParsedDocuments:
    """Return the documents of a JSON text: one object, or several one after another."""
    try:
        values = parsed_values(data)
    except BrokenJsonError as problem:
        return ParsedDocuments(findings=(_malformed(problem, source),))
    return ParsedDocuments(documents_of(values, source))


def documents_of(values: Iterable[Any], source: str) -> tuple[Document, ...]:
    """Return JSON values as documents; JSON has no lines that are worth naming."""
    return tuple(Document(value, Place(source, 1)) for value in values)


def parsed_values(data: bytes) -> list[Any]:
    """Return the values of a JSON text, or raise `BrokenJsonError`."""
    data = data.removeprefix(BYTE_ORDER_MARK)
    try:
        return [msgspec.json.decode(data)]
    except RecursionError:
        raise BrokenJsonError(TOO_DEEP, 1) from None
    except ValueError:
        return list(_one_after_another(data))


def _one_after_another(data: bytes) -> Iterator[Any]:
    """Yield values that follow each other; slower, and with lines and columns in its errors."""
    try:
        text = data.decode()
        start = _skip_space(text, 0)
        while start < len(text):
            _, end = SCANNER.raw_decode(text, start)
            yield msgspec.json.decode(text[start:end])
            start = _skip_space(text, end)
    except json.JSONDecodeError as problem:
        message = f"{problem.msg.lower()}, column {problem.colno}"
        raise BrokenJsonError(message, problem.lineno) from None
    except UnicodeDecodeError as problem:
        raise BrokenJsonError("it is not UTF-8", data.count(b"\n", 0, problem.start) + 1) from None
    except RecursionError:
        raise BrokenJsonError(TOO_DEEP, 1) from None
    except ValueError as problem:
        raise BrokenJsonError(str(problem), 1) from None


def _skip_space(text: str, start: int) -> int:
    match = SPACE.match(text, start)
    return match.end() if match else start


def _malformed(problem: BrokenJsonError, source: str) -> Finding:
    return Finding(
        "malformed-json",
        Severity.ERROR,
        f"this is not JSON: {problem.message}",
        Place(source, problem.line),
    )
