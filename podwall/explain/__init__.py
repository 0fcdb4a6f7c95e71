"""Why a flow passes or does not: every policy and rule that was consulted, and the nearest miss."""

from __future__ import annotations

from podwall.explain.explaining import explain
from podwall.explain.explanation import (
    Explanation,
    Note,
    PolicyExplanation,
    RuleExplanation,
    SideExplanation,
)

__all__ = [
    "Explanation",
    "Note",
    "PolicyExplanation",
    "RuleExplanation",
    "SideExplanation",
    "explain",
]
