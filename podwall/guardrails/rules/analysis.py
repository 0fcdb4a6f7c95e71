"""What `podwall check` and `podwall lint` find in the stack, as guardrails.

Expectations come from the same file that `podwall check` reads; lints are in groups that can be
enforced each for itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from pulumi_policy import EnforcementLevel, Severity

from podwall.aks.limits import LEARN
from podwall.engines import Treatment
from podwall.expectations import Outcome, Result, check
from podwall.guardrails.guardrail import (
    UNREAD,
    Deployment,
    EngineSettings,
    ExpectationSettings,
    Judgements,
    NamespaceRuleSettings,
    StackGuardrail,
    UndeterminedJudgement,
)
from podwall.lint import LINTS
from podwall.lint.tiers import IDLE_KINDS, kinds_not_enforced
from podwall.policies.errors import Finding, Place
from podwall.policies.errors import Severity as FindingSeverity
from podwall.sources.expectations import expectations_in

__all__ = ["EXPECTATION_RULES", "GROUPS", "JUDGED_ELSEWHERE", "LINT_RULES"]


DOC: Final = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"


def _expectations(deployment: Deployment, settings: ExpectationSettings) -> Judgements:
    if not settings.file:
        return
    for result in check(deployment.reach, expectations_in(settings.file)):
        place = replace(result.expectation.place, path="")
        if result.outcome is Outcome.UNDETERMINED:
            yield UndeterminedJudgement(f"{place}: {_message(result, 'may be broken')}", place)
        elif result.outcome is Outcome.FAIL:
            yield Finding(
                "expectation-broken",
                FindingSeverity.ERROR,
                f"{place}: {_message(result, 'is broken')}",
                help="change the policies, or what is expected",
            )


def _message(result: Result, outcome: str) -> str:
    return f"expectation `{result.expectation.name}` {outcome}: {result.reason}"


EXPECTATION_RULES: Final = (
    StackGuardrail(
        id="expectation-broken",
        description="Stated expectations must hold.",
        severity=Severity.CRITICAL,
        enforcement=EnforcementLevel.MANDATORY,
        remediation="Run podwall check for the flow that decides, and change policies or intent.",
        link=DOC,
        settings=ExpectationSettings,
        judge=_expectations,
    ),
)


GROUPS: Final = {
    "dns-cut-off": frozenset({"dns-blocked", "dns-over-tcp-blocked"}),
    "selector-without-match": frozenset(
        {
            "policy-without-namespace",
            "policy-without-pods",
            "peer-without-namespace",
            "peer-without-pods",
            "port-name-nobody-has",
        }
    ),
    "policy-not-enforced": frozenset(
        {
            "engine-missing",
            "engine-skips-policy",
            "engine-skips-rule",
            "engine-opens-number",
            "engine-overlooks-label",
            "engine-applies-one-port",
            "engine-without-sctp",
            "service-bypasses-policies",
            "azure-too-many-pods",
            IDLE_KINDS.id,
        }
    ),
}
JUDGED_ELSEWHERE: Final = frozenset(
    {
        "namespace-without-default-deny",
        "no-policies",
        "workload-not-isolated",
        "azure-engine-ends",
        "known-only-after-deployment",
        "unseen-objects",
        "several-clusters",
        "cluster-not-recognised",
        "engine-not-known",
        *UNREAD,
    }
)
"""What other rules look at more closely, or report as undetermined."""

KNOWN: Final = frozenset(each.id for each in LINTS)


def _of_group(group: str, deployment: Deployment, _settings: NamespaceRuleSettings) -> Judgements:
    return (each for each in deployment.findings if each.id in GROUPS[group])


def _matched(deployment: Deployment, settings: NamespaceRuleSettings) -> Judgements:
    yield from _of_group("selector-without-match", deployment, settings)
    for policy in deployment.reading.snapshot.policies:
        must, may = deployment.context.pods.of_policy(policy)
        if may and not must:
            yield UndeterminedJudgement(
                f"whether policy `{policy.full_name}` selects any pod", policy.place
            )


def _enforced(deployment: Deployment, settings: EngineSettings) -> Judgements:
    snapshot = deployment.reading.snapshot
    of_kinds = (snapshot.tier_policies, snapshot.cilium_policies, snapshot.calico_policies)
    policies = (*snapshot.policies, *(each for kind in of_kinds for each in kind))
    known = deployment.engine is not None
    if not known and settings.engine:
        deployment, known = deployment.under(settings.engine), True
    elif not known and policies:
        first, others = policies[0], len(policies) - 1
        more = f" and {others} more" if others else ""
        yield UndeterminedJudgement(
            f"whether the cluster enforces policy `{first.full_name}`{more}: its engine is not"
            " known; name it in the setting `engine` of this rule",
            first.place,
        )
    doubtful = {} if not known else dict(_perhaps_idle(deployment))
    for found in deployment.findings:
        certain = found.id != IDLE_KINDS.id or (known and found.place not in doubtful)
        if certain and found.id in GROUPS["policy-not-enforced"]:
            yield found
    yield from doubtful.values()


def _perhaps_idle(deployment: Deployment) -> Iterator[tuple[Place, UndeterminedJudgement]]:
    """Yield the policies of which it is not known whether the engine enforces their kind."""
    name = deployment.reach.engine.name
    for policy, fact, treatment in kinds_not_enforced(deployment.context):
        if treatment is Treatment.UNDEFINED:
            message = f"whether {name} enforces {policy.full_name}: {fact.says}"
            yield policy.place, UndeterminedJudgement(message, policy.place)


def _refused(deployment: Deployment, _settings: NamespaceRuleSettings) -> Judgements:
    findings = (each for each in deployment.findings if each.id not in KNOWN)
    return (each for each in findings if each.severity is FindingSeverity.ERROR)


def _others(deployment: Deployment, _settings: NamespaceRuleSettings) -> Judgements:
    named = JUDGED_ELSEWHERE.union(*GROUPS.values())
    refused = set(_refused(deployment, _settings))
    for each in deployment.findings:
        if (
            each.id not in named
            and each.severity is not FindingSeverity.INFO
            and each not in refused
        ):
            yield each


LINT_RULES: Final = (
    StackGuardrail(
        id="object-refused",
        description="Every Kubernetes object must be one that the API server accepts.",
        severity=Severity.HIGH,
        enforcement=EnforcementLevel.MANDATORY,
        remediation="Correct the field; what the API server refuses protects nothing.",
        link=DOC,
        settings=NamespaceRuleSettings,
        judge=_refused,
    ),
    StackGuardrail(
        id="policy-not-enforced",
        description="Every policy must be one that the cluster's engine enforces as written.",
        severity=Severity.HIGH,
        enforcement=EnforcementLevel.MANDATORY,
        remediation="Write the policy in a way that the engine enforces, or change the engine.",
        link=f"{LEARN}/use-network-policies",
        settings=EngineSettings,
        judge=_enforced,
    ),
    StackGuardrail(
        id="dns-cut-off",
        description="Policies must leave the way to the cluster's DNS open.",
        severity=Severity.MEDIUM,
        enforcement=EnforcementLevel.ADVISORY,
        remediation="Allow egress to kube-dns on port 53, UDP and TCP.",
        link=DOC,
        settings=NamespaceRuleSettings,
        judge=partial(_of_group, "dns-cut-off"),
    ),
    StackGuardrail(
        id="selector-without-match",
        description="Every selector of a policy must match something.",
        severity=Severity.MEDIUM,
        enforcement=EnforcementLevel.ADVISORY,
        remediation="Compare the selector with the labels of pods and namespaces.",
        link=DOC,
        settings=NamespaceRuleSettings,
        judge=_matched,
    ),
    StackGuardrail(
        id="lint",
        description="Policies should not raise warnings of podwall lint.",
        severity=Severity.LOW,
        enforcement=EnforcementLevel.ADVISORY,
        remediation="Each finding says what to do, or can be silenced with a reason.",
        link=DOC,
        settings=NamespaceRuleSettings,
        judge=_others,
    ),
)
