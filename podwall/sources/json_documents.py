"""Parse JSON into values and documents: fast, and with the line where it is broken."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from podwall.policies.errors import Finding, Place, Severity
from podwall.reading import Document
from podwall.sources.files import ParsedDocuments
from podwall.sources.yaml_lines import repeated_keys

__all__ = [
    "RENDER",
    "BrokenJsonError",
    "documents_of",
    "duplicate_keys",
    "is_template",
    "looks_like_json",
    "parse_json",
    "parsed_values",
]

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
SPACE: Final = re.compile(r"[ \t\r\n]*")
SCANNER: Final = json.JSONDecoder()
TOO_DEEP: Final = "nested too deeply"
TEMPLATE_SIGNS: Final = (b"{{", b"{%")
RENDER: Final = "render it first, as in `helm template CHART | podwall reach -`"
_NOT_JSON_YET: Final = "this is a template, and not JSON yet"


class BrokenJsonError(ValueError):
    """Text that is not JSON, with the line where it stops being so."""

    def __init__(self, message: str, line: int) -> None:
        """Keep what is wrong and the line, counted from 1."""
        super().__init__(message)
        self.message = message
        self.line = line


def looks_like_json(data: bytes) -> bool:
    """Return whether data starts as a JSON object or list does, and not as a template."""
    start = data.lstrip(BYTE_ORDER_MARK + b" \t\r\n")[:2]
    return start[:1] in (b"{", b"[") and start not in TEMPLATE_SIGNS


def is_template(data: bytes) -> bool:
    """Return whether a text has what a template engine fills in, Go's (helm) or Jinja's."""
    return any(sign in data for sign in TEMPLATE_SIGNS)


def parse_json(data: bytes, source: str) -> ParsedDocuments:
    """Return the documents of a JSON text: one object, or several one after another."""
    try:
        return documents_of(data, parsed_values(data), source)
    except BrokenJsonError as problem:
        return ParsedDocuments(findings=(_malformed(problem, source, template=is_template(data)),))


def documents_of(data: bytes, values: Iterable[Any], source: str) -> ParsedDocuments:
    """Return the values of a text as documents; JSON has no lines that are worth naming."""
    documents = tuple(Document(value, Place(source, 1)) for value in values)
    repeated = () if _is_as_written(data, documents) else tuple(duplicate_keys(data, source))
    return ParsedDocuments(documents, repeated)


def _is_as_written(data: bytes, documents: Sequence[Document]) -> bool:
    """Return whether a text is its own value written again, so that no key stands in it twice.

    That is quick to tell, and true of most texts; of any other it says nothing.
    """
    if len(documents) != 1:
        return False
    try:
        written = msgspec.json.encode(documents[0].manifest)
        return written == msgspec.json.format(data.removeprefix(BYTE_ORDER_MARK), indent=-1)
    except (*_NOT_JSON, TypeError, RecursionError):
        return False


def duplicate_keys(data: bytes, source: str) -> Iterator[Finding]:
    """Yield a finding for every key that stands twice in one object of a JSON text."""
    text = data.removeprefix(BYTE_ORDER_MARK)
    if _repeats_a_key(text.decode()):
        # A text of several values is no YAML, and has no lines here.
        yield from tuple(repeated_keys(text, Place(source, 0))) or [_repeated(source)]


def _repeats_a_key(text: str) -> bool:
    repeats: list[bool] = []
    scanner = json.JSONDecoder(
        object_pairs_hook=lambda pairs: repeats.append(len(dict(pairs)) < len(pairs)),
        parse_int=str,
        parse_float=str,
    )
    end = _skip_space(text, 0)
    while end < len(text):
        _, end = scanner.raw_decode(text, end)
        end = _skip_space(text, end)
    return any(repeats)


# An error of msgspec is a ValueError only in its newer releases.
_NOT_JSON = (ValueError, msgspec.MsgspecError)


def parsed_values(data: bytes) -> list[Any]:
    """Return the values of a JSON text, or raise `BrokenJsonError`."""
    data = data.removeprefix(BYTE_ORDER_MARK)
    try:
        return [msgspec.json.decode(data)]
    except RecursionError:
        raise BrokenJsonError(TOO_DEEP, 1) from None
    except _NOT_JSON:
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
    except _NOT_JSON as problem:
        raise BrokenJsonError(str(problem), 1) from None


def _skip_space(text: str, start: int) -> int:
    match = SPACE.match(text, start)
    return match.end() if match else start


def _repeated(source: str) -> Finding:
    return Finding(
        "duplicate-key",
        Severity.WARNING,
        "a key stands twice in one mapping; the last one is taken",
        Place(source, 1),
        "remove one of the two",
    )


def _malformed(problem: BrokenJsonError, source: str, *, template: bool) -> Finding:
    return Finding(
        "malformed-json",
        Severity.ERROR,
        f"{_NOT_JSON_YET if template else 'this is not JSON'}: {problem.message}",
        Place(source, problem.line),
        RENDER if template else "",
    )
