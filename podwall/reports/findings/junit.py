"""Findings and checks as JUnit XML, which every build server shows among its tests.

The form is that of https://github.com/testmoapp/junitxml - failures carry their text twice, short
as an attribute and whole as the element's content.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from podwall.policies.errors import Finding, Severity
from podwall.quick_dataclass import dataclass
from podwall.reports.words import printable
from podwall.streams import shown_markup

__all__ = ["JunitCase", "JunitSuite", "findings_suite", "junit_text"]


@dataclass(frozen=True, slots=True)
class JunitCase:
    """One thing that was looked at; `failure` says in a line why it is not as it should be.

    `skipped` says why it could not be looked at.
    """

    name: str
    group: str
    failure: str = ""
    detail: str = ""
    file: str = ""
    line: int | None = None
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class JunitSuite:
    """Cases under one name."""

    name: str
    cases: tuple[JunitCase, ...]


_FAILING: Final = frozenset({Severity.ERROR, Severity.WARNING})


def findings_suite(name: str, findings: Sequence[Finding]) -> JunitSuite:
    """Return a suite in which every error and warning fails; without findings, one case passes."""
    if not findings:
        return JunitSuite(name, (JunitCase("no findings", name),))
    return JunitSuite(name, tuple(map(_case, findings)))


def _case(finding: Finding) -> JunitCase:
    lines = (str(finding), finding.help and f"help: {finding.help}", finding.link)
    return JunitCase(
        name=finding.message,
        group=finding.id,
        failure=finding.message if finding.severity in _FAILING else "",
        detail="\n".join(filter(None, lines)),
        file=finding.place.source,
        line=finding.place.line,
    )


def junit_text(suites: Iterable[JunitSuite]) -> str:
    """Return the suites as an XML document."""
    root = ET.Element("testsuites", name="podwall")
    for suite in suites:
        _add_suite(root, suite)
    cases = list(root.iter("testcase"))
    root.set("tests", str(len(cases)))
    root.set("failures", str(sum(each.find("failure") is not None for each in cases)))
    ET.indent(root)
    written = shown_markup(ET.tostring(root, encoding="unicode"))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{written}\n'


def _add_suite(root: ET.Element, suite: JunitSuite) -> None:
    failures = sum(bool(case.failure) for case in suite.cases)
    skipped = sum(bool(case.skipped) for case in suite.cases)
    counts = {"tests": str(len(suite.cases)), "failures": str(failures), "errors": "0"}
    counts["skipped"] = str(skipped)
    node = ET.SubElement(root, "testsuite", {"name": printable(suite.name), **counts})
    for case in suite.cases:
        _add_case(node, case)


def _add_case(suite: ET.Element, case: JunitCase) -> None:
    where = {"file": printable(case.file)} if case.file else {}
    if case.line is not None:
        where["line"] = str(case.line)
    named = {"name": printable(case.name), "classname": printable(case.group), **where}
    node = ET.SubElement(suite, "testcase", named)
    if case.failure:
        failure = ET.SubElement(node, "failure", {"message": printable(case.failure)})
        failure.text = _lines(case.detail or case.failure)
    elif case.skipped:
        ET.SubElement(node, "skipped", {"message": printable(case.skipped)})
    elif case.detail:
        ET.SubElement(node, "system-out").text = _lines(case.detail)


def _lines(text: str) -> str:
    return "\n".join(map(printable, text.splitlines()))
