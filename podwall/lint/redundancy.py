"""Rules and policies that change nothing, because others allow the same and more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from podwall.lint.covering import rule_covers
from podwall.lint.lint import Lint, Said
from podwall.lint.scene import RuleAt, Scene, said_of
from podwall.model import Policy, Selector, Unknown
from podwall.policies.findings import Severity
from podwall.reachability.cluster import rules_of
from podwall.reachability.port_rules import Direction

__all__ = ["LINTS"]

DOC: Final = (
    "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
    "#the-two-sorts-of-pod-isolation"
)
#: Among more rules than this for the same pods a comparison of each with each takes too long.
MOST_COMPARED: Final = 200


def _swallowed_rules(scene: Scene) -> Iterator[Said]:
    groups: dict[tuple[str | Unknown, Selector, Direction], list[RuleAt]] = defaultdict(list)
    for at in scene.rules:
        groups[at.policy.namespace, at.policy.pod_selector, at.direction].append(at)
    for group in groups.values():
        if len(group) <= MOST_COMPARED:
            yield from _swallowed(group)


def _swallowed(group: list[RuleAt]) -> Iterator[Said]:
    """Yield the rules that another covers; of two equal ones the second."""
    for index, narrow in enumerate(group):
        for other, broad in enumerate(group):
            if other == index or not rule_covers(broad.rule, narrow.rule):
                continue
            if other < index or not rule_covers(narrow.rule, broad.rule):
                where = (
                    "" if broad.policy is narrow.policy else f" of policy {said_of(broad.policy)}"
                )
                yield Said(narrow.place, f"`{broad.path}`{where} allows all that this rule allows")
                break


def _idle_policies(scene: Scene) -> Iterator[Said]:
    groups: dict[str, list[Policy]] = defaultdict(list)
    for policy in scene.snapshot.policies:
        if isinstance(policy.namespace, str):
            groups[policy.namespace].append(policy)
    for group in groups.values():
        if len(group) <= MOST_COMPARED:
            yield from _idle(group)


def _idle(group: list[Policy]) -> Iterator[Said]:
    """Yield the policies without which nothing would change; of two equal ones the second."""
    for index, policy in enumerate(group):
        others = [
            other
            for place, other in enumerate(group)
            if _selects_as_much(other, policy) and (place < index or not _is_idle(other, [policy]))
        ]
        if not _is_default_deny(policy) and _is_idle(policy, others):
            yield Said(policy.place, f"without policy {said_of(policy)} nothing would change")


def _is_default_deny(policy: Policy) -> bool:
    """Say whether a policy denies all by default: that stays worth having beside any other."""
    rules = [rules_of(policy, direction) for direction in Direction]
    return policy.pod_selector == Selector() and not any(rules)


def _is_idle(policy: Policy, others: list[Policy]) -> bool:
    """Say whether the other policies isolate and allow all that a policy does."""
    apart = [each for each in others if each is not policy and _selects_as_much(each, policy)]
    return all(_adds_nothing(policy, apart, direction) for direction in Direction)


def _selects_as_much(broad: Policy, narrow: Policy) -> bool:
    if broad.pod_selector.unknown is not None:
        return False
    return set(broad.pod_selector.requirements) <= set(narrow.pod_selector.requirements)


def _adds_nothing(policy: Policy, others: list[Policy], direction: Direction) -> bool:
    rules = rules_of(policy, direction)
    if rules is None:
        return True
    found = (rules_of(each, direction) for each in others)
    isolating = [each for each in found if each is not None]
    allowed = [rule for each in isolating for rule in each]
    covered = (any(rule_covers(each, rule) for each in allowed) for rule in rules)
    return bool(isolating) and all(covered)


LINTS: Final = (
    Lint(
        "rule-swallowed",
        Severity.INFO,
        _swallowed_rules,
        "rules only add to each other: remove this one, or narrow the broader one",
        DOC,
    ),
    Lint(
        "policy-without-effect",
        Severity.INFO,
        _idle_policies,
        "policies only add to each other: remove it, or narrow the others",
        DOC,
    ),
)
