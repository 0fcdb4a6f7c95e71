"""What changed, as values: policies and their rules, connections, and what can be behind them.

A connection is described by what passes before and what passes after; a policy by both versions.

How it works: policies only add up. Where pods are isolated, another policy lets more through and
never less, and a policy that goes takes away what it allowed. So a new policy without rules opens
nothing, and the end of one without rules closes nothing; an edit that only adds rules to the same
pods opens, and one that only takes rules away closes. Whatever is not that plain stays named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum
from functools import lru_cache
from itertools import zip_longest
from typing import Final

from podwall.calico import CalicoPolicy
from podwall.explain import rule_text
from podwall.model import CiliumPolicy, Policy, Rule, Snapshot, TierPolicy, Unknown
from podwall.policies.rules import Direction
from podwall.portset import PortSet
from podwall.quick_dataclass import dataclass
from podwall.reachability.cluster import EnforcedCluster, rules_of
from podwall.reachability.values import AnyEndpoint, PairVerdict
from podwall.rule_parts import selector_text

__all__ = [
    "ONLY_AS_ALLOWED",
    "ChangeCause",
    "ConnectionChange",
    "ConnectionChangeKind",
    "PolicyChange",
    "PolicyChangeKind",
    "TierPolicyChange",
    "new_fields",
    "policy_changes",
    "responsible",
    "rule_changes",
    "tier_policy_changes",
]


InTiers = TierPolicy | CiliumPolicy | CalicoPolicy
"""A policy that stands before or after NetworkPolicies, as it is written."""


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


@dataclass(frozen=True, slots=True)
class TierPolicyChange:
    """A policy of another kind that differs: as it was, and as it is; one may be missing."""

    old: InTiers | None
    new: InTiers | None

    @property
    def kind(self) -> PolicyChangeKind:
        """What became of it."""
        if self.old is None:
            return PolicyChangeKind.ADDED
        return PolicyChangeKind.REMOVED if self.new is None else PolicyChangeKind.EDITED

    @property
    def latest(self) -> InTiers:
        """The policy as it is or, if it is gone, as it was."""
        latest = self.new or self.old
        assert latest is not None
        return latest

    @property
    def name(self) -> str:
        """The policy as `Kind name`, or `Kind namespace/name`."""
        return self.latest.full_name


def tier_policy_changes(old: Snapshot, new: Snapshot) -> tuple[TierPolicyChange, ...]:
    """Return the policies that differ and stand before or after NetworkPolicies, by name."""
    before, after = ({each.full_name: each for each in _in_tiers(side)} for side in (old, new))
    return tuple(
        TierPolicyChange(before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )


def _in_tiers(snapshot: Snapshot) -> Iterator[InTiers]:
    yield from snapshot.tier_policies
    yield from (each for each in snapshot.cilium_policies if each.around)
    yield from snapshot.calico_policies


def _rules_in_direction(policy: Policy | None, direction: Direction) -> object:
    """Return all that a policy says about a direction."""
    rules = None if policy is None else rules_of(policy, direction)
    return None if policy is None or rules is None else (policy.pod_selector, rules)


def policy_changes(old: EnforcedCluster, new: EnforcedCluster) -> tuple[PolicyChange, ...]:
    """Return the acting policies that differ, by namespace and name."""
    changes = sorted(_policy_changes(old.policies, new.policies), key=lambda each: each.name)
    return tuple(changes)


def _policy_changes(old: Sequence[Policy], new: Sequence[Policy]) -> Iterator[PolicyChange]:
    before, after = map(_by_name, _left(old, new))
    for key in before.keys() | after.keys():
        # Only policies whose namespace is not known can share a key.
        for one, other in zip_longest(before.get(key, ()), after.get(key, ())):
            if one != other:
                yield PolicyChange(one, other)


def _left(old: Sequence[Policy], new: Sequence[Policy]) -> tuple[list[Policy], list[Policy]]:
    """Return both without those that are equal, as far as both are in one order from either end.

    Most clusters are read twice in one order, where nothing has to be looked up by name.
    """
    first = _in_one_order(old, new)
    last = _in_one_order(old[first:][::-1], new[first:][::-1])
    ends = len(old) - last, len(new) - last
    begun, ended = _unequal(old[:first], new[:first]), _unequal(old[ends[0] :], new[ends[1] :])
    before, after = old[first : ends[0]], new[first : ends[1]]
    kept = set(map(id, before)) & set(map(id, after))
    middle = (_but(before, kept), _but(after, kept))
    return [*begun[0], *middle[0], *ended[0]], [*begun[1], *middle[1], *ended[1]]


def _unequal(old: Sequence[Policy], new: Sequence[Policy]) -> tuple[list[Policy], list[Policy]]:
    pairs = [each for each in zip(old, new, strict=True) if each[0] != each[1]]
    return [one for one, _ in pairs], [other for _, other in pairs]


def _but(policies: Sequence[Policy], kept: AbstractSet[int]) -> list[Policy]:
    return [each for each in policies if id(each) not in kept]


def _in_one_order(old: Sequence[Policy], new: Sequence[Policy]) -> int:
    """Return at how many places from the first on both have policies of one name."""
    pairs = enumerate(zip(old, new, strict=False))
    other = (n for n, (a, b) in pairs if a is not b and _key(a) != _key(b))
    return next(other, min(len(old), len(new)))


def _key(policy: Policy) -> tuple[str | Unknown, str]:
    return policy.namespace, policy.name


def _by_name(policies: Iterable[Policy]) -> dict[tuple[str | Unknown, str], list[Policy]]:
    found: defaultdict[tuple[str | Unknown, str], list[Policy]] = defaultdict(list)
    for each in policies:
        found[_key(each)].append(each)
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

    `because` says what undetermined ports depend on. `policies` are those without whose change it
    would be another one; see `podwall.diff.causes`.
    """

    source: AnyEndpoint
    destination: AnyEndpoint
    before: PairVerdict
    after: PairVerdict
    cause: ChangeCause
    policies: tuple[PolicyChange | TierPolicyChange, ...] = ()
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
        return _port_kind(self.before, self.after)


@lru_cache(maxsize=4096)
def _port_kind(before: PairVerdict, after: PairVerdict) -> ConnectionChangeKind | None:
    """Return what became of ports; very many connections change from one of few to another."""
    before, after = before.without_other, after.without_other
    return None if before == after else ConnectionChangeKind.of(before, after)


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
    opened, closed = _both_ways(before, after)
    if opened == closed:
        return tuple(policies)
    return tuple(each for each in policies if _can_let_through(each, direction, opened=opened))


@lru_cache(maxsize=4096)
def _both_ways(before: PairVerdict, after: PairVerdict) -> tuple[bool, bool]:
    """Return whether anything opens, and whether anything closes."""
    return bool(after.beyond(before)), bool(before.beyond(after))


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


ONLY_AS_ALLOWED: Final = "only as allowed"
"""What is said of a direction that a policy isolates."""


def rule_changes(change: PolicyChange | TierPolicyChange) -> tuple[str, ...]:
    """Return what a policy says afterwards (`+`) and no longer says (`-`), by direction.

    Of policies that stand in tiers it is nothing: what they say depends on their order, too.

    >>> from podwall.model import PortRule, Selector
    >>> old = Policy("shop", "api", Selector(), ingress=())
    >>> new = Policy("shop", "api", Selector(), ingress=(Rule(None, (PortRule(port=80),)),))
    >>> rule_changes(PolicyChange(old, new))
    ('+ from anyone on TCP 80',)
    """
    return tuple(words for words, _ in _differences(change))


def new_fields(change: PolicyChange | TierPolicyChange) -> dict[str, str]:
    """Return where a policy says what it says afterwards: field paths, by the words of the change.

    >>> from podwall.model import PortRule, Selector
    >>> old = Policy("shop", "api", Selector(), ingress=())
    >>> new = Policy("shop", "api", Selector(), ingress=(Rule(None, (PortRule(port=80),)),))
    >>> new_fields(PolicyChange(old, new))
    {'+ from anyone on TCP 80': 'spec.ingress[0]'}
    """
    return {words: path for words, path in _differences(change) if path}


_Difference = tuple[str, str]
"""What a policy says afterwards, or no longer says, in words; and where it says it, if it does."""


def _differences(change: PolicyChange | TierPolicyChange) -> Iterator[_Difference]:
    if isinstance(change, PolicyChange):
        yield from _pods(change)
        for each in Direction:
            yield from _lines(change, each)


def _pods(change: PolicyChange) -> Iterator[_Difference]:
    """Yield whom the policy is about, where that changes."""
    if change.old is None or change.new is None:
        return
    before, after = change.old.pod_selector, change.new.pod_selector
    if before != after:
        yield f"- for {_written(change.old)}", ""
        yield f"+ for {_written(change.new)}", "spec.podSelector"


def _written(policy: Policy) -> str:
    pods = selector_text(policy.pod_selector)
    return f"pods with {pods}" if pods else "every pod"


def _lines(change: PolicyChange, direction: Direction) -> Iterator[_Difference]:
    before, after = (
        None if each is None else rules_of(each, direction) for each in (change.old, change.new)
    )
    if before is None and after is not None:
        yield f"+ {direction.field} {ONLY_AS_ALLOWED}", "spec.policyTypes"
    if after is None and before is not None:
        yield f"- {direction.field} {ONLY_AS_ALLOWED}", ""
    old, new = _listed(before), _listed(after)
    where = str(change.latest.namespace)
    for index, each in enumerate(new):
        if each not in old:
            path = f"spec.{direction.field}[{index}]"
            yield f"+ {rule_text(each, direction, where)}", path
    yield from ((f"- {rule_text(each, direction, where)}", "") for each in old if each not in new)


def _listed(rules: Sequence[Rule | Unknown] | Unknown | None) -> Sequence[Rule | Unknown]:
    if rules is None:
        return ()
    return (rules,) if isinstance(rules, Unknown) else rules
