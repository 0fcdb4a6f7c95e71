"""The main job: from a plan to what it means."""

from __future__ import annotations

from dataclasses import dataclass

from podwall.engines import Engine
from podwall.plan.cluster import planned_cluster
from podwall.plan.documents import documents, unseen_objects
from podwall.plan.model import Plan
from podwall.plan.replacements import replaced_clusters
from podwall.reachability import Reachability, reachability
from podwall.reading import snapshot
from podwall.strangers import strangers
from policies.findings import Finding, Severity

__all__ = ["Preview", "preview"]


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan, who can reach whom once it is deployed, and what a person should know about it.

    `findings` are sorted, the most severe first.
    """

    plan: Plan
    reachability: Reachability
    findings: tuple[Finding, ...] = ()


def preview(plan: Plan, engine: Engine | str | None = None) -> Preview:
    """Return what `plan` means under `engine`, by default the one that its cluster declares."""
    reading = snapshot(documents(plan), cluster=planned_cluster(plan))
    findings = [
        *replaced_clusters(plan),
        *plan.warnings,
        *reading.findings,
        *strangers(reading.snapshot),
        *unseen_objects(plan),
    ]
    return Preview(
        plan=plan,
        reachability=reachability(reading.snapshot, engine),
        findings=tuple(sorted(findings, key=_rank)),
    )


def _rank(finding: Finding) -> int:
    return list(Severity).index(finding.severity)
