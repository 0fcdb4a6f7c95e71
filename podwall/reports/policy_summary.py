"""Say in a few words what a NetworkPolicy manifest is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from podwall.policies.unknown import Unknown

__all__ = ["policy_words"]


def policy_words(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield whose policy it is, and what each direction that it isolates allows.

    >>> spec = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]}
    >>> list(policy_words({"spec": spec}))
    ['for app=web', 'ingress closed']
    """
    spec = inputs.get("spec")
    if not isinstance(spec, Mapping):
        yield "known only after deployment"
        return
    yield f"for {_selected(spec.get('podSelector'))}"
    types = spec.get("policyTypes") or _implied(spec)
    for direction in ("ingress", "egress"):
        if direction.capitalize() in types:
            yield f"{direction} {_rules(spec.get(direction))}"


def _implied(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what `policyTypes` is when it is left out."""
    return ("Ingress", "Egress") if spec.get("egress") else ("Ingress",)


def _rules(rules: Any) -> str:
    if isinstance(rules, Unknown):
        return "[unknown]"
    number = len(rules or ())
    return f"{number} rule{'' if number == 1 else 's'}" if number else "closed"


def _selected(selector: Any) -> str:
    if not isinstance(selector, Mapping):
        return "[unknown]" if isinstance(selector, Unknown) else "all pods"
    labels = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or ()
    if isinstance(labels, Unknown) or isinstance(expressions, Unknown):
        return "[unknown]"
    words = [*(f"{key}={value}" for key, value in labels.items()), *map(_expression, expressions)]
    return " ".join(words) or "all pods"


def _expression(expression: Any) -> str:
    if not isinstance(expression, Mapping):
        return "[unknown]"
    values = expression.get("values") or ()
    listed = f" {'|'.join(map(str, values))}" if isinstance(values, (list, tuple)) else ""
    return f"{expression.get('key')} {expression.get('operator')}{listed}".rstrip()
