"""A preview as JSON, secrets masked, and the files that it leaves in `out/`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from podwall.documents import about
from podwall.plan.documents import stand_ins
from podwall.plan.plan_json import (
    FindingDocument,
    PlannedDocument,
    finding_document,
    plan_document,
    planned_fields,
)
from podwall.reports.findings.documents import (
    UnreadDocument,
    ledger_fields,
    reading_fields,
)
from podwall.reports.formats import json_text
from podwall.reports.page import html_page
from podwall.reports.preview.manifests import LeftOut, manifests
from podwall.reports.reach.documents import ReachDocument, reach_document
from podwall.reports.words import left_out
from podwall.review import Review

__all__ = ["PreviewDocument", "preview_document", "preview_files"]


class PreviewDocument(PlannedDocument, tag="podwall/preview/v1"):
    """What `podwall preview -o json` prints: the plan, who can reach whom then, and findings."""

    reachability: ReachDocument
    findings: tuple[FindingDocument, ...]
    unread: Annotated[
        tuple[UnreadDocument, ...], about("What was not read and may change the answer.")
    ] = ()
    acknowledged: Annotated[
        tuple[UnreadDocument, ...],
        about("What was not read either, of kinds of which somebody says that this is known."),
    ] = ()


def preview_document(found: Review) -> PreviewDocument:
    """Return a preview as a document; the plan's own warnings are among the findings."""
    return PreviewDocument(
        **planned_fields(found.plan),
        reachability=reach_document(found.reachability, **reading_fields(found)),
        findings=tuple(map(finding_document, found.findings)),
        **ledger_fields(found.not_read),
    )


def preview_files(found: Review) -> tuple[Mapping[str, str], tuple[LeftOut, ...]]:
    """Return the text of each file by its path, and the objects that could not be written."""
    written = manifests(found.source.planned.documents, stand_ins(found.plan))
    files = {f"manifests/{name}": text for name, text in written.files.items()}
    files["plan.json"] = json_text(plan_document(found.plan))
    subject = f"stack {found.plan.stack}"
    files["index.html"] = html_page(
        found.reachability, subject, findings=found.findings, lacking=left_out(found.not_read)
    )
    return files, written.left_out
