"""Findings on the screen and in JSON."""

from __future__ import annotations

from msgspec import to_builtins

from podwall.plan.plan_json import finding_document
from podwall.policies.errors import Finding, Place, Severity
from podwall.reports.findings.terminal import findings_section

FULL = Finding(
    "some-rule",
    Severity.ERROR,
    "this is wrong",
    Place("shop.yaml", 3, "spec.ports[0]"),
    help="do it right",
    link="https://example.com/rule",
)
SHORT = Finding("other-rule", Severity.INFO, "this is so")


def test_the_screen_counts_and_tells_place_remedy_and_source() -> None:
    assert [line.plain for line in findings_section([FULL, SHORT, SHORT], 100)] == [
        "Findings  1 error, 2 notes",
        "  error[some-rule] shop.yaml:3 spec.ports[0]: this is wrong",
        "    help: do it right",
        "    see: https://example.com/rule",
        "  info[other-rule] this is so",
        "  info[other-rule] this is so",
    ]


def test_findings_in_a_row_share_their_remedy() -> None:
    other = Finding("some-rule", Severity.ERROR, "this too", help=FULL.help, link=FULL.link)
    assert [line.plain for line in findings_section([other, FULL, SHORT])][1:] == [
        "  error[some-rule] this too",
        "  error[some-rule] shop.yaml:3 spec.ports[0]: this is wrong",
        "    help: do it right",
        "    see: https://example.com/rule",
        "  info[other-rule] this is so",
    ]


def test_a_narrow_screen_wraps_words_and_never_a_link() -> None:
    assert [line.plain for line in findings_section([FULL], 24)][1:] == [
        "  error[some-rule]\n    shop.yaml:3\n    spec.ports[0]: this\n    is wrong",
        "    help: do it right",
        "    see:\n      https://example.com/rule",
    ]


def test_without_findings_there_is_no_title() -> None:
    assert list(findings_section([], 100)) == []


def test_of_very_many_findings_two_hundred_are_shown_and_where_all_of_them_are() -> None:
    lines = [line.plain for line in findings_section([SHORT] * 1500)]
    assert lines[0] == "Findings  1,500 notes"
    assert lines[1:201] == ["  info[other-rule] this is so"] * 200
    assert lines[201:] == ["and 1,300 more: `podwall lint -o json` has every finding"]


def test_json_leaves_out_what_is_not_said() -> None:
    assert to_builtins(finding_document(FULL)) == {
        "id": "some-rule",
        "severity": "error",
        "message": "this is wrong",
        "place": {"source": "shop.yaml", "line": 3, "path": "spec.ports[0]"},
        "help": "do it right",
        "link": "https://example.com/rule",
    }
    assert to_builtins(finding_document(SHORT)) == {
        "id": "other-rule",
        "severity": "info",
        "message": "this is so",
        "place": {},
    }
