"""A preview as JSON, secrets masked, and the files that it leaves in `out/`."""

from __future__ import annotations

from collections.abc import Mapping

from podwall.plan.documents import documents
from podwall.plan.plan_json import (
    FindingDocument,
    PlannedDocument,
    finding_document,
    plan_document,
    planned_fields,
)
from podwall.preview import Preview
from podwall.reports.formats import json_text
from podwall.reports.page import html_page
from podwall.reports.preview.manifests import LeftOut, manifests
from podwall.reports.reach.documents import ReachDocument, reach_document

__all__ = ["PreviewDocument", "preview_document", "preview_files"]


class PreviewDocument(PlannedDocument, tag="podwall/preview/v1"):
    """What `podwall preview -o json` prints: the plan, who can reach whom then, and findings."""

    reachability: ReachDocument
    findings: tuple[FindingDocument, ...]


def preview_document(preview: Preview) -> PreviewDocument:
    """Return a preview as a document; the plan's own warnings are among the findings."""
    return PreviewDocument(
        **planned_fields(preview.plan),
        reachability=reach_document(preview.reachability),
        findings=tuple(map(finding_document, preview.findings)),
    )


def preview_files(preview: Preview) -> tuple[Mapping[str, str], tuple[LeftOut, ...]]:
    """Return the text of each file by its path, and the objects that could not be written."""
    written = manifests(documents(preview.plan))
    files = {f"manifests/{name}": text for name, text in written.files.items()}
    files["plan.json"] = json_text(plan_document(preview.plan))
    subject = f"stack {preview.plan.stack}"
    files["index.html"] = html_page(preview.reachability, subject, findings=preview.findings)
    return files, written.left_out
