"""Expectations that are not fulfilled, as findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from podwall.expectations.expectation import Outcome, Result
from podwall.policies.errors import Finding, Severity

__all__ = ["unmet"]

_LINK: Final = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"


def unmet(results: Iterable[Result]) -> Iterator[Finding]:
    """Yield an error for each broken expectation, and a warning for each uncertain one."""
    for result in results:
        if result.outcome is not Outcome.PASS:
            yield _finding(result)


def _finding(result: Result) -> Finding:
    broken = result.outcome is Outcome.FAIL
    what = "is broken" if broken else "may be broken"
    return Finding(
        "expectation-broken" if broken else "expectation-undetermined",
        Severity.ERROR if broken else Severity.WARNING,
        f"the expectation `{result.expectation.name}` {what}: {result.reason}",
        replace(result.expectation.place, path=""),
        "change the policies, or what is expected",
        _LINK,
    )
