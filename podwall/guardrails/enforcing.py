"""Make Pulumi policies of rules: read the configuration, judge, report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from podwall.guardrails.clusters import is_cluster
from podwall.guardrails.deployment import Deployment
from podwall.guardrails.judgements import Doubt, Judgement
from podwall.guardrails.memory import Memory
from podwall.guardrails.rule import ClusterRule, StackRule
from podwall.guardrails.settings import ClusterSettings, NamespaceSettings, read_settings, schema_of
from podwall.plan import PlannedResource
from podwall.policies.errors import Place, PodwallError
from podwall.policies.findings import Finding

__all__ = ["cluster_policy", "remembering", "said", "stack_policy"]


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


def cluster_policy(rule: ClusterRule[Any], memory: Memory) -> ResourceValidationPolicy:
    """Return the policy that judges every AKS cluster of a stack by one rule."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = memory.remember(args) if is_cluster(args.resource_type) else None
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
                report(said(each, rule.id), args.urn)
        memory.doubt(rule.id, args.urn, _doubts(judgements))

    return ResourceValidationPolicy(validate=validate, **_about(rule))


def stack_policy(rule: StackRule[Any], memory: Memory) -> StackValidationPolicy:
    """Return the policy that judges a whole stack by one rule."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        deployment = memory.deployment(args)
        try:
            settings = read_settings(rule.settings, args.get_config())
            judgements = list(_of_stack(rule, deployment, settings))
        except PodwallError as problem:
            report(_problem(problem), None)
            return
        for each in _kept(deployment, judgements):
            report(said(each, rule.id), _urn(each.place, deployment))
        memory.doubt(rule.id, "", _doubts(judgements))

    return StackValidationPolicy(validate=validate, **_about(rule))


def said(finding: Finding, rule: str) -> str:
    """Return a finding as people read it under a rule: where, what, and what to do."""
    path = f"{finding.place.path}: " if finding.place.path else ""
    id_ = f" [{finding.id}]" if finding.id != rule else ""
    help_ = f"\nhelp: {finding.help}" if finding.help else ""
    return f"{path}{finding.message}{id_}{help_}"


def _about(rule: ClusterRule[Any] | StackRule[Any]) -> dict[str, Any]:
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
    rule: ClusterRule[Any], cluster: PlannedResource, settings: ClusterSettings
) -> Iterable[Judgement]:
    exempt = any(each.cluster == cluster.name for each in settings.exempt)
    return () if exempt else rule.judge(cluster, settings)


def _of_stack(rule: StackRule[Any], deployment: Deployment, settings: Any) -> Iterable[Judgement]:
    listed = settings.exempt if isinstance(settings, NamespaceSettings) else ()
    exempt = {each.namespace for each in listed}
    for judgement in rule.judge(deployment, settings):
        if deployment.namespaces.get(judgement.place.source) not in exempt:
            yield judgement


def _kept(deployment: Deployment, judgements: Iterable[Judgement]) -> Iterable[Finding]:
    """Return the findings that no annotation in the stack silences, each once."""
    findings = dict.fromkeys(each for each in judgements if isinstance(each, Finding))
    kept = deployment.kept(tuple(findings)) if findings else ()
    return [each for each in dict.fromkeys(kept) if each in findings]


def _doubts(judgements: Iterable[Judgement]) -> tuple[Doubt, ...]:
    return tuple(each for each in judgements if isinstance(each, Doubt))


def _urn(place: Place, deployment: Deployment) -> str | None:
    return place.source if place.source in deployment.resources else None


def _problem(problem: PodwallError) -> str:
    return f"{problem}\nhelp: {problem.help}" if problem.help else str(problem)
