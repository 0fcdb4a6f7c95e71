"""Stated intent is kept: the same file of expectations that `podwall check` reads."""

from __future__ import annotations

from typing import Final

from pulumi_policy import EnforcementLevel, Severity

from guardrails.deployment import Deployment
from guardrails.judgements import Doubt, Judgements
from guardrails.rule import StackRule
from guardrails.settings import ExpectationSettings
from podwall.expectations import Outcome, check
from podwall.sources.expectations_file import expectations_in
from policies.findings import Finding
from policies.findings import Severity as FindingSeverity

__all__ = ["RULES"]

DOC: Final = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"


def _expectations(deployment: Deployment, settings: ExpectationSettings) -> Judgements:
    expectations = expectations_in(settings.file) if settings.file else ()
    for result in check(deployment.reach, expectations):
        place, name = result.expectation.place, result.expectation.name
        if result.outcome is Outcome.UNDETERMINED:
            yield Doubt(f"expectation `{name}`: {result.reason}", place)
        elif result.outcome is Outcome.FAIL:
            yield Finding(
                "expectation-broken",
                FindingSeverity.ERROR,
                f"{place}: expectation `{name}` is broken: {result.reason}",
                help="change the policies, or what is expected",
            )


RULES: Final = (
    StackRule(
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
