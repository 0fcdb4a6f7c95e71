"""Flows that were observed in a cluster, beside what is predicted of it. Pure: reads no file.

>>> from podwall.model import LabelMap, Policy, Selector, Snapshot, SnapshotWorkload
>>> from podwall.reachability import reachability
>>> pods = [SnapshotWorkload("shop", name, "Pod", LabelMap()) for name in ("web", "db")]
>>> deny = Policy("shop", "deny", Selector(), ingress=())
>>> found = reachability(Snapshot(workloads=tuple(pods), policies=(deny,), complete=True))
>>> web, db = (SeenEnd("10.0.0.1", "shop", pod=each) for each in ("web", "db"))
>>> seen = ObservedFlows(found)
>>> seen.add(SeenFlow(web, db, IpProtocol.TCP, 5432))
>>> [f"{each.flow}: {each.verdict}" for each in judged(seen)]
['shop/web -> shop/db on TCP 5432: denied']
"""

from __future__ import annotations

from podwall.model import IpProtocol
from podwall.observed.comparing import (
    ComparedFlows,
    FlowKey,
    JudgedFlow,
    NeverUsed,
    ObservedFlow,
    ObservedFlows,
    StatedFlows,
    judged,
    never_used,
    stated,
)
from podwall.observed.flow import (
    RESERVED,
    Fate,
    FlowRecords,
    NotCounted,
    SeenEnd,
    SeenFlow,
    Unplaced,
    UnplacedReason,
)

__all__ = [
    "RESERVED",
    "ComparedFlows",
    "Fate",
    "FlowKey",
    "FlowRecords",
    "IpProtocol",
    "JudgedFlow",
    "NeverUsed",
    "NotCounted",
    "ObservedFlow",
    "ObservedFlows",
    "SeenEnd",
    "SeenFlow",
    "StatedFlows",
    "Unplaced",
    "UnplacedReason",
    "judged",
    "never_used",
    "stated",
]
