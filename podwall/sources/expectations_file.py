"""Expectations from a YAML or JSON file."""

from __future__ import annotations

from podwall.expectations import Expectation, read_expectations
from podwall.policies.errors import InvalidValue, Place, SourceError
from podwall.policies.findings import Finding, Severity
from podwall.sources.files import read_bytes
from podwall.sources.yaml_documents import parse_yaml
from podwall.sources.yaml_lines import exact_place

__all__ = ["expectations_in"]


def expectations_in(path: str) -> tuple[Expectation, ...]:
    """Return the expectations of a file, each with its line.

    Raises:
        SourceError: the file could not be read, or is no YAML.
        InvalidValue: something in it is not understood; the place has file, line and field path.
    """
    name, data = _read(path)
    parsed = parse_yaml(data, name)
    for finding in filter(_is_fatal, parsed.findings):
        raise SourceError(finding.message, help=finding.help, place=finding.place)
    if len(parsed.documents) != 1:
        raise SourceError(
            f"holds {len(parsed.documents)} documents, and must hold one",
            help="begin it with `expectations:`",
            place=Place(name),
        )
    (document,) = parsed.documents
    try:
        return read_expectations(document.manifest, document.place)
    except InvalidValue as problem:
        problem.place = exact_place(problem.place, {name: data})
        raise


def _read(path: str) -> tuple[str, bytes]:
    try:
        return read_bytes(path)
    except SourceError as problem:
        problem.help = "expectations are one file, which begins with `expectations:`"
        raise


def _is_fatal(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR or finding.id == "duplicate-key"
