"""Manifests: files and the standard input, in YAML or JSON."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from podwall.policies.errors import Finding, Place, Severity, SourceError
from podwall.reading import Document, LedgerEntry, ObjectStatus
from podwall.reading.ledger import named_in
from podwall.sources.files import ParsedDocuments, made_for, read_file, refuse_crumbs, refuse_dense
from podwall.sources.yaml_documents import (
    RENDER,
    BrokenJsonError,
    documents_of,
    looks_like_json,
    objects_in,
    parse_json,
    parse_yaml,
    parsed_values,
)

__all__ = ["json_manifests", "parse_manifests", "read_manifests"]

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
