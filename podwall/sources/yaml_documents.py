"""Parse YAML streams into documents, each with the line it starts on.

Built on PyYAML's C scanner, with Kubernetes' own meaning of plain scalars; see
docs/decisions/0003-yaml-reader.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import yaml

from podwall.reading import Document
from podwall.sources.parsed import Parsed
from podwall.sources.yaml_lines import repeated_keys
from podwall.sources.yaml_values import yaml_values
from policies.errors import Place
from policies.findings import Finding, Severity

__all__ = ["parse_yaml"]

SEPARATOR: Final = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
BLANK: Final = re.compile(rb"(\s|#.*|%.*|---|\.\.\.)*")


def parse_yaml(data: bytes, source: str) -> Parsed:
    """Return the documents of a stream; what can't be parsed becomes a finding with its line.

    kubectl splits streams at `---` before it parses them, so one broken document spoils no other.
    """
    try:
        return _stream(data, 0, source)
    except yaml.YAMLError:
        return Parsed.joined(_chunk(chunk, before, source) for before, chunk in _chunks(data))


def _chunk(data: bytes, lines_before: int, source: str) -> Parsed:
    try:
        return _stream(data, lines_before, source)
    except yaml.YAMLError as problem:
        return Parsed(findings=(_syntax(problem, lines_before, source),))


def _chunks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each document's text with the number of lines before it."""
    starts = [0, *(match.start() for match in SEPARATOR.finditer(data)), len(data)]
    for start, end in pairwise(starts):
        chunk = data[start:end]
        if not BLANK.fullmatch(chunk):
            yield data.count(b"\n", 0, start), chunk


def _stream(data: bytes, lines_before: int, source: str) -> Parsed:
    documents, letters, repeating = [], [], False
    for value, line, repeats, lettered in yaml_values(data):
        if value is not None:
            documents.append(Document(value, Place(source, line + lines_before + 1)))
        letters += [_bare_letter(Place(source, at + lines_before + 1)) for at in lettered]
        repeating = repeating or repeats
    repeated = repeated_keys(data, Place(source, lines_before)) if repeating else ()
    return Parsed(tuple(documents), (*letters, *repeated))


def _bare_letter(place: Place) -> Finding:
    return Finding(
        "bare-letter",
        Severity.WARNING,
        "kubectl reads a bare `y` or `n` as a boolean and refuses the object; it is read as a text",
        place,
        'write it in quotes, as in `"y"`',
        "https://github.com/kubernetes-sigs/yaml",
    )


def _syntax(problem: yaml.YAMLError, lines_before: int, source: str) -> Finding:
    message = getattr(problem, "problem", None) or getattr(problem, "reason", None) or str(problem)
    mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
    line = mark.line + lines_before + 1 if mark else lines_before + 1
    column = f", column {mark.column + 1}" if mark else ""
    return Finding(
        "malformed-yaml",
        Severity.ERROR,
        f"this is not YAML: {message}{column}",
        Place(source, line),
        "the other documents are read; a template has to be rendered first",
    )
