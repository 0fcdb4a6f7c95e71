"""Which of several policies in tiers that differ is behind the change of a connection.

How it works: a policy is behind it if the connection would be another one without its change. That
is asked of the pair alone, by a replay under what there is now, with that one policy as it was. Of
two that each would have sufficed neither is found so: then those are named whose change alone, of
what there was, changes the connection. It is asked once for all pairs of the same classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final, TypeVar, cast

from podwall.calico import CalicoPolicy
from podwall.diff.changes import InTiers, TierPolicyChange
from podwall.model import CiliumPolicy, Snapshot, TierPolicy
from podwall.reachability import Reachability
from podwall.reachability.cluster import EnforcedCluster
from podwall.reachability.replay import Replay
from podwall.reachability.values import AnyEndpoint, PairVerdict

__all__ = ["TierCauses"]

_MOST: Final = 16
"""Of more policies that differ, none is asked about: all are listed beside the changes."""

_Ends = tuple[AnyEndpoint, AnyEndpoint]
_Ask = Callable[[AnyEndpoint, AnyEndpoint], PairVerdict]


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

    def passes(source: AnyEndpoint, destination: AnyEndpoint) -> PairVerdict:
        found = replay.pair(source, destination).allowed
        return PairVerdict(found.must, found.may - found.must)

    return passes


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
