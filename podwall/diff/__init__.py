"""What a change does: connections added, removed, widened or narrowed, and the policies behind it.

>>> from podwall.model import LabelMap, Policy, Selector, Snapshot
>>> from podwall.model import SnapshotWorkload as Workload
>>> from podwall.reachability import reachability
>>> pods = tuple(Workload("shop", name, "Deployment", LabelMap(), replicas=2) for name in "ab")
>>> deny = Policy("shop", "deny", Selector(), ingress=())
>>> changed = diff(*(reachability(Snapshot((), pods, each), closed=True) for each in ((), (deny,))))
>>> removed = [each for each in changed.changes() if each.kind is ConnectionChangeKind.REMOVED]
>>> changed.policies[0].name, len(removed)
('shop/deny', 8)
"""

from __future__ import annotations

from podwall.diff.changes import (
    ONLY_AS_ALLOWED,
    ChangeCause,
    ConnectionChange,
    ConnectionChangeKind,
    PolicyChange,
    PolicyChangeKind,
    TierPolicyChange,
    new_fields,
    rule_changes,
)
from podwall.diff.difference import Diff, diff
from podwall.diff.joint_verdicts import AnalysisView, SideBySide, VerdictChange, side_by_side
from podwall.reachability.values import PairVerdict

__all__ = [
    "ONLY_AS_ALLOWED",
    "AnalysisView",
    "ChangeCause",
    "ConnectionChange",
    "ConnectionChangeKind",
    "Diff",
    "PairVerdict",
    "PolicyChange",
    "PolicyChangeKind",
    "SideBySide",
    "TierPolicyChange",
    "VerdictChange",
    "diff",
    "new_fields",
    "rule_changes",
    "side_by_side",
]
