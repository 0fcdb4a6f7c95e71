"""Manifests: files, folders and the standard input, in YAML or JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from podwall.policies.errors import Finding, Severity, SourceError
from podwall.reading import Document
from podwall.sources.files import ParsedDocuments, manifest_files, read_file
from podwall.sources.json_documents import documents_of, looks_like_json, parse_json
from podwall.sources.yaml_documents import parse_yaml

__all__ = ["json_manifests", "parse_manifests", "read_folder"]

OBJECT_KEYS: Final = frozenset({"apiVersion", "kind", "metadata", "spec"})


_REMOVE: Final = "remove it, or put a file in its place"


def read_folder(folder: str) -> ParsedDocuments:
    """Return the documents of all YAML and JSON files in a folder and below it."""
    return ParsedDocuments.joined(map(_of_file, manifest_files(folder)))


def _of_file(path: str) -> ParsedDocuments:
    """Return the documents of a file in a folder; what can't be read is a finding, and no more."""
    try:
        name, data = read_file(path)
    except SourceError as problem:
        severity = Severity.ERROR
        found = Finding("unreadable-file", severity, problem.message, problem.place, _REMOVE)
        return ParsedDocuments(findings=(found,))
    return parse_manifests(data, name)


def parse_manifests(data: bytes, name: str) -> ParsedDocuments:
    """Return the documents of one file; JSON is also YAML, and much faster to read as JSON."""
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


def _objects(parsed: ParsedDocuments, data: bytes, name: str) -> ParsedDocuments:
    objects: list[Document] = []
    others: list[Document] = []
    for item in parsed.documents:
        (objects if _is_meant_as_object(item.manifest) else others).append(item)
    places = tuple(item.place for item in others)
    return replace(parsed, documents=tuple(objects), texts={name: data}, others=places)


def _is_meant_as_object(value: Any) -> bool:
    """Return whether a document was meant for Kubernetes, if malformed; folders hold others too."""
    if isinstance(value, list):
        return any(isinstance(item, dict) and "apiVersion" in item for item in value)
    return not isinstance(value, dict) or not value.keys().isdisjoint(OBJECT_KEYS)
