"""Why a flow passes or does not: every policy and rule that was consulted, and the nearest miss."""

from __future__ import annotations

from podwall.explain.explaining import explain, explain_ports
from podwall.explain.explanation import (
    Explanation,
    Note,
    PolicyExplanation,
    RuleExplanation,
    SideExplanation,
)
from podwall.explain.questions import Answer, answers, is_port, ports_named

__all__ = [
    "Answer",
    "Explanation",
    "Note",
    "PolicyExplanation",
    "RuleExplanation",
    "SideExplanation",
    "answers",
    "explain",
    "explain_ports",
    "is_port",
    "ports_named",
]
