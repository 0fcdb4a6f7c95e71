"""What is worth knowing about network policies before they are deployed, one lint each.

>>> from podwall.model import LabelMap, Snapshot, SnapshotWorkload
>>> from podwall.reachability import reachability
>>> web = SnapshotWorkload("shop", "web", "Pod", LabelMap())
>>> for finding in lint(reachability(Snapshot(workloads=(web,)))):
...     print(finding)
info[no-policies]: there is 1 workload and no network policy
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from podwall.lint import (
    cluster_services,
    engine,
    mistakes,
    openness,
    redundancy,
    tiers,
    unmatched,
)
from podwall.lint.context import Lint, LintContext
from podwall.lint.suppression import SuppressedFinding, TriagedFindings, triaged
from podwall.policies.errors import Finding, Severity
from podwall.reachability import Reachability

__all__ = [
    "LINTS",
    "Lint",
    "SuppressedFinding",
    "TriagedFindings",
    "idle_kinds",
    "lint",
    "ranked",
    "silenceable",
    "triaged",
]

LINTS: Final[tuple[Lint, ...]] = (
    *unmatched.SELECTION_LINTS,
    *unmatched.PORT_LINTS,
    *cluster_services.DNS_LINTS,
    *cluster_services.SERVER_CALL_LINTS,
    *redundancy.REDUNDANCY_LINTS,
    *openness.COVERAGE_LINTS,
    *mistakes.ONE_SIDED_LINTS,
    *engine.ENFORCEMENT_LINTS,
    *engine.OVERLOOKED_LABEL_LINTS,
    *engine.PORT_NAME_LINTS,
    *engine.AZURE_LINTS,
    *tiers.TIER_LINTS,
    *openness.OPENNESS_LINTS,
    *mistakes.MISTAKE_LINTS,
)
RANKS: Final = list(Severity)
GUARDRAILS: Final = frozenset({"workload-before-policies", "workload-exposed", "workload-open"})
"""Findings that only the policy pack makes; objects that silence them are linted, too."""


def lint(reachability: Reachability) -> tuple[Finding, ...]:
    """Return everything that the lints find in a snapshot under an engine, most severe first."""
    context = LintContext(reachability)
    return ranked(finding for each in LINTS for finding in each.findings(context))


def idle_kinds(reachability: Reachability) -> tuple[Finding, ...]:
    """Return the policies whose kind the engine does not enforce, or perhaps not.

    They are worth knowing wherever verdicts are shown, which are those without these policies.
    """
    return ranked(tiers.IDLE_KINDS.findings(LintContext(reachability)))


def silenceable(noted: Iterable[Finding]) -> frozenset[str]:
    """Return the ids that an annotation can silence, given what was noted while reading.

    An error of reading is not among them: the API server refuses the object, whatever it says.
    """
    read = {each.id for each in noted if each.severity is not Severity.ERROR}
    return frozenset(read | GUARDRAILS | {each.id for each in LINTS})


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings by severity, then by place."""
    return tuple(sorted(findings, key=_rank))


def _rank(finding: Finding) -> tuple[int, str, int, str]:
    place = finding.place
    return RANKS.index(finding.severity), place.source, place.line or 0, finding.id
