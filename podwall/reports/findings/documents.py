"""Findings as JSON: `podwall/lint/v1`, and SARIF 2.1.0 for GitHub, Azure DevOps and editors.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html and, for what GitHub makes of
it,
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec

from podwall.documents import TypedDocument, about
from podwall.engines import Engine
from podwall.plan.plan_json import (
    FindingDocument,
    PlaceDocument,
    finding_document,
    place_document,
)
from podwall.policies.errors import Finding, Place, Severity
from podwall.reading import LedgerEntry, ObjectStatus
from podwall.reports.formats import EngineName
from podwall.reports.words import printable
from podwall.review import Review, SuppressedFinding

__all__ = [
    "LedgerDocument",
    "LintDocument",
    "ReadingDocument",
    "UnreadDocument",
    "ledger_fields",
    "lint_document",
    "reading_fields",
    "sarif_document",
    "unread_documents",
]


class UnreadDocument(TypedDocument, omit_defaults=True):
    """An object that was not read and may change who reaches whom."""

    place: PlaceDocument
    reason: Annotated[str, about("Why it was not read.")]
    kind: str = ""
    name: Annotated[str, about("`namespace/name` where the object says its namespace.")] = ""


class LedgerDocument(TypedDocument, kw_only=True):
    """A document that says what of its source was not read."""

    unread: Annotated[
        tuple[UnreadDocument, ...], about("What was not read and may change the answer.")
    ] = ()
    acknowledged: Annotated[
        tuple[UnreadDocument, ...],
        about("What was not read either, of kinds of which somebody says that this is known."),
    ] = ()


class ReadingDocument(LedgerDocument, kw_only=True):
    """A document that also has what was found while its source was read."""

    findings: Annotated[
        tuple[FindingDocument, ...],
        about("What was found while reading, the most severe first, without what is silenced."),
    ] = ()


def reading_fields(found: Review) -> dict[str, Any]:
    """Return the fields of a `ReadingDocument`."""
    findings = tuple(map(finding_document, found.reading_findings))
    return {"findings": findings, **ledger_fields(found.not_read)}


def ledger_fields(entries: Iterable[LedgerEntry]) -> dict[str, Any]:
    """Return the fields of a `LedgerDocument` about what was not read."""
    by_status: dict[ObjectStatus, list[LedgerEntry]] = {}
    for each in entries:
        by_status.setdefault(each.status, []).append(each)
    return {
        "unread": unread_documents(by_status.get(ObjectStatus.UNREAD, ())),
        "acknowledged": unread_documents(by_status.get(ObjectStatus.ACKNOWLEDGED, ())),
    }


def unread_documents(entries: Iterable[LedgerEntry]) -> tuple[UnreadDocument, ...]:
    """Return what was not read as documents, each with the reason."""
    return tuple(
        UnreadDocument(place_document(each.place), each.reason, each.kind, each.name)
        for each in entries
    )


class SuppressedFindingDocument(FindingDocument, kw_only=True):
    """A finding that an annotation silences."""

    reason: Annotated[str, about("Why it is silenced.")]


class LintDocument(LedgerDocument, tag_field="format", tag="podwall/lint/v1"):
    """What `podwall lint -o json` prints: findings, the most severe first, and silenced ones."""

    engine: EngineName
    findings: tuple[FindingDocument, ...]
    suppressed: tuple[SuppressedFindingDocument, ...]


def lint_document(
    engine: Engine,
    findings: Iterable[Finding],
    suppressed: Iterable[SuppressedFinding] = (),
    unread: Iterable[LedgerEntry] = (),
) -> LintDocument:
    """Return findings as a document; a silenced one has the `reason` for it."""
    return LintDocument(
        engine.name,
        tuple(map(finding_document, findings)),
        tuple(map(_suppressed, suppressed)),
        **ledger_fields(unread),
    )


def _suppressed(each: SuppressedFinding) -> SuppressedFindingDocument:
    found = msgspec.structs.asdict(finding_document(each.finding))
    return SuppressedFindingDocument(**found, reason=each.reason)


_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_NO_FILE: Final = re.compile(r"<.*>|urn:.*|[a-z][a-z0-9+.-]+://.*", re.IGNORECASE)


def sarif_document(findings: Sequence[Finding], *, category: str = "") -> dict[str, Any]:
    """Return findings as a SARIF log with one run.

    Args:
        findings: in the order in which they are to be shown.
        category: tells apart several runs on the same commit, such as those of two stacks.

    A finding without a file is about the program as a whole: GitHub shows only results that have a
    location, so that these point to the first line of `Pulumi.yaml`.
    """
    run: dict[str, Any] = {
        "tool": {"driver": _driver(findings)},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding) for finding in findings],
    }
    if category:
        run["automationDetails"] = {"id": f"podwall/{category}/"}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


# SARIF alone needs a version and a digest: what brings them is imported only then.


def _driver(findings: Iterable[Finding]) -> dict[str, Any]:
    from importlib.metadata import version  # noqa: PLC0415 - as above

    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.id, finding)
    return {
        "name": "podwall",
        "version": version("podwall"),
        "rules": [_rule(first[name]) for name in sorted(first)],
    }


def _rule(finding: Finding) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": finding.id,
        "shortDescription": {"text": finding.id.replace("-", " ").capitalize()},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
    }
    if finding.link:
        rule["helpUri"] = finding.link
    return rule


def _result(finding: Finding) -> dict[str, Any]:
    text = f"{finding.message}. {finding.help}" if finding.help else finding.message
    return {
        "ruleId": finding.id,
        "level": _LEVELS[finding.severity],
        "message": {"text": printable(text)},
        "locations": [_location(finding.place)],
        "partialFingerprints": {"podwall/v1": _fingerprint(finding)},
    }


def _fingerprint(finding: Finding) -> str:
    """Return what stays the same when lines above the finding come and go."""
    from hashlib import sha256  # noqa: PLC0415 - as above

    parts = (finding.id, finding.message, finding.place.source, finding.place.path)
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _location(place: Place) -> dict[str, Any]:
    in_file = bool(place.source) and not _NO_FILE.fullmatch(place.source)
    source, line = (place.source, place.line) if in_file else ("Pulumi.yaml", None)
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": _artifact(source),
            "region": {"startLine": line or 1},
        }
    }
    named = place.path if in_file else str(place)
    if named:
        location["logicalLocations"] = [{"fullyQualifiedName": printable(named)}]
    return location


def _artifact(source: str) -> dict[str, str]:
    path = PurePath(source)
    uri = quote(path.as_posix(), errors="replace")
    if path.is_absolute():
        return {"uri": f"file:///{uri.lstrip('/')}"}
    return {"uri": uri, "uriBaseId": "%SRCROOT%"}
