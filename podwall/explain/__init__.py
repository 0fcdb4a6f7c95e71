"""Why a flow passes or does not: every policy and rule that was consulted, and the nearest miss."""

from __future__ import annotations

from podwall.explain.explanation import (
    Explanation,
    ExplanationNote,
    PolicyExplanation,
    RuleExplanation,
    SideExplanation,
    explain,
    explain_ports,
)
from podwall.explain.questions import FlowAnswer, answers, is_port, ports_named, protocol_last

__all__ = [
    "Explanation",
    "ExplanationNote",
    "FlowAnswer",
    "PolicyExplanation",
    "RuleExplanation",
    "SideExplanation",
    "answers",
    "explain",
    "explain_ports",
    "is_port",
    "ports_named",
    "protocol_last",
]
