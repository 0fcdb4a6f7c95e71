"""What a change does, in the format `podwall/diff/v1` (docs/schemas/diff.schema.json)."""

from __future__ import annotations

from typing import Any, Final

from podwall.diff import Change, Diff, Passage, PolicyChange
from podwall.policies.errors import Place
from podwall.policies.findings import Finding
from podwall.reports.change_rows import told_kind
from podwall.reports.findings_json import finding_document
from podwall.reports.port_documents import port_documents
from podwall.reports.reach_json import workload_document

__all__ = ["FORMAT", "changes_document"]

FORMAT: Final = "podwall/diff/v1"


def changes_document(difference: Diff, findings: tuple[Finding, ...] = ()) -> dict[str, Any]:
    """Return a diff, and what was found on the way, as a JSON document."""
    changes = (_change(each) for each in difference.changes())
    return {
        "format": FORMAT,
        "engine": {"before": difference.old.engine.name, "after": difference.new.engine.name},
        "findings": [finding_document(each) for each in (*difference.findings, *findings)],
        "policies": [_policy(each) for each in difference.policies],
        "workloads": {
            "added": [workload_document(each) for each in difference.added],
            "gone": [workload_document(each) for each in difference.gone],
        },
        "changes": [each for each in changes if each["change"]],
    }


def _change(change: Change) -> dict[str, Any]:
    kind = told_kind(change)
    return {
        "change": kind and kind.value,
        "source": change.source.id,
        "destination": change.destination.id,
        "before": _passage(change.before),
        "after": _passage(change.after),
        "because": change.because,
        "effect": change.effect.value,
        "policies": [each.name for each in change.policies],
    }


def _passage(passage: Passage) -> dict[str, Any]:
    return {
        "allowed": port_documents(passage.allowed),
        "undetermined": port_documents(passage.undetermined),
    }


def _policy(change: PolicyChange) -> dict[str, Any]:
    return {
        "policy": change.name,
        "change": change.kind.value,
        "before": change.old and _place(change.old.place),
        "after": change.new and _place(change.new.place),
    }


def _place(place: Place) -> dict[str, Any]:
    return {"source": place.source, "line": place.line}
