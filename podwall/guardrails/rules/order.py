"""Policies are there before the pods that they protect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from pulumi_policy import EnforcementLevel, Severity

from podwall.guardrails.deployment import Deployment
from podwall.guardrails.judgements import Doubt, Judgements
from podwall.guardrails.rule import StackRule
from podwall.guardrails.settings import NamespaceSettings
from podwall.model import Policy, Unknown, Workload
from podwall.plan import PlannedResource
from podwall.policies.findings import Finding
from podwall.policies.findings import Severity as FindingSeverity
from podwall.reachability.cluster import rules_of
from podwall.reachability.port_rules import Direction

__all__ = ["RULES"]

LIFECYCLE: Final = (
    "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
    "#pod-lifecycle-and-network-policies"
)


def _late(deployment: Deployment, _settings: NamespaceSettings) -> Judgements:
    for direction in Direction:
        isolating = _isolating(deployment, direction)
        for number, policies in sorted(isolating.items()):
            workload = deployment.reading.snapshot.workloads[number]
            if workload.host_network is not True and not _is_after_one(
                workload, policies, deployment.resources
            ):
                yield from _judgement(number, deployment, direction, policies)


def _isolating(deployment: Deployment, direction: Direction) -> Mapping[int, list[Policy]]:
    """Return the policies that isolate, or may isolate, each workload in a direction."""
    found: dict[int, list[Policy]] = defaultdict(list)
    for policy in deployment.reading.snapshot.policies:
        if rules_of(policy, direction) is not None:
            for number in deployment.scene.pods.of_policy(policy).may:
                found[number].append(policy)
    return found


def _is_after_one(
    workload: Workload, policies: Iterable[Policy], resources: Mapping[str, PlannedResource]
) -> bool:
    """Say whether a workload waits, however indirectly, for one of these policies."""
    wanted = {policy.place.source for policy in policies}
    seen: set[str] = set()
    waiting = [workload.place.source]
    while waiting:
        urn = waiting.pop()
        if urn in wanted:
            return True
        if urn not in seen and urn in resources:
            seen.add(urn)
            waiting += resources[urn].dependencies
    return False


def _judgement(
    number: int, deployment: Deployment, direction: Direction, policies: Iterable[Policy]
) -> Judgements:
    pods, name = deployment.scene.pods, deployment.scene.pods.name(number)
    place = deployment.reading.snapshot.workloads[number].place
    certain = [each for each in policies if number in pods.of_policy(each).must]
    certain = [each for each in certain if not isinstance(rules_of(each, direction), Unknown)]
    if certain:
        yield Finding(
            "workload-before-policies",
            FindingSeverity.WARNING,
            f"`{name}` may start before any policy isolates its {direction}",
            place,
            f"let it depend on policy `{certain[0].name}` (`depends_on`)",
            LIFECYCLE,
        )
    else:
        yield Doubt(f"it is not known which policies isolate the {direction} of `{name}`", place)


RULES: Final = (
    StackRule(
        id="workload-before-policies",
        description="A workload must not start before the policies that isolate it.",
        severity=Severity.MEDIUM,
        enforcement=EnforcementLevel.ADVISORY,
        remediation="Give the workload depends_on with the policies of its namespace.",
        link=LIFECYCLE,
        settings=NamespaceSettings,
        judge=_late,
    ),
)
