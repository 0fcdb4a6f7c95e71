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
from podwall.explain.questions import (
    FlowAnswer,
    TypedPort,
    answers,
    ports_at,
    ports_named,
    protocol_last,
    typed_port,
)
from podwall.explain.scopes import (
    ConditionScope,
    ExemptionScope,
    HidingScope,
    PeerScope,
    PolicyScope,
    PortScope,
    RuleScope,
    Scopes,
    TierPolicyScope,
    TierRuleScope,
    scopes,
)
from podwall.explain.tiers import (
    TierExplanation,
    TierPolicyExplanation,
    TierRuleExplanation,
    tier_decision,
)
from podwall.explain.wording import rule_text

__all__ = [
    "ConditionScope",
    "ExemptionScope",
    "Explanation",
    "ExplanationNote",
    "FlowAnswer",
    "HidingScope",
    "PeerScope",
    "PolicyExplanation",
    "PolicyScope",
    "PortScope",
    "RuleExplanation",
    "RuleScope",
    "Scopes",
    "SideExplanation",
    "TierExplanation",
    "TierPolicyExplanation",
    "TierPolicyScope",
    "TierRuleExplanation",
    "TierRuleScope",
    "TypedPort",
    "answers",
    "explain",
    "explain_ports",
    "ports_at",
    "ports_named",
    "protocol_last",
    "rule_text",
    "scopes",
    "tier_decision",
    "typed_port",
]
