"""Which policies that differ are behind the change of a connection.

How it works: a policy is behind it if the connection would be another one without the policy's
change. That is asked of the pair alone, by a replay under what there is now, with that one policy
as it was. Of two that each would have sufficed neither is found so: then those are named whose
change alone, of what there was, changes the connection. It is asked once for all pairs of the same
classes, and only where more than one thing differs that can have had the effect.

Of very many policies or classes nobody reads the causes one by one: there, all that can have had
the effect stay named.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final, TypeVar, cast

from podwall.calico import CalicoPolicy
from podwall.diff.changes import ConnectionChange, InTiers, PolicyChange, TierPolicyChange
from podwall.diff.joint_endpoints import ABSENT, JointEndpoints
from podwall.explain import rule_text
from podwall.model import CiliumPolicy, Policy, Snapshot, TierPolicy
from podwall.policies.rules import Direction
from podwall.portset import PortSet
from podwall.reachability import Reachability
from podwall.reachability.arrays import BoolArray
from podwall.reachability.cluster import EnforcedCluster, rules_of, unknown_direction
from podwall.reachability.replay import Replay
from podwall.reachability.values import AnyEndpoint, ExternalRange, PairVerdict, UnseenPods

__all__ = ["ChangeCauses", "PolicyCauses", "TierCauses", "rules_behind"]


_MOST: Final = 16
"""Of more policies that differ, none is asked about: all are listed beside the changes."""

_Ends = tuple[AnyEndpoint, AnyEndpoint]
_Ask = Callable[[AnyEndpoint, AnyEndpoint], PairVerdict]

_MOST_ASKED: Final = 1 << 11
"""For so many classes of pairs the causes are found one by one."""
_MOST_REPLAYS: Final = 1 << 8


class PolicyCauses:
    """The NetworkPolicies that differ, and what each of them does by itself."""

    def __init__(self, old: Reachability, new: Reachability) -> None:
        """Take both sides; nothing is replayed before it is asked for."""
        self._sides = (old, new)
        self._replays: dict[tuple[int, bool], Replay] = {}
        self._left = _MOST_ASKED

    def behind(
        self,
        candidates: tuple[PolicyChange, ...],
        ends: _Ends,
        after: PairVerdict,
        *,
        same_ends: bool,
    ) -> tuple[PolicyChange, ...]:
        """Return those of the candidates without whose change a connection would be another.

        Args:
            candidates: the policies that differ and can have had the effect.
            ends: its ends, as they are now.
            after: what passes.
            same_ends: whether nothing of the ends themselves differs, such as labels.
        """
        if len(candidates) > _MOST or not self._left:
            return candidates
        self._left -= 1
        old, new = self._both
        if _passing(new, ends) != after:  # a range in which policies differ, but not the change
            return candidates
        found = [c for c in candidates if self._is_needed(c, ends, after, now=False)]
        if not found and same_ends:
            before = _passing(old, ends)
            found = [c for c in candidates if self._is_needed(c, ends, before, now=True)]
        return tuple(found) if found or len(candidates) == 1 else candidates

    @cached_property
    def _both(self) -> tuple[Replay, Replay]:
        old, new = (Replay(each.cluster) for each in self._sides)
        return old, new

    def _is_needed(
        self, change: PolicyChange, ends: _Ends, passing: PairVerdict, *, now: bool
    ) -> bool:
        """Return whether a connection is another one without a change, or with it alone."""
        if _says_the_same(self._both[not now], change, ends):
            return False
        return _passing(self._with(change, now=now), ends) != passing

    def _with(self, change: PolicyChange, *, now: bool) -> Replay:
        """Return what there was with one policy as it is now, or else the reverse."""
        key = (id(change), now)
        if key not in self._replays:
            if len(self._replays) >= _MOST_REPLAYS:
                self._replays.clear()
            old, new = self._both
            self._replays[key] = (
                old.instead(change.old, change.new) if now else new.instead(change.new, change.old)
            )
        return self._replays[key]


def _says_the_same(replay: Replay, change: PolicyChange, ends: _Ends) -> bool:
    """Return whether both versions of a policy select the same pods and allow a pair the same."""
    old, new = change.old, change.new
    if old is None or new is None:
        return False
    if (old.namespace, old.pod_selector) != (new.namespace, new.pod_selector):
        return False
    return all(
        _allow_the_same(replay, (old, new), direction, pair)
        for direction, pair in ((Direction.EGRESS, ends), (Direction.INGRESS, ends[::-1]))
    )


def _allow_the_same(
    replay: Replay, versions: tuple[Policy, Policy], direction: Direction, ends: _Ends
) -> bool:
    subject, other = ends
    if isinstance(subject, ExternalRange):
        return True
    isolates, known = (
        {which(each, direction) is None for each in versions}
        for which in (rules_of, unknown_direction)
    )
    if len(isolates) > 1 or known != {True}:
        return False
    allowed = (replay.allowed_by(each, direction, subject, other) for each in versions)
    return isolates == {True} or len(set(allowed)) == 1


def _passing(replay: Replay, ends: _Ends) -> PairVerdict:
    found = replay.passing(*ends)
    return PairVerdict(found.must, found.may - found.must)


class TierCauses:
    """The policies in tiers that differ, and what each of them does by itself."""

    def __init__(
        self, old: Reachability, new: Reachability, changes: Sequence[TierPolicyChange]
    ) -> None:
        """Take both sides; nothing is replayed before it is asked for."""
        self._sides = (old, new)
        self._changes = changes if len(changes) <= _MOST else ()

    def __bool__(self) -> bool:
        """Whether there is any that can be asked about."""
        return bool(self._changes)

    def behind(
        self, ends: _Ends, before: PairVerdict, after: PairVerdict
    ) -> tuple[TierPolicyChange, ...]:
        """Return the policies without whose change a connection would not be what it is.

        Args:
            ends: its ends, as the analysis of one of the sides knows them.
            before: what passed.
            after: what passes.
        """
        needed = [
            change
            for change, verdict in zip(self._changes, self._without, strict=True)
            if verdict(*ends) != after
        ]
        if needed:
            return tuple(needed)
        return tuple(
            change
            for change, verdict in zip(self._changes, self._alone, strict=True)
            if verdict(*ends) != before
        )

    @cached_property
    def _without(self) -> list[_Ask]:
        """What passes now with one policy as it was, for each."""
        new = self._sides[1]
        return [_asked(new, _put(new.snapshot, each.new, each.old)) for each in self._changes]

    @cached_property
    def _alone(self) -> list[_Ask]:
        """What passed with one policy as it is now, for each."""
        old = self._sides[0]
        return [_asked(old, _put(old.snapshot, each.old, each.new)) for each in self._changes]


def _asked(side: Reachability, snapshot: Snapshot) -> _Ask:
    replay = Replay(EnforcedCluster(snapshot, side.engine))

    return lambda source, destination: _passing(replay, (source, destination))


def _put(snapshot: Snapshot, known: InTiers | None, instead: InTiers | None) -> Snapshot:
    """Return a snapshot with a policy in the place of another one; None is no policy."""
    kind = type(known or instead)
    if kind is TierPolicy:
        return replace(snapshot, tier_policies=_among(snapshot.tier_policies, known, instead))
    if kind is CiliumPolicy:
        return replace(snapshot, cilium_policies=_among(snapshot.cilium_policies, known, instead))
    assert kind is CalicoPolicy, "there are no other policies in tiers"
    return replace(snapshot, calico_policies=_among(snapshot.calico_policies, known, instead))


_P = TypeVar("_P")


def _among(policies: tuple[_P, ...], known: object, instead: object) -> tuple[_P, ...]:
    kept = [each for each in policies if each != known]
    return (*kept, *([] if instead is None else [cast("_P", instead)]))


def rules_behind(sides: tuple[Replay, Replay], change: ConnectionChange) -> tuple[str, ...]:
    """Return the rules of its policies that let through what opens, or let through what closes.

    They are in the words of `rule_changes`; what else differs in a policy, such as the pods that it
    selects, is not among them.

    Args:
        sides: replays of what there was, and of what there is.
        change: of a connection.
    """
    old, new = sides
    found: list[str] = []
    for policy in change.policies:
        if isinstance(policy, PolicyChange):
            for replay, version, other, ports, sign in (
                (new, policy.new, policy.old, change.opened, "+"),
                (old, policy.old, policy.new, change.closed, "-"),
            ):
                words = _passing_rules(replay, version, other, (change, ports))
                found += (f"{sign} {each}" for each in words)
    return tuple(dict.fromkeys(found))


def _passing_rules(
    replay: Replay,
    policy: Policy | None,
    other: Policy | None,
    passing: tuple[ConnectionChange, PortSet],
) -> Iterator[str]:
    """Yield the rules that only one version of a policy has, and that let some ports through."""
    change, ports = passing
    for direction in Direction if policy is not None else ():
        assert policy is not None, "as said"
        ends = [_one_pod(each) for each in (change.source, change.destination)]
        subject, peer = ends if direction is Direction.EGRESS else ends[::-1]
        if isinstance(subject, ExternalRange):
            continue
        if all(each is not policy for each, _ in replay.isolating(direction, subject)):
            continue
        known = (rules_of(other, direction) if other else None) or ()
        for each in replay.rules(policy, direction, subject, peer):
            if each.rule not in known and each.allowed.may & ports:
                yield rule_text(each.rule, direction, str(policy.namespace))


def _one_pod(end: AnyEndpoint) -> AnyEndpoint:
    return end.one() if isinstance(end, UnseenPods) else end


class ChangeCauses:
    """What is behind the changes between two analyses, found once for all pairs that are alike."""

    def __init__(
        self,
        sides: tuple[Reachability, Reachability],
        in_tiers: Sequence[TierPolicyChange],
        joint: JointEndpoints,
        differing: BoolArray,
    ) -> None:
        """Take both sides, and which of their joint ends differ by themselves."""
        self._policies = PolicyCauses(*sides)
        self._in_tiers = TierCauses(*sides, in_tiers)
        self._joint = joint
        self._differing = differing
        self._behind: dict[Hashable, tuple[PolicyChange | TierPolicyChange, ...]] = {}

    def behind(
        self,
        policies: tuple[PolicyChange, ...],
        ends: _Ends,
        alike: Hashable,
        verdicts: tuple[PairVerdict, PairVerdict],
        groups: tuple[int, int],
    ) -> tuple[PolicyChange | TierPolicyChange, ...]:
        """Return which of the policies are behind a change, and which of those in tiers are.

        `alike` is the same for pairs of which the answer is.
        """
        if not self._in_tiers and not self._is_asked(policies, groups):
            return policies
        if alike not in self._behind:
            in_tiers = self._in_tiers.behind(ends, *verdicts) if self._in_tiers else ()
            if self._is_asked(policies, groups):
                same = not any(self._differing[each] for each in groups)
                policies = self._policies.behind(policies, ends, verdicts[1], same_ends=same)
            self._behind[alike] = (*policies, *in_tiers)
        return self._behind[alike]

    def _is_asked(self, policies: tuple[PolicyChange, ...], groups: tuple[int, int]) -> bool:
        """Return whether more than one thing differs, of a pair that is there before and after."""
        if any(ABSENT in (self._joint.old[each], self._joint.new[each]) for each in groups):
            return False
        others = self._in_tiers or any(self._differing[each] for each in groups)
        return len(policies) > 1 or (bool(policies) and bool(others))
