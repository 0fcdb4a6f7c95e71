"""What a change of a policy does to its rules, in the words of the rules themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from podwall.diff.changes import PolicyChange
from podwall.explain import rule_text
from podwall.model import Policy, Rule, Unknown
from podwall.policies.rules import Direction
from podwall.reachability.cluster import rules_of
from podwall.rule_parts import selector_text

__all__ = ["ONLY_AS_ALLOWED", "rule_changes"]

ONLY_AS_ALLOWED: Final = "only as allowed"
"""What is said of a direction that a policy isolates."""


def rule_changes(change: PolicyChange) -> tuple[str, ...]:
    """Return what a policy says afterwards (`+`) and no longer says (`-`), by direction.

    >>> from podwall.model import PortRule, Selector
    >>> old = Policy("shop", "api", Selector(), ingress=())
    >>> new = Policy("shop", "api", Selector(), ingress=(Rule(None, (PortRule(port=80),)),))
    >>> rule_changes(PolicyChange(old, new))
    ('+ from anyone on TCP 80',)
    """
    return (*_pods(change), *(line for each in Direction for line in _lines(change, each)))


def _pods(change: PolicyChange) -> Iterator[str]:
    """Yield whom the policy is about, where that changes."""
    if change.old is None or change.new is None:
        return
    before, after = change.old.pod_selector, change.new.pod_selector
    if before != after:
        yield f"- for {_written(change.old)}"
        yield f"+ for {_written(change.new)}"


def _written(policy: Policy) -> str:
    pods = selector_text(policy.pod_selector)
    return f"pods with {pods}" if pods else "every pod"


def _lines(change: PolicyChange, direction: Direction) -> Iterator[str]:
    before, after = (
        None if each is None else rules_of(each, direction) for each in (change.old, change.new)
    )
    if before is None and after is not None:
        yield f"+ {direction.field} {ONLY_AS_ALLOWED}"
    if after is None and before is not None:
        yield f"- {direction.field} {ONLY_AS_ALLOWED}"
    old, new = _listed(before), _listed(after)
    where = str(change.latest.namespace)
    yield from (f"+ {rule_text(each, direction, where)}" for each in new if each not in old)
    yield from (f"- {rule_text(each, direction, where)}" for each in old if each not in new)


def _listed(rules: Sequence[Rule | Unknown] | Unknown | None) -> Sequence[Rule | Unknown]:
    if rules is None:
        return ()
    return (rules,) if isinstance(rules, Unknown) else rules
