"""Manifests: files, folders and the standard input, in YAML or JSON."""

from __future__ import annotations

from pathlib import Path

from podwall.sources.files import manifest_files, read_bytes
from podwall.sources.json_documents import looks_like_json, parse_json
from podwall.sources.parsed import Parsed
from podwall.sources.yaml_documents import parse_yaml

__all__ = ["parse_manifests", "read_folder"]


def read_folder(folder: str) -> Parsed:
    """Return the documents of all YAML and JSON files in a folder and below it."""
    files = (read_bytes(path) for path in manifest_files(folder))
    return Parsed.joined(parse_manifests(data, name) for name, data in files)


def parse_manifests(data: bytes, name: str) -> Parsed:
    """Return the documents of one file; JSON is also YAML, and much faster to read as JSON."""
    if Path(name).suffix.lower() == ".json":
        return parse_json(data, name)
    if looks_like_json(data):
        parsed = parse_json(data, name)
        if not parsed.findings:
            return parsed
    return parse_yaml(data, name)
