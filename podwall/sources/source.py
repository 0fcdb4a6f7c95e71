"""A source: documents from one place, and what the place says about the cluster."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from podwall.reading import Cluster, Document, Reading, snapshot
from policies.findings import Finding

__all__ = ["Source", "SourceKind", "Stage"]


class SourceKind(StrEnum):
    """Where documents can come from."""

    PROGRAM = "program"
    MANIFESTS = "manifests"
    PREVIEW = "preview"
    STATE = "state"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Stage:
    """The documents of one moment: after a deployment, or before it."""

    documents: tuple[Document, ...] = ()
    cluster: Cluster = field(default_factory=Cluster)


@dataclass(frozen=True, slots=True)
class Source:
    """Documents, as one place shows them.

    `planned` is what there will be; `deployed` what there is before, where the source tells (a
    preview does). `findings` are about what could not be parsed. `complete` is True where what is
    not here does not exist (a live cluster).
    """

    kind: SourceKind
    name: str
    planned: Stage
    deployed: Stage | None = None
    findings: tuple[Finding, ...] = ()
    complete: bool = False

    def reading(self) -> Reading:
        """Return the snapshot of what there will be, with all findings, each at its line."""
        reading = _read(self.planned, complete=self.complete)
        return replace(reading, findings=(*self.findings, *reading.findings))

    def deployed_reading(self) -> Reading | None:
        """Return the snapshot of what there is before the deployment, if the source tells."""
        return None if self.deployed is None else _read(self.deployed, complete=self.complete)


def _read(stage: Stage, *, complete: bool) -> Reading:
    return snapshot(stage.documents, complete=complete, cluster=stage.cluster)
