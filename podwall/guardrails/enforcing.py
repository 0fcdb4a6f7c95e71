"""Make Pulumi policies of guardrails: read the configuration, judge, report.

What no guardrail can tell yet is reported by one policy apart, because nothing of it is broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from pulumi_policy import (
    EnforcementLevel,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)

from podwall.aks.resource_types import (
    is_cluster,
    is_unrecognised_cluster,
    may_be_cluster,
    may_hide_cluster,
)
from podwall.guardrails.clusters import undetermined_cluster
from podwall.guardrails.deployment import Deployment
from podwall.guardrails.guardrail import (
    ClusterGuardrail,
    Judgement,
    StackGuardrail,
    UndeterminedJudgement,
)
from podwall.guardrails.memory import Memory
from podwall.guardrails.settings import (
    ClusterRuleSettings,
    NamespaceRuleSettings,
    read_settings,
    schema_of,
)
from podwall.plan import PlannedResource
from podwall.plan.cluster import clusters, planned_cluster, unrecognised_clusters
from podwall.plan.values import kind_of
from podwall.policies.errors import Finding, Place, PodwallError
from podwall.reading import DeclaredCluster
from podwall.streams import one_line, shown_text

__all__ = ["ID", "cluster_policy", "remembering", "stack_policy", "undetermined", "violation_text"]


def remembering(memory: Memory) -> ResourceValidationPolicy:
    """Return the policy that looks at every resource and objects to none."""

    def validate(args: ResourceValidationArgs, _report: ReportViolation) -> None:
        memory.remember(args)

    return ResourceValidationPolicy(
        "remember-inputs",
        "Remembers what the program asks for; without it, rules see only what is deployed.",
        validate,
        EnforcementLevel.ADVISORY,
    )


def cluster_policy(rule: ClusterGuardrail[Any], memory: Memory) -> ResourceValidationPolicy:
    """Return the policy that judges every AKS cluster of a stack by one rule."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = memory.remember(args) if may_be_cluster(args.resource_type) else None
        if resource is None:
            return
        try:
            settings = read_settings(rule.settings, args.get_config())
            judgements = list(_of_cluster(rule, resource, settings))
        except PodwallError as problem:
            report(_problem(problem), args.urn)
            return
        for each in judgements:
            if isinstance(each, Finding):
                report(violation_text(each, rule.id), args.urn)
        memory.keep_undetermined(rule.id, args.urn, _undetermined_of(judgements))

    return ResourceValidationPolicy(validate=validate, **_about(rule))


def stack_policy(rule: StackGuardrail[Any], memory: Memory) -> StackValidationPolicy:
    """Return the policy that judges a whole stack by one rule."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        deployment = memory.deployment(args)
        try:
            settings = read_settings(rule.settings, args.get_config())
            parts = [(each, list(_of_stack(rule, each, settings))) for each in deployment.parts]
        except PodwallError as problem:
            report(_problem(problem), None)
            return
        for each in dict.fromkeys(kept for part in parts for kept in _kept(*part)):
            report(violation_text(each, rule.id), _urn(each.place, deployment))
        judgements = dict.fromkeys(each for _, found in parts for each in found)
        memory.keep_undetermined(rule.id, "", _undetermined_of(judgements))

    return StackValidationPolicy(validate=validate, **_about(rule))


def violation_text(finding: Finding, rule: str) -> str:
    """Return a finding as people read it under a rule: where, what, and what to do."""
    path = f"{finding.place.path}: " if finding.place.path else ""
    id_ = f" [{finding.id}]" if finding.id != rule else ""
    return _shown(f"{path}{finding.message}{id_}", finding.help)


def _about(rule: ClusterGuardrail[Any] | StackGuardrail[Any]) -> dict[str, Any]:
    return {
        "name": rule.id,
        "description": rule.description,
        "enforcement_level": rule.enforcement,
        "severity": rule.severity,
        "remediation_steps": rule.remediation,
        "url": rule.link,
        "config_schema": schema_of(rule.settings),
    }


def _of_cluster(
    rule: ClusterGuardrail[Any], cluster: PlannedResource, settings: ClusterRuleSettings
) -> Iterable[Judgement]:
    if any(each.cluster == cluster.name for each in settings.exempt):
        return ()
    hidden = may_hide_cluster(cluster.type, cluster.inputs)
    if hidden or is_unrecognised_cluster(cluster.type, cluster.inputs):
        return (undetermined_cluster(cluster),)
    return rule.judge(cluster, settings) if is_cluster(cluster.type) else ()


def _of_stack(
    rule: StackGuardrail[Any], deployment: Deployment, settings: Any
) -> Iterable[Judgement]:
    listed = settings.exempt if isinstance(settings, NamespaceRuleSettings) else ()
    exempt = {deployment.shown(each.namespace) for each in listed}
    for judgement in rule.judge(deployment, settings):
        if deployment.namespaces.get(judgement.place.source) not in exempt:
            yield judgement


def _kept(deployment: Deployment, judgements: Iterable[Judgement]) -> Iterable[Finding]:
    """Return the findings that no annotation in the stack silences, each once."""
    findings = [each for each in judgements if isinstance(each, Finding)]
    return deployment.kept(findings) if findings else ()


def _undetermined_of(judgements: Iterable[Judgement]) -> tuple[UndeterminedJudgement, ...]:
    return tuple(each for each in judgements if isinstance(each, UndeterminedJudgement))


def _urn(place: Place, deployment: Deployment) -> str | None:
    return place.source if place.source in deployment.resources else None


def _problem(problem: PodwallError) -> str:
    return _shown(str(problem), problem.help)


def _shown(text: str, help_: str) -> str:
    """Return a text and what to do, each on a line of its own, as the engine's log may have it."""
    lines = [one_line(text), *([f"help: {one_line(help_)}"] if help_ else [])]
    return shown_text("\n".join(lines))


ID: Final = "undetermined"
LINTS: Final = frozenset(
    {
        "cluster-not-recognised",
        "engine-not-known",
        "known-only-after-deployment",
        "unseen-objects",
    }
)


def undetermined(memory: Memory) -> StackValidationPolicy:
    """Return the policy that reports what no rule can tell yet; it has to come after them.

    It only advises, because a first preview knows little. Made mandatory, it refuses whatever can't
    be judged.
    """

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        deployment = memory.deployment(args)
        for rule, each in dict.fromkeys(_all_undetermined(memory, deployment)):
            path = f"{each.place.path}: " if each.place.path else ""
            report(f"{path}{each.because} [{rule}]", _urn(each.place, deployment))

    return StackValidationPolicy(
        ID,
        "What depends on values that are not known yet is undetermined: neither kept nor broken.",
        validate,
        EnforcementLevel.ADVISORY,
        severity=Severity.LOW,
        remediation_steps="Write the value instead of an output, or judge again after deployment.",
        url="https://www.pulumi.com/docs/iac/concepts/inputs-outputs/",
    )


def _all_undetermined(
    memory: Memory, deployment: Deployment
) -> Iterator[tuple[str, UndeterminedJudgement]]:
    yield from memory.undetermined(frozenset(deployment.resources))
    for cluster in clusters(deployment.plan):
        if not memory.was_shown(cluster.urn):
            yield ID, _not_shown(cluster)
    for part in deployment.parts:
        for finding in part.findings:
            if finding.id in LINTS:
                yield finding.id, UndeterminedJudgement(finding.message, finding.place)
        yield from ((ID, each) for each in _limits_of_sight(part))


def _not_shown(cluster: PlannedResource) -> UndeterminedJudgement:
    return UndeterminedJudgement(
        f"the rules about one cluster are shown nothing of `{cluster.name}`: it is only read, or is"
        " not what this deployment is about",
        Place(cluster.urn),
    )


def _limits_of_sight(deployment: Deployment) -> Iterator[UndeterminedJudgement]:
    """Yield what keeps all rules from seeing."""
    for urn in sorted(deployment.unseen & deployment.resources.keys()):
        resource = deployment.resources[urn]
        title = f"{kind_of(resource.type)} `{resource.name}`"
        yield UndeterminedJudgement(
            f"nothing is known of {title}: no rule can judge it", Place(urn)
        )
    plan = deployment.plan
    count = sum(1 for _ in (*clusters(plan), *unrecognised_clusters(plan)))
    if count > 1 and planned_cluster(plan) == DeclaredCluster():
        yield UndeterminedJudgement(
            f"the objects of {count} clusters are judged as if they were in one", Place()
        )
