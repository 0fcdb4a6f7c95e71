"""Why flows pass or do not, in the format `podwall/explain/v1`.

`verdict` is `allowed` where some of the asked ports are; `allowed` and `undetermined` tell which.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from podwall.explain import (
    Answer,
    Explanation,
    Note,
    PolicyExplanation,
    RuleExplanation,
    SideExplanation,
)
from podwall.policies.errors import Place
from podwall.reports.explanation_text import Locate
from podwall.reports.port_documents import port_documents

__all__ = ["FORMAT", "explanation_document", "explanations_document"]

FORMAT: Final = "podwall/explain/v1"


def explanations_document(engine: str, answers: Sequence[Answer], locate: Locate) -> dict[str, Any]:
    """Return explanations as a JSON document."""
    return {
        "format": FORMAT,
        "engine": engine,
        "explanations": [
            {
                **explanation_document(each.explanation, locate),
                "alike": [end.id for end in each.alike],
            }
            for each in answers
        ],
    }


def explanation_document(explanation: Explanation, locate: Locate) -> dict[str, Any]:
    """Return one explanation as a JSON object."""
    return {
        "source": explanation.source.id,
        "destination": explanation.destination.id,
        "verdict": explanation.verdict.value,
        "asked": port_documents(explanation.asked),
        "allowed": port_documents(explanation.allowed),
        "undetermined": [
            {**ports, "because": part.because}
            for part in explanation.undetermined
            for ports in port_documents(part.ports)
        ],
        "egress": _side(explanation.egress, locate),
        "ingress": _side(explanation.ingress, locate),
        "notes": [_note(note) for note in explanation.notes],
    }


def _side(side: SideExplanation, locate: Locate) -> dict[str, Any]:
    return {
        "of": side.subject.id,
        "verdict": side.verdict.value,
        "why": side.why,
        "policies": [_policy(policy, locate) for policy in side.policies],
        **{
            when: [_note(each) for each in side.exemptions if each.when == when]
            for when in ("always", "perhaps")
        },
    }


def _policy(policy: PolicyExplanation, locate: Locate) -> dict[str, Any]:
    return {
        "policy": policy.name,
        "place": _place(policy.policy.place),
        "verdict": policy.verdict.value,
        "why": policy.why,
        "rules": [_rule(rule, locate) for rule in policy.rules],
    }


def _rule(rule: RuleExplanation, locate: Locate) -> dict[str, Any]:
    return {"place": _place(locate(rule.place)), "verdict": rule.verdict.value, "why": rule.why}


def _place(place: Place) -> dict[str, Any]:
    return {"source": place.source, "line": place.line, "path": place.path}


def _note(note: Note) -> dict[str, str]:
    return {"says": note.says, "link": note.link}
