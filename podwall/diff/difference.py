"""The difference of two analyses: the changed connections as a stream, and what is behind them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from podwall.diff.affected import affected
from podwall.diff.comparison import compared
from podwall.diff.ends import ABSENT, common_ends
from podwall.diff.expansion import Expansion
from podwall.diff.policies import policy_changes
from podwall.engines import engine_change

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.diff.changes import Change
    from podwall.diff.policies import PolicyChange
    from podwall.policies.findings import Finding
    from podwall.reachability import Reachability
    from podwall.reachability.grouping import IntArray
    from podwall.reachability.values import WorkloadEndpoint

__all__ = ["Diff", "diff"]


class Diff:
    """What a change of a cluster does to its connections. Made by `diff`.

    Like `Reachability` it holds classes of pairs, and expands them as a stream.
    """

    def __init__(self, old: Reachability, new: Reachability) -> None:
        """Compare the two where they may differ."""
        self.old = old
        self.new = new
        self._ends = common_ends(old, new)
        self._policies = policy_changes(old.cluster, new.cluster)
        self._affected = affected(old, new, self._ends, self._policies)
        self._comparison = compared(old, new, self._ends, self._affected)

    @property
    def policies(self) -> tuple[PolicyChange, ...]:
        """The acting policies that differ, by namespace and name."""
        return self._policies

    @property
    def added(self) -> tuple[WorkloadEndpoint, ...]:
        """The workloads that are new, by id."""
        there = self._ends.pairs[self._ends.pairs[:, 0] == ABSENT, 1]
        return _endpoints(self.new, there)

    @property
    def gone(self) -> tuple[WorkloadEndpoint, ...]:
        """The workloads that are gone, by id."""
        there = self._ends.pairs[self._ends.pairs[:, 1] == ABSENT, 0]
        return _endpoints(self.old, there)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What else changes: another network policy engine decides everything anew.

        A first deployment changes no engine: there is none before.
        """
        before = self.old.snapshot
        if before.engine is None and not before.workloads and not before.policies:
            return ()
        return tuple(engine_change(self.old.engine.name, self.new.engine.name))

    @property
    def is_empty(self) -> bool:
        """Whether no connection changes."""
        return next(self.changes(), None) is None

    def changes(self) -> Iterator[Change]:
        """Yield every connection that changes, by source, then destination.

        A pair that is not yielded is what it was. Ranges outside the cluster are as large as they
        can be while everything in them changes alike.
        """
        return self._expansion.changes()

    @cached_property
    def _expansion(self) -> Expansion:
        return Expansion((self.old, self.new), self._ends, self._affected, self._comparison)


def _endpoints(side: Reachability, places: IntArray) -> tuple[WorkloadEndpoint, ...]:
    """Return the workloads at some places of a cluster, by id."""
    ends = side.ends
    numbers = np.flatnonzero(np.isin(ends.places, places)) if len(places) else places
    return tuple(ends.workloads[number] for number in numbers.tolist())


def diff(old: Reachability, new: Reachability) -> Diff:
    """Return what changes from one analysis to another.

    The comparison costs what may differ: a policy that is edited makes only the pods that it
    selects, or selected, be looked at again.
    """
    return Diff(old, new)
