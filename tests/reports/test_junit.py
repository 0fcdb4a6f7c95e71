from __future__ import annotations

from typing import NamedTuple
from xml.etree import ElementTree as ET

from podwall.policies.errors import Finding, Place, Severity
from podwall.reports.findings.junit import JunitCase, JunitSuite, findings_suite, junit_text


class Allowed(NamedTuple):
    """The attributes that an element needs, those that it may have, and its children."""

    needed: set[str]
    more: set[str]
    children: set[str]


ERROR = Finding("open", Severity.ERROR, "`x/a` is open", Place("a.py", 3), "close it")
NOTE = Finding("note", Severity.INFO, "worth knowing")


def _parsed(*suites: JunitSuite) -> ET.Element:
    return ET.fromstring(junit_text(suites))  # noqa: S314 - our own document


def test_errors_and_warnings_fail_and_notes_pass() -> None:
    root = _parsed(findings_suite("lint", [ERROR, NOTE]))
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    failed, passed = root.iter("testcase")
    assert (failed.get("classname"), failed.get("file"), failed.get("line")) == (
        "open",
        "a.py",
        "3",
    )
    failure = failed.find("failure")
    assert failure is not None
    assert failure.get("message") == "`x/a` is open"
    assert failure.text == "error[open]: a.py:3: `x/a` is open\nhelp: close it"
    assert passed.find("failure") is None
    assert passed.findtext("system-out") == "info[note]: worth knowing"


def test_without_findings_one_case_passes() -> None:
    root = _parsed(findings_suite("lint", []))
    assert (root.get("tests"), root.get("failures")) == ("1", "0")


def test_suites_are_counted_by_themselves_and_together() -> None:
    checks = JunitSuite("check", (JunitCase("web reaches api", "expectation", "it does not"),))
    root = _parsed(findings_suite("lint", [ERROR]), checks)
    assert [each.get("failures") for each in root.iter("testsuite")] == ["1", "1"]
    assert root.get("failures") == "2"


def test_a_case_that_could_not_be_looked_at_is_skipped_and_has_not_passed() -> None:
    root = _parsed(
        JunitSuite("verify", (JunitCase("a", "g", skipped="quota"), JunitCase("b", "g")))
    )
    assert [each.get("skipped") for each in root.iter("testsuite")] == ["1"]
    assert [each.get("message") for each in root.iter("skipped")] == ["quota"]


def test_characters_that_xml_cannot_hold_are_shown_as_escapes() -> None:
    case = JunitCase("a\x00<b>", "g", "c\ud800", "d\x1b[31m\ne\uffff")
    node = next(_parsed(JunitSuite("s", (case,))).iter("testcase"))
    assert node.get("name") == "a\\x00<b>"
    assert node.findtext("failure") == "d\\x1b[31m\ne\\uffff"


TESTCASE = Allowed({"name"}, {"time", "classname", "group"}, {"failure", "skipped", "system-out"})
SCHEMA = {
    "testsuites": Allowed(set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": Allowed(
        {"name", "tests", "failures", "errors"},
        {"time", "skipped", "timestamp", "hostname", "id", "package", "file"},
        {"testcase", "properties", "system-out"},
    ),
    "testcase": TESTCASE._replace(more={*TESTCASE.more, "file", "line"}),
    "failure": Allowed(set(), {"type", "message"}, set()),
    "skipped": Allowed(set(), {"message"}, set()),
    "system-out": Allowed(set(), set(), set()),
}
"""What the schema of Jenkins' xUnit plugin allows, of the elements that are written here.

https://github.com/jenkinsci/xunit-plugin - `file` and `line` are not in it: GitLab and others read
them there, as pytest's own form `xunit1` has them.
"""


def test_elements_and_attributes_are_those_of_the_common_schema() -> None:
    checks = JunitSuite("check", (JunitCase("web reaches api", "expectation", "it does not"),))
    unseen = JunitSuite("verify", (JunitCase("web -> api", "web", skipped="quota"),))
    root = _parsed(
        findings_suite("lint", [ERROR, NOTE]), findings_suite("none", []), checks, unseen
    )
    assert {node.tag for node in root.iter()} == SCHEMA.keys()
    for node in root.iter():
        allowed = SCHEMA[node.tag]
        assert allowed.needed <= node.attrib.keys() <= allowed.needed | allowed.more
        assert {child.tag for child in node} <= allowed.children
        assert not (len(node) and (node.text or "").strip())
