"""The files that a preview leaves in `out/`: manifests, the plan, and a page to look at."""

from __future__ import annotations

from collections.abc import Mapping

from podwall.plan.documents import documents
from podwall.preview import Preview
from podwall.reports.json_text import json_text
from podwall.reports.manifests import LeftOut, manifests
from podwall.reports.page import html_page
from podwall.reports.plan_json import plan_document

__all__ = ["preview_files"]


def preview_files(preview: Preview) -> tuple[Mapping[str, str], tuple[LeftOut, ...]]:
    """Return the text of each file by its path, and the objects that could not be written."""
    written = manifests(documents(preview.plan))
    files = {f"manifests/{name}": text for name, text in written.files.items()}
    files["plan.json"] = json_text(plan_document(preview.plan))
    subject = f"stack {preview.plan.stack}"
    files["index.html"] = html_page(preview.reachability, subject, findings=preview.findings)
    return files, written.left_out
