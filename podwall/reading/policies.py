"""Read a NetworkPolicy into what it does: whom it isolates in which direction, and what it allows.

The rules are those of the API server's defaulting:
https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/networking/v1/defaults.go
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from podwall.model import Policy, Rule, Selector, Unknown
from podwall.reading.fields import Malformed, field, structs, texts, within
from podwall.reading.metadata import KubernetesObject
from podwall.reading.rules import read_egress_rule, read_ingress_rule
from podwall.reading.selectors import read_selector

__all__ = ["DIRECTIONS", "read_policy"]

Rules = tuple[Rule | Unknown, ...] | Unknown
Isolates = bool | Unknown
EVERY_POD = Selector()
DIRECTIONS: Final = ("Ingress", "Egress")
read_ingress = structs(read_ingress_rule)
read_egress = structs(read_egress_rule)


def read_policy(item: KubernetesObject) -> Policy:
    """Return the policy that the API server would store for a NetworkPolicy."""
    return within(item.manifest, ("spec",), partial(_policy, item))


def _policy(item: KubernetesObject, spec: Mapping[str, Any] | Unknown) -> Policy:
    if isinstance(spec, Unknown):
        anyone = Selector(unknown=spec)
        return Policy(item.namespace, item.name, anyone, spec, spec, item.place)
    selector = field(spec, "podSelector", read_selector, EVERY_POD)
    ingress = field(spec, "ingress", read_ingress, ())
    egress = field(spec, "egress", read_egress, ())
    isolates = _isolation(field(spec, "policyTypes", texts, ()), egress)
    return Policy(
        item.namespace,
        item.name,
        selector,
        _as_it_acts(ingress, isolates("Ingress")),
        _as_it_acts(egress, isolates("Egress")),
        item.place,
    )


def _isolation(
    types: tuple[str | Unknown, ...] | Unknown, egress: Rules
) -> Callable[[str], Isolates]:
    """Return who is isolated: the listed directions, or ingress and whatever egress has rules."""
    if isinstance(types, Unknown):
        return lambda _: types
    if not types:
        has_egress = egress if isinstance(egress, Unknown) else bool(egress)
        return lambda direction: True if direction == "Ingress" else has_egress
    for index, name in enumerate(types):
        if isinstance(name, str) and name not in DIRECTIONS:
            message = f"must be one of {', '.join(DIRECTIONS)}, is `{name[:60]}`"
            raise Malformed(message, f"policyTypes[{index}]")
    unlisted = next((name for name in types if isinstance(name, Unknown)), False)
    return lambda direction: direction in types or unlisted


def _as_it_acts(rules: Rules, isolates: Isolates) -> Rules | None:
    if isinstance(isolates, Unknown):
        return isolates
    if not isolates:
        return None
    return (rules,) if isinstance(rules, Unknown) else rules
