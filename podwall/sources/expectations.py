"""Expectations from a YAML or JSON file, and those of them that an analysis does not fulfil."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from podwall.expectations import Expectation, Outcome, Result, check, read_expectations
from podwall.policies.errors import Finding, InvalidValue, Place, Severity, SourceError
from podwall.reachability import Reachability
from podwall.sources.files import read_bytes
from podwall.sources.yaml_documents import parse_yaml
from podwall.sources.yaml_lines import exact_place

__all__ = ["expectations_in", "unmet_expectations"]


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


_LINK = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"


def unmet_expectations(path: str, found: Reachability) -> Iterator[Finding]:
    """Yield an error for each broken expectation of a file, a warning for each uncertain one.

    Raises:
        SourceError: the file could not be read.
        InvalidValue: something in it is not understood.
    """
    for result in check(found, expectations_in(path)):
        if result.outcome is not Outcome.PASS:
            yield _finding(result)


def _finding(result: Result) -> Finding:
    broken = result.outcome is Outcome.FAIL
    what = "is broken" if broken else "may be broken"
    return Finding(
        "expectation-broken" if broken else "expectation-undetermined",
        Severity.ERROR if broken else Severity.WARNING,
        f"the expectation `{result.expectation.name}` {what}: {result.reason}",
        _exact(result.expectation.place),
        "change the policies, or what is expected",
        _LINK,
    )


def _exact(place: Place) -> Place:
    """Return the file and line of an expectation."""
    name, data = read_bytes(place.source)
    return replace(exact_place(place, {name: data}), path="")
