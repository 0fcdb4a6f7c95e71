"""From documents to the snapshot: what the API server would make of them. Pure, no I/O.

`snapshot(documents)` never fails: what can't be read becomes a finding, and the rest is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podwall.on_demand import on_first_use
from podwall.reading.assembly import KeptReadings, SnapshotReading, snapshot
from podwall.reading.ledger import NOT_KNOWN, DeclaredCluster, Document, LedgerEntry, ObjectStatus
from podwall.reading.metadata import GENERATED, generated_name
from podwall.reading.pod_kinds import POD_KINDS, MadePods, PodKind
from podwall.reading.shown_names import shown_namespaces
from podwall.reading.workloads import asked_controller_labels, with_controller_labels

# Only `podwall import` reads policies into the typed language.
if TYPE_CHECKING:
    from podwall.reading.typed_reading import TypedPolicies, typed_policies

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
    "with_controller_labels",
]

_TYPED = ("TypedPolicies", "typed_policies")
__getattr__ = on_first_use(__name__, dict.fromkeys(_TYPED, "podwall.reading.typed_reading"))
