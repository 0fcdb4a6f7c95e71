"""What a guardrail is: one thing that is refused, why, and what to do instead.

It answers with findings, or that it can't tell yet and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
from pulumi_policy import EnforcementLevel, Severity

from podwall.guardrails.deployment import Deployment
from podwall.guardrails.settings import ClusterRuleSettings
from podwall.plan import PlannedResource
from podwall.policies.errors import Finding, Place

__all__ = [
    "ClusterGuardrail",
    "Guardrail",
    "Judgement",
    "Judgements",
    "StackGuardrail",
    "UndeterminedJudgement",
]


@dataclass(frozen=True, slots=True)
class UndeterminedJudgement:
    """A rule depends on something that is not known: neither kept nor broken, and why."""

    because: str
    place: Place


Judgement = Finding | UndeterminedJudgement
Judgements = Iterator[Judgement]


C = TypeVar("C", bound=ClusterRuleSettings)
S = TypeVar("S", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrail:
    """One guardrail: a stable `id`, what it asks for in a sentence, and what to do about it.

    `enforcement` is what happens to a deployment that breaks it, unless the configuration says
    otherwise; `link` is the source of the rule.
    """

    id: str
    description: str
    severity: Severity
    enforcement: EnforcementLevel
    remediation: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterGuardrail(Guardrail, Generic[C]):
    """A guardrail for one AKS cluster, judged before the deployment touches it."""

    settings: type[C]
    judge: Callable[[PlannedResource, C], Judgements]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackGuardrail(Guardrail, Generic[S]):
    """A guardrail for everything that a stack contains, judged together."""

    settings: type[S]
    judge: Callable[[Deployment, S], Judgements]
