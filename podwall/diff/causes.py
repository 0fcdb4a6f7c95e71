"""Which of the policies that differ are behind a change: those that can have had this effect.

How it works: policies only add up. Where pods are isolated, another policy lets more through and
never less, and a policy that goes takes away what it allowed. So a new policy without rules opens
nothing, and the end of one without rules closes nothing; an edit that only adds rules to the same
pods opens, and one that only takes rules away closes. Whatever is not that plain stays named.
"""

from __future__ import annotations

from collections.abc import Iterable

from podwall.diff.changes import PolicyChange
from podwall.model import Policy
from podwall.policies.rules import Direction
from podwall.reachability.cluster import rules_of
from podwall.reachability.values import PairVerdict

__all__ = ["responsible"]


def responsible(
    policies: Iterable[PolicyChange],
    direction: Direction,
    before: PairVerdict,
    after: PairVerdict,
) -> tuple[PolicyChange, ...]:
    """Return those of the policies that can have changed a connection from one to the other.

    Args:
        policies: those that differ and select the end whose direction counts.
        direction: egress for the source's policies, ingress for the destination's.
        before: what passed.
        after: what passes.
    """
    opened, closed = bool(after.beyond(before)), bool(before.beyond(after))
    if opened == closed:
        return tuple(policies)
    return tuple(each for each in policies if _can_let_through(each, direction, opened=opened))


def _can_let_through(change: PolicyChange, direction: Direction, *, opened: bool) -> bool:
    """Return whether a change can open, or else whether it can close."""
    earlier, later = (change.old, change.new) if opened else (change.new, change.old)
    if earlier is None or _isolation(earlier, direction) is None:
        return later is None or _says_more(None, later, direction)
    if later is None or _isolation(later, direction) is None:
        return True
    same_pods = earlier.pod_selector == later.pod_selector and earlier.pod_selector.is_known
    return not same_pods or _says_more(earlier, later, direction)


def _says_more(earlier: Policy | None, later: Policy, direction: Direction) -> bool:
    """Return whether a policy has a rule, unlisted ones included, that an earlier one lacks."""
    known = () if earlier is None else _rules(earlier, direction)
    return any(rule not in known for rule in _rules(later, direction))


def _isolation(policy: Policy, direction: Direction) -> object:
    return rules_of(policy, direction)


def _rules(policy: Policy, direction: Direction) -> tuple[object, ...]:
    ingress = direction is Direction.INGRESS
    unlisted = policy.unlisted_ingress if ingress else policy.unlisted_egress
    others = unlisted if isinstance(unlisted, tuple) else (unlisted,) * (unlisted is not None)
    return (*(rules_of(policy, direction) or ()), *others)
