"""What a guardrail is: one thing that is refused, why, and what to do instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
from pulumi_policy import EnforcementLevel, Severity

from podwall.guardrails.deployment import Deployment
from podwall.guardrails.judgements import Judgements
from podwall.guardrails.settings import ClusterSettings
from podwall.plan import PlannedResource

__all__ = ["ClusterRule", "Rule", "StackRule"]

C = TypeVar("C", bound=ClusterSettings)
S = TypeVar("S", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
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
class ClusterRule(Rule, Generic[C]):
    """A guardrail for one AKS cluster, judged before the deployment touches it."""

    settings: type[C]
    judge: Callable[[PlannedResource, C], Judgements]


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRule(Rule, Generic[S]):
    """A guardrail for everything that a stack contains, judged together."""

    settings: type[S]
    judge: Callable[[Deployment, S], Judgements]
