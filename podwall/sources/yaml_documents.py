"""Parse JSON and YAML into documents, each with the line it starts on, or where it is broken.

Built on PyYAML's C scanner, with Kubernetes' own meaning of plain scalars; see
docs/decisions/0003-yaml-reader.md.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from podwall.policies.errors import Finding, Place, Severity, SourceError
from podwall.reading import Document, LedgerEntry, ObjectStatus
from podwall.reading.ledger import named_in
from podwall.sources.files import ParsedDocuments, made_for, read_file, refuse_crumbs, refuse_dense
from podwall.sources.plain_yaml import PlainYaml
from podwall.yaml_values import yaml_values

__all__ = [
    "RENDER",
    "BrokenJsonError",
    "comment_lines",
    "documents_of",
    "duplicate_keys",
    "is_template",
    "json_manifests",
    "looks_like_json",
    "objects_in",
    "parse_json",
    "parse_manifests",
    "parse_yaml",
    "parsed_values",
    "parts_of",
    "read_manifests",
    "unkept_comments",
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
    listed = list(values)
    refuse_crumbs(sum(map(objects_in, listed)), len(data), source)
    documents = tuple(Document(value, Place(source, 1)) for value in listed)
    repeated = () if _is_as_written(data, documents) else tuple(duplicate_keys(data, source))
    return ParsedDocuments(documents, repeated)


def objects_in(value: Any) -> int:
    """Return how many objects a value is, as far as it is a list of some.

    >>> objects_in({"kind": "List", "items": [{}, {}]}), objects_in({"kind": "Pod"})
    (2, 1)
    """
    items = value.get("items") if isinstance(value, dict) else value
    return len(items) if isinstance(items, list) else 1


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
        from podwall.sources.yaml_lines import repeated_keys  # noqa: PLC0415 - few repeat one

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


SEPARATOR: Final = re.compile(r"\n---[ \t]*(?:#[^\n]*)?\r?\n")
DOCUMENT_START: Final = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
BYTES_KEPT: Final = "surrogateescape"  # what is not UTF-8 spoils its own document only
NOT_YAML: Final = "this is not YAML"
NOT_YET_YAML: Final = "this is a template, and not YAML yet"
TAB: Final = "a tab can't indent, only spaces can"
NO_DOCUMENTS: Final = frozenset({"", "---", "\n", "---\n"})
BLANK: Final = re.compile(rb"(\s|#.*|%.*|---|\.\.\.)*")


def parse_yaml(data: bytes, source: str) -> ParsedDocuments:
    """Return the documents of a stream; what can't be parsed becomes a finding with its line.

    Streams are split at `---` before they are parsed, as kubectl does it, so that one broken
    document spoils no other.
    """
    parts = [each for each in parts_of(data) if each[1] not in NO_DOCUMENTS]
    refuse_crumbs(len(parts), len(data), source)
    plain = PlainYaml()
    return ParsedDocuments.joined(
        _document(plain, chunk, chunk.split("\n"), before, source) for before, chunk in parts
    )


def parts_of(data: bytes) -> Iterator[tuple[int, str]]:
    """Yield the texts between the `---` of a stream, each with the number of lines before it."""
    text = data.decode("utf-8-sig", BYTES_KEPT)
    before = start = 0
    for separator in SEPARATOR.finditer(text):
        yield before, text[start : separator.start()]
        before += text.count("\n", start, separator.end())
        start = separator.end()
    yield before, text[start:]


def _document(
    plain: PlainYaml, chunk: str, lines: list[str], lines_before: int, source: str
) -> ParsedDocuments:
    found = plain.mapping(lines)
    if found is None:
        return _parsed(chunk.encode("utf-8", BYTES_KEPT), lines_before, source)
    mapping, first = found
    return ParsedDocuments((Document(mapping, Place(source, lines_before + first + 1)),))


def _parsed(data: bytes, lines_before: int, source: str) -> ParsedDocuments:
    """Return what the parser reads; where it fails, one document after the other."""
    try:
        return _stream(data, lines_before, source)
    except yaml.YAMLError:
        parts = (_single(text, lines_before + lines, source) for lines, text in _split(data))
        return ParsedDocuments.joined(parts)


def _single(data: bytes, lines_before: int, source: str) -> ParsedDocuments:
    try:
        return _stream(data, lines_before, source)
    except yaml.YAMLError as problem:
        return ParsedDocuments(findings=(_syntax(data, problem, lines_before, source),))


def _split(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each document's text, with the number of lines before it."""
    lines = 0
    starts = [0, *(match.start() for match in DOCUMENT_START.finditer(data)), len(data)]
    for start, end in pairwise(starts):
        if not BLANK.fullmatch(data, start, end):
            yield lines, data[start:end]
        lines += data.count(b"\n", start, end)


def _stream(data: bytes, lines_before: int, source: str) -> ParsedDocuments:
    documents, letters, repeating = [], [], False
    for value, line, repeats, lettered in yaml_values(data):
        if value is not None:
            documents.append(Document(value, Place(source, line + lines_before + 1)))
        letters += [_bare_letter(Place(source, at + lines_before + 1)) for at in lettered]
        repeating = repeating or repeats
    if repeating:
        from podwall.sources.yaml_lines import repeated_keys  # noqa: PLC0415 - few repeat one

        letters += repeated_keys(data, Place(source, lines_before))
    return ParsedDocuments(tuple(documents), tuple(letters))


def _bare_letter(place: Place) -> Finding:
    return Finding(
        "bare-letter",
        Severity.WARNING,
        "kubectl reads a bare `y` or `n` as a boolean and refuses the object; it is read as a text",
        place,
        'write it in quotes, as in `"y"`',
        "https://github.com/kubernetes-sigs/yaml",
    )


def _is_at_a_tab(data: bytes, problem: yaml.YAMLError) -> bool:
    """Return whether the parser stumbled over the tab with which a line begins."""
    mark = getattr(problem, "problem_mark", None)
    lines = data.split(b"\n")
    before = lines[mark.line][: mark.column + 1] if mark and mark.line < len(lines) else b""
    return b"\t" in before and before.isspace()


def _syntax(data: bytes, problem: yaml.YAMLError, lines_before: int, source: str) -> Finding:
    message = getattr(problem, "problem", None) or getattr(problem, "reason", None) or str(problem)
    message = TAB if _is_at_a_tab(data, problem) else message
    mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
    line = mark.line + lines_before + 1 if mark else lines_before + 1
    column = f", column {mark.column + 1}" if mark else ""
    return Finding(
        "malformed-yaml",
        Severity.ERROR,
        f"{NOT_YET_YAML if is_template(data) else NOT_YAML}: {message}{column}",
        Place(source, line),
        RENDER if is_template(data) else "",
    )


_MARK: Final = b"#"


def unkept_comments(places: Iterable[Place], texts: Mapping[str, bytes]) -> Iterator[Finding]:
    """Yield a finding for each file in which documents, given by their places, have comments."""
    lines: defaultdict[str, set[int]] = defaultdict(set)
    for place in places:
        if place.line is not None:
            lines[place.source].add(place.line)
    for name, starts in lines.items():
        text = texts.get(name, b"")
        found = list(comment_lines(text, starts)) if _MARK in text else []
        if found:
            yield Finding(
                "comments-not-kept",
                Severity.INFO,
                "comments are not kept" if len(found) > 1 else "a comment is not kept",
                Place(name, found[0]),
                "carry over by hand what still holds",
            )


def comment_lines(data: bytes, starts: Iterable[int]) -> Iterator[int]:
    r"""Yield the lines with a comment in the documents that begin on certain lines.

    >>> list(comment_lines(b"# why\na: '# no'\n---\nb: 1  # not asked for\n", {2}))
    [1]
    """
    wanted = set(starts)
    for before, text in parts_of(data):
        length = text.count("\n") + 1
        if "#" in text and any(before < line <= before + length for line in wanted):
            yield from (before + line for line in _comments(text))


def _comments(text: str) -> Iterator[int]:
    """Yield the lines with a comment: those between tokens in which a `#` stands."""
    end = 0
    try:
        for token in yaml.scan(text, Loader=yaml.CSafeLoader):
            gap = text[end : token.start_mark.index]
            first = text.count("\n", 0, end) + 1
            yield from (first + n for n, line in enumerate(gap.split("\n")) if "#" in line)
            end = token.end_mark.index
    except yaml.YAMLError:
        return


OBJECT_KEYS: Final = frozenset({"apiVersion", "kind", "metadata", "spec"})


_REMOVE: Final = "remove it, or put a file in its place"
_NO_OBJECT: Final = "it is no Kubernetes object"
_COMMENTED: Final = "it is JSON with comments, and no Kubernetes object"


def read_manifests(path: str) -> ParsedDocuments:
    """Return the documents of a file in a folder; what can't be read is a finding, and no more."""
    try:
        name, data = read_file(path)
        parsed = parse_manifests(data, name)
    except SourceError as problem:
        severity = Severity.ERROR
        found = Finding("unreadable-file", severity, problem.message, problem.place, _REMOVE)
        return ParsedDocuments(findings=(found,))
    return parsed if parsed.documents else _commented_json(data, name) or parsed


def parse_manifests(data: bytes, name: str) -> ParsedDocuments:
    """Return the documents of one file; JSON is also YAML, and much faster to read as JSON."""
    refuse_dense(data, name)
    if Path(name).suffix.lower() == ".json":
        return _objects(parse_json(data, name), data, name)
    as_json = parse_json(data, name) if looks_like_json(data) else ParsedDocuments()
    if as_json.documents:
        return _objects(as_json, data, name)
    as_yaml = parse_yaml(data, name)
    broken = as_json.findings and not as_yaml.documents
    return _objects(as_json if broken else as_yaml, data, name)


def json_manifests(data: bytes, values: Iterable[Any], name: str) -> ParsedDocuments:
    """Return the documents of a file that is parsed as JSON already."""
    return _objects(documents_of(data, values, name), data, name)


_COMMENT: Final = re.compile(rb'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA: Final = re.compile(rb'("(?:\\.|[^"\\])*")|,(?=\s*[\]}])')


def _commented_json(data: bytes, name: str) -> ParsedDocuments | None:
    """Return a JSON file with comments that other tools read; None where it is anything else.

    What looks like an object stays what it is to kubectl, which knows no comments: malformed.
    """
    if Path(name).suffix.lower() != ".json" or _values(data):
        return None
    bare = _COMMENT.sub(rb"\1", data)
    values = _values(_LAST_COMMA.sub(rb"\1", bare)) if bare != data else []
    if not values or any(map(_is_meant_as_object, values)):
        return None
    entry = LedgerEntry("", "", Place(name), ObjectStatus.HARMLESS, _COMMENTED)
    return ParsedDocuments(texts={name: data}, others=(entry,))


def _values(data: bytes) -> list[Any]:
    try:
        return parsed_values(data)
    except BrokenJsonError:
        return []


def _objects(parsed: ParsedDocuments, data: bytes, name: str) -> ParsedDocuments:
    """Return the documents that are meant for Kubernetes, and what the others are."""
    refuse_crumbs(sum(objects_in(each.manifest) for each in parsed.documents), len(data), name)
    objects: list[Document] = []
    others: list[LedgerEntry] = []
    file = name.rpartition(os.sep)[2]
    for item in parsed.documents:
        tool = made_for(item.manifest, file)
        if not tool and _is_meant_as_object(item.manifest):
            objects.append(item)
        else:
            others.append(_other(item, f"it is made for {tool}" if tool else _NO_OBJECT))
    templates = [item for item in objects if _is_unrendered(item.manifest)]
    if templates:
        objects = [item for item in objects if item not in templates]
    return replace(
        parsed,
        documents=tuple(objects),
        findings=(*parsed.findings, *map(_unrendered, templates)),
        texts={name: data},
        others=tuple(others),
    )


def _other(item: Document, reason: str) -> LedgerEntry:
    kind, name = named_in(item.manifest)
    return LedgerEntry(kind, name, item.place, ObjectStatus.HARMLESS, reason)


def _is_meant_as_object(value: Any) -> bool:
    """Return whether a document was meant for Kubernetes, if malformed; folders hold others too."""
    if isinstance(value, list):
        return any(isinstance(item, dict) and "apiVersion" in item for item in value)
    return not isinstance(value, dict) or not value.keys().isdisjoint(OBJECT_KEYS)


def _is_unrendered(manifest: Any) -> bool:
    """Return whether a template engine still has to fill in an object's kind or name.

    Other fields may well have such signs: alerts and dashboards are templates of their own.
    """
    if not isinstance(manifest, dict):
        return False
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return any(isinstance(text, str) and "{{" in text for text in (name, manifest.get("kind")))


def _unrendered(item: Document) -> Finding:
    message = "this is a template, and no manifest yet"
    return Finding("unrendered-template", Severity.ERROR, message, item.place, RENDER)
