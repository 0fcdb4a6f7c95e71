"""Stated intent as values, and whether an analysis fulfils it. Pure: reads no file.

>>> from podwall.model import LabelMap, Policy, Selector, Snapshot, SnapshotWorkload
>>> from podwall.reachability import reachability
>>> pods = [SnapshotWorkload("shop", name, "Pod", LabelMap()) for name in ("web", "db")]
>>> deny = Policy("shop", "deny", Selector(), ingress=())
>>> found = reachability(Snapshot(workloads=tuple(pods), policies=(deny,), complete=True))
>>> rules = [denied("nobody reaches the database", ANYTHING, workload("shop/db"))]
>>> [str(each.outcome) for each in check(found, rules)]
['pass']
"""

from __future__ import annotations

from podwall.expectations.accepting import StatedBy, Statement, stated_by
from podwall.expectations.checking import check, unmet
from podwall.expectations.expectation import (
    ANYTHING,
    INTERNET,
    Acceptance,
    Addresses,
    Anything,
    Expectation,
    Internet,
    Kind,
    Outcome,
    Outside,
    PodSelection,
    Result,
    Selection,
    WorkloadId,
    addresses,
    allowed,
    denied,
    only,
    outside,
    pods,
    selection,
    workload,
)

__all__ = [
    "ANYTHING",
    "INTERNET",
    "Acceptance",
    "Addresses",
    "Anything",
    "Expectation",
    "Internet",
    "Kind",
    "Outcome",
    "Outside",
    "PodSelection",
    "Result",
    "Selection",
    "StatedBy",
    "Statement",
    "WorkloadId",
    "addresses",
    "allowed",
    "check",
    "denied",
    "only",
    "outside",
    "pods",
    "selection",
    "stated_by",
    "unmet",
    "workload",
]
