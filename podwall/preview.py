"""The main job: from a plan to what it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from podwall.engines import Engine
from podwall.lint import lint, ranked, silenceable, triaged
from podwall.plan.cluster import planned_cluster, replaced_clusters, unclear_clusters
from podwall.plan.documents import documents, unseen_objects
from podwall.plan.model import Plan
from podwall.policies.errors import Finding, Severity
from podwall.reachability import Reachability, reachability
from podwall.reading import Document, snapshot

__all__ = ["NAMES_NOTHING", "Preview", "preview"]

#: The lints that mean, in a program, that a policy is written for labels that nothing carries.
NAMES_NOTHING: Final = frozenset({"policy-without-pods", "peer-without-pods"})


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan, who can reach whom once it is deployed, and what a person should know about it.

    `findings` are sorted, the most severe first. `refused` are those of them that name an object
    which the API server would refuse, and which is therefore missing from the reachability.
    """

    plan: Plan
    reachability: Reachability
    findings: tuple[Finding, ...] = ()
    refused: tuple[Finding, ...] = ()


def preview(plan: Plan, engine: Engine | str | None = None) -> Preview:
    """Return what `plan` means under `engine`, by default the one that its cluster declares."""
    planned = documents(plan)
    reading = snapshot(planned, cluster=planned_cluster(plan))
    found = reachability(reading.snapshot, engine)
    policies = _judged((*reading.findings, *lint(found)), planned)
    about_plan = (
        *replaced_clusters(plan),
        *plan.warnings,
        *unseen_objects(plan),
        *unclear_clusters(plan),
    )
    refused = tuple(each for each in reading.findings if each.severity is Severity.ERROR)
    return Preview(plan, found, ranked((*about_plan, *policies)), refused)


def _judged(findings: Sequence[Finding], planned: Sequence[Document]) -> tuple[Finding, ...]:
    """Return the findings that no annotation in the plan silences."""
    found = triaged(findings, planned, silenceable(findings)).findings
    return tuple(_as_input(each) for each in found)


def _as_input(finding: Finding) -> Finding:
    """Return the finding, an error where a program's policy names a label that nothing carries.

    In files that may be a part of something; a program says what its pods are called.
    """
    doubted = finding.severity is Severity.WARNING and finding.id in NAMES_NOTHING
    return replace(finding, severity=Severity.ERROR) if doubted else finding
