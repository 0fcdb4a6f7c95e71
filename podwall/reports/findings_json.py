"""Findings as JSON."""

from __future__ import annotations

from typing import Any

from podwall.policies.findings import Finding

__all__ = ["finding_document"]


def finding_document(finding: Finding) -> dict[str, Any]:
    """Return a finding as a JSON object; what it does not say is left out."""
    place = finding.place
    where = {"source": place.source, "line": place.line, "path": place.path}
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "message": finding.message,
        "place": {key: value for key, value in where.items() if value},
        **{key: value for key in ("help", "link") if (value := getattr(finding, key))},
    }
