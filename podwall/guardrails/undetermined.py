"""What no rule can tell yet, said once and apart, because nothing of it is broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pulumi_policy import (
    EnforcementLevel,
    ReportViolation,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)

from podwall.guardrails.clusters import clusters
from podwall.guardrails.deployment import Deployment
from podwall.guardrails.judgements import Doubt
from podwall.guardrails.memory import Memory
from podwall.plan.unknowns import kind_of
from podwall.policies.errors import Place

__all__ = ["ID", "undetermined"]

ID: Final = "undetermined"
CLASSIC: Final = "azure:containerservice/kubernetesCluster:KubernetesCluster"
"""The cluster of the older provider, whose properties have other names."""

LINTS: Final = frozenset({"known-only-after-deployment", "unseen-objects"})


def undetermined(memory: Memory) -> StackValidationPolicy:
    """Return the policy that tells the doubts of all rules; it has to come after them.

    It only advises, because a first preview knows little. Made mandatory, it refuses whatever can't
    be judged.
    """

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        deployment = memory.deployment(args)
        told = dict.fromkeys(_doubts(memory, deployment))
        for rule, doubt in told:
            place = doubt.place
            path = f"{place.path}: " if place.path else ""
            urn = place.source if place.source in deployment.resources else None
            report(f"{path}{doubt.because} [{rule}]", urn)

    return StackValidationPolicy(
        ID,
        "What depends on values that are not known yet is undetermined: neither kept nor broken.",
        validate,
        EnforcementLevel.ADVISORY,
        severity=Severity.LOW,
        remediation_steps="Write the value instead of an output, or judge again after deployment.",
        url="https://www.pulumi.com/docs/iac/concepts/inputs-outputs/",
    )


def _doubts(memory: Memory, deployment: Deployment) -> Iterator[tuple[str, Doubt]]:
    yield from memory.doubts(frozenset(deployment.resources))
    for finding in deployment.findings:
        if finding.id in LINTS:
            yield finding.id, Doubt(finding.message, finding.place)
    yield from ((ID, doubt) for doubt in _limits_of_sight(deployment))


def _limits_of_sight(deployment: Deployment) -> Iterator[Doubt]:
    """Yield what keeps all rules from seeing."""
    for urn in sorted(deployment.unseen):
        resource = deployment.resources[urn]
        title = f"{kind_of(resource.type)} `{resource.name}`"
        yield Doubt(f"nothing is known of {title}: no rule can judge it", Place(urn))
    for resource in deployment.plan.resources:
        if resource.type == CLASSIC:
            yield Doubt("clusters of the provider `azure` are not read", Place(resource.urn))
    count = sum(1 for _ in clusters(deployment.plan))
    if count > 1:
        yield Doubt(f"the objects of {count} clusters are judged as if they were in one", Place())
