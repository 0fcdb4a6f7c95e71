"""What a change does: connections added, removed, widened or narrowed, and the policies behind it.

>>> from podwall.model import LabelMap, Policy, Selector, Snapshot, Workload
>>> from podwall.reachability import reachability
>>> pods = tuple(Workload("shop", name, "Deployment", LabelMap(), replicas=2) for name in "ab")
>>> deny = Policy("shop", "deny", Selector(), ingress=())
>>> changed = diff(reachability(Snapshot((), pods)), reachability(Snapshot((), pods, (deny,))))
>>> changed.policies[0].name, sum(each.kind is ChangeKind.REMOVED for each in changed.changes())
('shop/deny', 8)
"""

from __future__ import annotations

from podwall.diff.changes import Change, ChangeKind, Effect, Passage
from podwall.diff.difference import Diff, diff
from podwall.diff.policies import PolicyChange, PolicyChangeKind

__all__ = [
    "Change",
    "ChangeKind",
    "Diff",
    "Effect",
    "Passage",
    "PolicyChange",
    "PolicyChangeKind",
    "diff",
]
