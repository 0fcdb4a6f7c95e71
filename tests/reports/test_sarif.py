from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from podwall.policies.errors import Finding, Place, Severity
from podwall.reports.findings.documents import sarif_document


def _finding(place: Place, **more: Any) -> Finding:
    return Finding("no-default-deny", Severity.WARNING, "namespace `x` is open", place, **more)


def _result(finding: Finding) -> dict[str, Any]:
    result: dict[str, Any] = sarif_document([finding])["runs"][0]["results"][0]
    return result


def _physical(finding: Finding) -> dict[str, Any]:
    location: dict[str, Any] = _result(finding)["locations"][0]["physicalLocation"]
    return location


def test_a_finding_stands_at_its_line() -> None:
    found = _physical(_finding(Place("policies/shop.py", 12, "spec.ingress[0]")))
    assert found["artifactLocation"] == {"uri": "policies/shop.py", "uriBaseId": "%SRCROOT%"}
    assert found["region"] == {"startLine": 12}


@pytest.mark.parametrize(
    ("source", "uri"),
    [
        pytest.param("a b/ü.yaml", "a%20b/%C3%BC.yaml", id="spaces and letters are encoded"),
        pytest.param("/home/me/a.yaml", "file:///home/me/a.yaml", id="an absolute path is a URI"),
        pytest.param("<stdin>", "Pulumi.yaml", id="what is no file is about the program"),
        pytest.param("urn:pulumi:dev::p::t::n", "Pulumi.yaml", id="a URN is no file"),
        pytest.param("https://example.com", "Pulumi.yaml", id="a cluster is no file"),
        pytest.param("", "Pulumi.yaml", id="without a place it is about the program"),
    ],
)
def test_where_results_point_to(source: str, uri: str) -> None:
    assert _physical(_finding(Place(source)))["artifactLocation"]["uri"] == uri


def test_a_urn_and_a_field_path_are_kept_as_logical_locations() -> None:
    named = _result(_finding(Place("urn:pulumi:x", 4, "spec")))["locations"][0]["logicalLocations"]
    assert named == [{"fullyQualifiedName": "urn:pulumi:x:4 spec"}]


@pytest.mark.parametrize(
    ("severity", "level"),
    [(Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "note")],
    ids=str,
)
def test_severities_are_levels(severity: Severity, level: str) -> None:
    assert _result(Finding("a-rule", severity, "said"))["level"] == level


def test_every_result_has_its_rule_once() -> None:
    link = "https://kubernetes.io/docs"
    findings = [_finding(Place("a", n), link=link) for n in (1, 2)]
    rules = sarif_document(findings)["runs"][0]["tool"]["driver"]["rules"]
    assert [(rule["id"], rule["helpUri"]) for rule in rules] == [("no-default-deny", link)]


def test_a_fingerprint_stays_when_lines_move_and_differs_between_findings() -> None:
    lines = [_result(_finding(Place("a.py", n)))["partialFingerprints"] for n in (1, 9)]
    other = _result(_finding(Place("b.py", 1)))["partialFingerprints"]
    assert lines[0] == lines[1] != other


def test_no_finding_is_a_run_without_results_so_that_old_alerts_close() -> None:
    document = sarif_document([], category="dev")
    assert document["version"] == "2.1.0"
    assert document["runs"][0]["results"] == []
    assert document["runs"][0]["automationDetails"] == {"id": "podwall/dev/"}


def test_a_hostile_message_is_still_one_line_of_json() -> None:
    finding = Finding("a", Severity.ERROR, "a\nb\u202e\ud800", Place("\ud800"))
    assert "\\u202e" in json.loads(json.dumps(_result(finding)))["message"]["text"]


def _object(needed: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """Return the schema of an object that has nothing else."""
    return {
        "type": "object",
        "required": list(needed),
        "properties": properties,
        "additionalProperties": False,
    }


def _list(items: Any, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


TEXT = {"type": "string"}
MESSAGE = _object(("text",), text=TEXT)
LEVEL = {"enum": ["none", "note", "warning", "error"]}
ARTIFACT = _object(uri={"type": "string", "format": "uri-reference"}, uriBaseId=TEXT)
REGION = _object(startLine={"type": "integer", "minimum": 1})
LOCATION = _object(
    physicalLocation=_object(artifactLocation=ARTIFACT, region=REGION),
    logicalLocations=_list(_object(fullyQualifiedName=TEXT), uniqueItems=True),
)
RULE = _object(
    ("id",),
    id=TEXT,
    shortDescription=MESSAGE,
    helpUri={"type": "string", "format": "uri"},
    defaultConfiguration=_object(level=LEVEL),
)
RESULT = _object(
    ("message",),
    ruleId=TEXT,
    level=LEVEL,
    message=MESSAGE,
    locations=_list(LOCATION),
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
)
DRIVER = _object(("name",), name=TEXT, version=TEXT, rules=_list(RULE, uniqueItems=True))
RUN = _object(
    ("tool",),
    tool=_object(("driver",), driver=DRIVER),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results=_list(RESULT),
    automationDetails=_object(id=TEXT),
)
LOG = _object(
    ("version", "runs"),
    **{"$schema": {"type": "string", "format": "uri"}},
    version={"enum": ["2.1.0"]},
    runs=_list(RUN),
)
"""The part of the schema of SARIF 2.1.0 that is written here, and nothing beside it.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json
"""

PLACES = (
    *(Place("a b/ü.yaml", 3, "spec"), Place(), Place("urn:pulumi:x", 4, "s"), Place("<stdin>")),
    *(Place("/home/me/a.yaml", 1), Place("\ud800"), Place("a%b\\c#d?e")),
)


@pytest.mark.parametrize("category", ["", "stack dev of shop", "`a b`"])
@pytest.mark.parametrize("severity", Severity)
def test_every_document_follows_the_schema(severity: Severity, category: str) -> None:
    more: dict[str, str] = {"help": "do", "link": "https://kubernetes.io/docs"}
    findings = [
        Finding("a-rule", severity, "said", place, **told)
        for place in PLACES
        for told in ({}, more)
    ]
    for told in ([], findings):
        document = sarif_document(told, category=category)
        jsonschema.validate(document, LOG, format_checker=jsonschema.FormatChecker())
