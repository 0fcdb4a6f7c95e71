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
from typing import TYPE_CHECKING, Final

from podwall.lint.suppression import SuppressedFinding, TriagedFindings, is_annotated, triaged
from podwall.on_demand import on_first_use
from podwall.policies.errors import Finding, Severity
from podwall.reachability import Reachability

# Who only asks who reaches whom waits for no lint.
if TYPE_CHECKING:
    from podwall.lint.all_lints import LINTS
    from podwall.lint.context import Lint

__all__ = [
    "LINTS",
    "Lint",
    "SuppressedFinding",
    "TriagedFindings",
    "idle_kinds",
    "is_annotated",
    "lint",
    "ranked",
    "silenceable",
    "triaged",
]

__getattr__ = on_first_use(
    __name__, {"LINTS": "podwall.lint.all_lints", "Lint": "podwall.lint.context"}
)

RANKS: Final = list(Severity)
GUARDRAILS: Final = frozenset({"workload-before-policies", "workload-exposed", "workload-open"})
"""Findings that only the policy pack makes; objects that silence them are linted, too."""


def lint(reachability: Reachability) -> tuple[Finding, ...]:
    """Return everything that the lints find in a snapshot under an engine, most severe first."""
    from podwall.lint.all_lints import LINTS  # noqa: PLC0415 - as above
    from podwall.lint.context import LintContext  # noqa: PLC0415 - as above

    context = LintContext(reachability)
    return ranked(finding for each in LINTS for finding in each.findings(context))


def idle_kinds(reachability: Reachability) -> tuple[Finding, ...]:
    """Return the policies whose kind the engine does not enforce, or perhaps not.

    They are worth knowing wherever verdicts are shown, which are those without these policies.
    """
    snapshot = reachability.snapshot
    if not (snapshot.tier_policies or snapshot.cilium_policies or snapshot.calico_policies):
        return ()
    from podwall.lint.context import LintContext  # noqa: PLC0415 - as above
    from podwall.lint.tiers import IDLE_KINDS  # noqa: PLC0415 - as above

    return ranked(IDLE_KINDS.findings(LintContext(reachability)))


def silenceable(noted: Iterable[Finding]) -> frozenset[str]:
    """Return the ids that an annotation can silence, given what was noted while reading.

    An error of reading is not among them: the API server refuses the object, whatever it says.
    """
    from podwall.lint.all_lints import LINTS  # noqa: PLC0415 - as above

    read = {each.id for each in noted if each.severity is not Severity.ERROR}
    return frozenset(read | GUARDRAILS | {each.id for each in LINTS})


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings by severity, then by place."""
    return tuple(sorted(findings, key=_rank))


def _rank(finding: Finding) -> tuple[int, str, int, str]:
    place = finding.place
    return RANKS.index(finding.severity), place.source, place.line or 0, finding.id
