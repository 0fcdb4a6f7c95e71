"""From documents to the snapshot: what the API server would make of them. Pure, no I/O.

`snapshot(documents)` never fails: what can't be read becomes a finding, and the rest is read.
"""

from __future__ import annotations

from podwall.reading.assembly import KeptReadings, SnapshotReading, snapshot
from podwall.reading.ledger import NOT_KNOWN, DeclaredCluster, Document, LedgerEntry, ObjectStatus
from podwall.reading.metadata import GENERATED, generated_name
from podwall.reading.pod_kinds import POD_KINDS, MadePods, PodKind
from podwall.reading.shown_names import shown_namespaces
from podwall.reading.typed_policies import TypedPolicies, typed_policies
from podwall.reading.workloads import asked_controller_labels

__all__ = [
    "GENERATED",
    "NOT_KNOWN",
    "POD_KINDS",
    "DeclaredCluster",
    "Document",
    "KeptReadings",
    "LedgerEntry",
    "MadePods",
    "ObjectStatus",
    "PodKind",
    "SnapshotReading",
    "TypedPolicies",
    "asked_controller_labels",
    "generated_name",
    "shown_namespaces",
    "snapshot",
    "typed_policies",
]
