"""Hold the expectations of a file against an analysis, as findings at their lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from podwall.expectations import Outcome, Result, check
from podwall.policies.errors import Place
from podwall.policies.findings import Finding, Severity
from podwall.reachability import Reachability
from podwall.sources.expectations_file import expectations_in
from podwall.sources.files import read_bytes
from podwall.sources.yaml_lines import exact_place

__all__ = ["unmet_expectations"]

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
