"""A preview as JSON: the plan, who can reach whom, and what a person should know."""

from __future__ import annotations

from typing import Any

from podwall.preview import Preview
from podwall.reports.findings_json import finding_document
from podwall.reports.plan_json import plan_document
from podwall.reports.reach_json import reach_document

__all__ = ["preview_document"]


def preview_document(preview: Preview) -> dict[str, Any]:
    """Return a preview as a JSON document: that of its plan, with two keys more."""
    return {
        **plan_document(preview.plan),
        "format": "podwall/preview/v1",
        "reachability": reach_document(preview.reachability),
        "findings": [finding_document(finding) for finding in preview.findings],
    }
