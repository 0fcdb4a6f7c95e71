"""The policies that differ between two clusters, and the pods they select."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import TYPE_CHECKING

from podwall.model import Unknown
from podwall.reachability.cluster import rules_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from podwall.model import Policy
    from podwall.reachability.cluster import Cluster
    from podwall.reachability.port_rules import Direction

__all__ = ["PolicyChange", "PolicyChangeKind", "policy_changes"]


class PolicyChangeKind(StrEnum):
    """What became of a policy."""

    ADDED = "added"
    REMOVED = "removed"
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A policy that differs: as it was, and as it is; one of the two may be missing."""

    old: Policy | None
    new: Policy | None

    @property
    def kind(self) -> PolicyChangeKind:
        """What became of it."""
        if self.old is None:
            return PolicyChangeKind.ADDED
        return PolicyChangeKind.REMOVED if self.new is None else PolicyChangeKind.EDITED

    @property
    def latest(self) -> Policy:
        """The policy as it is or, if it is gone, as it was."""
        latest = self.new or self.old
        assert latest is not None
        return latest

    @property
    def name(self) -> str:
        """The policy as `namespace/name`."""
        namespace = self.latest.namespace
        return f"{'?' if isinstance(namespace, Unknown) else namespace}/{self.latest.name}"

    def versions(self, direction: Direction) -> tuple[Policy | None, Policy | None]:
        """Return what isolated and what isolates in a direction, if the change is about it."""
        before, after = (_side(each, direction) for each in (self.old, self.new))
        if before == after:
            return None, None
        return (None if before is None else self.old), (None if after is None else self.new)


def _side(policy: Policy | None, direction: Direction) -> object:
    """Return all that a policy says about a direction."""
    rules = None if policy is None else rules_of(policy, direction)
    return None if policy is None or rules is None else (policy.pod_selector, rules)


def policy_changes(old: Cluster, new: Cluster) -> tuple[PolicyChange, ...]:
    """Return the acting policies that differ, by namespace and name."""
    changes = sorted(_changes(old.policies, new.policies), key=lambda each: each.name)
    return tuple(changes)


def _changes(old: Sequence[Policy], new: Sequence[Policy]) -> Iterator[PolicyChange]:
    kept = set(map(id, old)) & set(map(id, new))
    before, after = (_by_name(each for each in side if id(each) not in kept) for side in (old, new))
    for key in before.keys() | after.keys():
        # Only policies whose namespace is not known can share a key.
        for one, other in zip_longest(before.get(key, ()), after.get(key, ())):
            if one != other:
                yield PolicyChange(one, other)


def _by_name(policies: Iterable[Policy]) -> dict[tuple[str | Unknown, str], list[Policy]]:
    found: defaultdict[tuple[str | Unknown, str], list[Policy]] = defaultdict(list)
    for each in policies:
        found[each.namespace, each.name].append(each)
    return found
