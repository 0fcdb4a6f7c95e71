"""A source: documents from one place, and what the place says about the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from podwall.policies.findings import Finding
from podwall.reading import Cluster, Document, Reading, snapshot
from podwall.sources.yaml_lines import at_their_lines

__all__ = ["Source", "SourceKind", "Stage"]

NOT_AN_OBJECT: Final = "(not a Kubernetes object)"


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
    not here does not exist (a live cluster). `texts` are the files, and `others` counts documents
    that are not meant for Kubernetes. `stack` is what people call the stack that a document of
    Pulumi is about, such as `stack dev of shop`.
    """

    kind: SourceKind
    name: str
    planned: Stage
    deployed: Stage | None = None
    findings: tuple[Finding, ...] = ()
    complete: bool = False
    texts: Mapping[str, bytes] = field(default_factory=dict)
    others: int = 0
    stack: str = ""

    def reading(self) -> Reading:
        """Return the snapshot of what there will be, with all findings, each at its line."""
        reading = _read(self.planned, complete=self.complete)
        findings = (*self.findings, *self.at_lines(reading.findings))
        others = ((NOT_AN_OBJECT, self.others),) if self.others else ()
        return replace(reading, findings=findings, ignored=(*others, *reading.ignored))

    def at_lines(self, findings: Sequence[Finding]) -> Iterator[Finding]:
        """Yield findings, each at the line of the field it is about, where its file is known."""
        return at_their_lines(findings, self.texts)

    def deployed_reading(self) -> Reading | None:
        """Return the snapshot of what there is before the deployment, if the source tells."""
        return None if self.deployed is None else _read(self.deployed, complete=self.complete)


def _read(stage: Stage, *, complete: bool) -> Reading:
    return snapshot(stage.documents, complete=complete, cluster=stage.cluster)
