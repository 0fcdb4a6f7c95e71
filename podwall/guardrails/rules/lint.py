"""What `podwall lint` finds, in groups that can be enforced each for itself."""

from __future__ import annotations

from functools import partial
from typing import Final

from pulumi_policy import EnforcementLevel, Severity

from podwall.guardrails.deployment import Deployment
from podwall.guardrails.judgements import Judgements
from podwall.guardrails.rule import StackRule
from podwall.guardrails.settings import NamespaceSettings
from podwall.lint import LINTS
from podwall.policies.findings import Severity as FindingSeverity

__all__ = ["GROUPS", "JUDGED_ELSEWHERE", "RULES"]

DOC: Final = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"

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
            "engine-applies-one-port",
            "engine-without-sctp",
            "service-bypasses-policies",
            "azure-too-many-pods",
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
    }
)
"""What other rules look at more closely, or report as undetermined."""

KNOWN: Final = frozenset(each.id for each in LINTS)


def _of_group(group: str, deployment: Deployment, _settings: NamespaceSettings) -> Judgements:
    return (each for each in deployment.findings if each.id in GROUPS[group])


def _refused(deployment: Deployment, _settings: NamespaceSettings) -> Judgements:
    findings = (each for each in deployment.findings if each.id not in KNOWN)
    return (each for each in findings if each.severity is FindingSeverity.ERROR)


def _others(deployment: Deployment, _settings: NamespaceSettings) -> Judgements:
    named = JUDGED_ELSEWHERE.union(*GROUPS.values())
    refused = set(_refused(deployment, _settings))
    for each in deployment.findings:
        if (
            each.id not in named
            and each.severity is not FindingSeverity.INFO
            and each not in refused
        ):
            yield each


RULES: Final = (
    StackRule(
        id="object-refused",
        description="Every Kubernetes object must be one that the API server accepts.",
        severity=Severity.HIGH,
        enforcement=EnforcementLevel.MANDATORY,
        remediation="Correct the field; what the API server refuses protects nothing.",
        link=DOC,
        settings=NamespaceSettings,
        judge=_refused,
    ),
    StackRule(
        id="policy-not-enforced",
        description="Every policy must be one that the cluster's engine enforces as written.",
        severity=Severity.HIGH,
        enforcement=EnforcementLevel.MANDATORY,
        remediation="Write the policy in a way that the engine enforces, or change the engine.",
        link="https://learn.microsoft.com/azure/aks/use-network-policies",
        settings=NamespaceSettings,
        judge=partial(_of_group, "policy-not-enforced"),
    ),
    StackRule(
        id="dns-cut-off",
        description="Policies must leave the way to the cluster's DNS open.",
        severity=Severity.MEDIUM,
        enforcement=EnforcementLevel.ADVISORY,
        remediation="Allow egress to kube-dns on port 53, UDP and TCP.",
        link=DOC,
        settings=NamespaceSettings,
        judge=partial(_of_group, "dns-cut-off"),
    ),
    StackRule(
        id="selector-without-match",
        description="Every selector of a policy must match something.",
        severity=Severity.MEDIUM,
        enforcement=EnforcementLevel.ADVISORY,
        remediation="Compare the selector with the labels of pods and namespaces.",
        link=DOC,
        settings=NamespaceSettings,
        judge=partial(_of_group, "selector-without-match"),
    ),
    StackRule(
        id="lint",
        description="Policies should not raise warnings of podwall lint.",
        severity=Severity.LOW,
        enforcement=EnforcementLevel.ADVISORY,
        remediation="Each finding says what to do, or can be silenced with a reason.",
        link=DOC,
        settings=NamespaceSettings,
        judge=_others,
    ),
)
