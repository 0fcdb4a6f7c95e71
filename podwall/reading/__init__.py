"""From documents to the snapshot: what the API server would make of them. Pure, no I/O.

`snapshot(documents)` never fails: what can't be read becomes a finding, and the rest is read.
"""

from __future__ import annotations

from podwall.reading.assembly import Reading, snapshot
from podwall.reading.document import Cluster, Document
from podwall.reading.metadata import GENERATED, generated_name
from podwall.reading.typed_policies import TypedPolicies, typed_policies

__all__ = [
    "GENERATED",
    "Cluster",
    "Document",
    "Reading",
    "TypedPolicies",
    "generated_name",
    "snapshot",
    "typed_policies",
]
