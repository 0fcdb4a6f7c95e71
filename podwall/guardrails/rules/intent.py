"""Stated intent is kept: the same file of expectations that `podwall check` reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pulumi_policy import EnforcementLevel, Severity

from podwall.expectations import Outcome, Result, check
from podwall.guardrails.deployment import Deployment
from podwall.guardrails.judgements import Doubt, Judgements
from podwall.guardrails.rule import StackRule
from podwall.guardrails.settings import ExpectationSettings
from podwall.policies.errors import Place
from podwall.policies.findings import Finding
from podwall.policies.findings import Severity as FindingSeverity
from podwall.sources.expectations_file import expectations_in
from podwall.sources.files import read_bytes
from podwall.sources.yaml_lines import exact_place

__all__ = ["RULES"]

DOC: Final = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"


def _expectations(deployment: Deployment, settings: ExpectationSettings) -> Judgements:
    if not settings.file:
        return
    for result in check(deployment.reach, expectations_in(settings.file)):
        place = _exact(result.expectation.place)
        if result.outcome is Outcome.UNDETERMINED:
            yield Doubt(f"{place}: {_said(result, 'may be broken')}", place)
        elif result.outcome is Outcome.FAIL:
            yield Finding(
                "expectation-broken",
                FindingSeverity.ERROR,
                f"{place}: {_said(result, 'is broken')}",
                help="change the policies, or what is expected",
            )


def _exact(place: Place) -> Place:
    """Return the file and line of an expectation."""
    name, data = read_bytes(place.source)
    return replace(exact_place(place, {name: data}), path="")


def _said(result: Result, outcome: str) -> str:
    return f"expectation `{result.expectation.name}` {outcome}: {result.reason}"


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
