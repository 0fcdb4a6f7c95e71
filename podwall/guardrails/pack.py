"""The policies of the pack, in the order in which they judge. Importing this starts nothing."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from pulumi_policy import Policy

from podwall.guardrails.enforcing import (
    Memory,
    cluster_policy,
    remembering,
    stack_policy,
    undetermined,
)
from podwall.guardrails.guardrail import ClusterGuardrail, StackGuardrail
from podwall.guardrails.rules import analysis, clusters, isolation, replacement

__all__ = ["NAME", "policies", "rules"]


NAME: Final = "podwall-guardrails"


def rules(today: date) -> tuple[ClusterGuardrail[Any] | StackGuardrail[Any], ...]:
    """Return all rules as they are on a day: those for clusters, then those for stacks."""
    end, limits = clusters.lifetime_rules(today)
    return (
        *clusters.ENGINE_RULES,
        *clusters.ACCESS_RULES,
        end,
        limits,
        *replacement.REPLACEMENT_RULES,
        *analysis.EXPECTATION_RULES,
        *isolation.ISOLATION_RULES,
        *analysis.LINT_RULES,
        *isolation.ORDER_RULES,
    )


def policies(today: date | None = None) -> list[Policy]:
    """Return new policies that remember what they see together: one pack, one stack.

    Args:
        today: the day on which the end of support is judged; None is the computer's date.
    """
    memory = Memory()
    day = today or date.today()  # noqa: DTZ011 - an end of support is a day, whatever the zone
    return [
        remembering(memory),
        *(_policy(each, memory) for each in rules(day)),
        undetermined(memory),
    ]


def _policy(rule: ClusterGuardrail[Any] | StackGuardrail[Any], memory: Memory) -> Policy:
    if isinstance(rule, ClusterGuardrail):
        return cluster_policy(rule, memory)
    return stack_policy(rule, memory)
