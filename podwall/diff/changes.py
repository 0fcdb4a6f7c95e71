"""What changed, as values: the policies that differ, and the connections, with the reason.

A connection is described by what passes before and what passes after; a policy by both versions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest

from podwall.model import Policy, Unknown
from podwall.policies.rules import Direction
from podwall.portset import PortSet
from podwall.reachability.cluster import EnforcedCluster, rules_of
from podwall.reachability.values import AnyEndpoint, PairVerdict

__all__ = [
    "ChangeCause",
    "ConnectionChange",
    "ConnectionChangeKind",
    "PolicyChange",
    "PolicyChangeKind",
    "policy_changes",
]


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
        return self.latest.full_name

    def versions(self, direction: Direction) -> tuple[Policy | None, Policy | None]:
        """Return what isolated and what isolates in a direction, if the change is about it."""
        before, after = (_rules_in_direction(each, direction) for each in (self.old, self.new))
        if before == after:
            return None, None
        return (None if before is None else self.old), (None if after is None else self.new)


def _rules_in_direction(policy: Policy | None, direction: Direction) -> object:
    """Return all that a policy says about a direction."""
    rules = None if policy is None else rules_of(policy, direction)
    return None if policy is None or rules is None else (policy.pod_selector, rules)


def policy_changes(old: EnforcedCluster, new: EnforcedCluster) -> tuple[PolicyChange, ...]:
    """Return the acting policies that differ, by namespace and name."""
    changes = sorted(_policy_changes(old.policies, new.policies), key=lambda each: each.name)
    return tuple(changes)


def _policy_changes(old: Sequence[Policy], new: Sequence[Policy]) -> Iterator[PolicyChange]:
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


class ConnectionChangeKind(StrEnum):
    """What became of a connection; `CHANGED`: some ports were opened and others closed."""

    ADDED = "added"
    REMOVED = "removed"
    WIDENED = "widened"
    NARROWED = "narrowed"
    CHANGED = "changed"

    @classmethod
    def of(cls, before: PairVerdict, after: PairVerdict) -> ConnectionChangeKind:
        """Return what becomes of a connection by what passes before and, differently, after.

        >>> from podwall.reachability.values import EVERYTHING_PASSES, NOTHING_PASSES
        >>> ConnectionChangeKind.of(NOTHING_PASSES, EVERYTHING_PASSES).value
        'added'
        """
        if not before.at_most:
            return cls.ADDED
        if not after.at_most:
            return cls.REMOVED
        opened, closed = after.beyond(before), before.beyond(after)
        if opened and closed:
            return cls.CHANGED
        return cls.WIDENED if opened else cls.NARROWED


class ChangeCause(StrEnum):
    """Why a connection changed.

    `POLICY`: a policy differs that selects one of the ends. `NEW`, `GONE`: one of the ends is a
    workload that is new, or gone. `OTHER`: labels, ports, services or the engine differ.
    """

    POLICY = "policy"
    NEW = "new workload"
    GONE = "workload gone"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ConnectionChange:
    """A connection that is not what it was; one of the ends may be pods that are not shown.

    `because` says what undetermined ports depend on. `policies` are those that differ, select
    one of the ends in the direction that counts, and can have had this effect.
    """

    source: AnyEndpoint
    destination: AnyEndpoint
    before: PairVerdict
    after: PairVerdict
    cause: ChangeCause
    policies: tuple[PolicyChange, ...] = ()
    because: str = ""

    @property
    def opened(self) -> PortSet:
        """The ports that pass now and did not, or did not for certain."""
        return self.after.beyond(self.before)

    @property
    def closed(self) -> PortSet:
        """The ports that passed and do not now, or not for certain."""
        return self.before.beyond(self.after)

    @property
    def only_perhaps(self) -> bool:
        """Whether it may open or close, and nothing of that is certain."""
        opens = (self.after.allowed - self.before.allowed).without_other
        closes = (self.before.at_most - self.after.at_most).without_other
        return not opens and not closes

    @property
    def kind(self) -> ConnectionChangeKind:
        """What became of the connection."""
        return ConnectionChangeKind.of(self.before, self.after)

    @property
    def port_kind(self) -> ConnectionChangeKind | None:
        """What became of it as far as ports go: None where it is a change of ICMP alone."""
        before, after = self.before.without_other, self.after.without_other
        return None if before == after else ConnectionChangeKind.of(before, after)
