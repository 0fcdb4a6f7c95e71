"""What one place shows: its documents, what it says about the cluster, and what it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from podwall.aks.limits import NEWEST_VERSION
from podwall.live import KubeContext
from podwall.model import UnreadPolicy
from podwall.policies.errors import Finding
from podwall.quick_dataclass import dataclass
from podwall.reading import (
    POD_KINDS,
    DeclaredCluster,
    Document,
    KeptReadings,
    LedgerEntry,
    PodKind,
)

# Manifests wait for nothing of plans.
if TYPE_CHECKING:
    from podwall.plan.model import Plan
    from podwall.sources.existence import Existence

__all__ = ["ManifestOptions", "Source", "SourceKind", "Stage"]


class SourceKind(StrEnum):
    """Where documents can come from."""

    PROGRAM = "program"
    MANIFESTS = "manifests"
    PREVIEW = "preview"
    STATE = "state"
    CLUSTER = "cluster"


RELEASE: Final = "release-name"
"""What helm calls a release to which nobody gives a name."""


@dataclass(frozen=True, slots=True)
class ManifestOptions:
    """What manifests do not say themselves, and whoever deploys them does.

    `namespace` is where an object belongs that names none, as `kubectl apply --namespace` has it;
    None means `default`.

    For a running cluster: `cluster` says which one, and `namespace` is the only one that is read.

    For charts: `values` are files of values, the later over the earlier, and `release` is the name
    of the release; `kube_version` is the version of Kubernetes that they are rendered for, and
    `api_versions` are further APIs that the cluster has. `network` lets kustomize fetch what
    kustomizations name on the network; it then runs in the caller's own environment.
    """

    namespace: str | None = None
    values: tuple[str, ...] = ()
    release: str = RELEASE
    kube_version: str = NEWEST_VERSION
    api_versions: tuple[str, ...] = ()
    network: bool = False
    cluster: KubeContext = field(default_factory=KubeContext)

    @property
    def about_charts(self) -> str:
        """What is said of charts, in a word; empty where nothing is."""
        named = "a release" if self.release != RELEASE else ""
        return "values" if self.values else named


@dataclass(frozen=True, slots=True)
class Stage:
    """The documents of a cluster at one time: after a deployment, or before it.

    `brought` is what policies may decide that are in none of them, but in what is to be rendered.
    """

    documents: tuple[Document, ...] = ()
    cluster: DeclaredCluster = field(default_factory=DeclaredCluster)
    brought: tuple[UnreadPolicy, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Documents, as one place shows them.

    `planned` is what there will be; `deployed` what there is before, where the source knows it (a
    preview does). `findings` are about what could not be read. `complete` is True where what is not
    here does not exist (a live cluster), and `closed` where a user says so; `acknowledged` are
    the kinds of which a user says that it is known that they are not read, and `pod_kinds` those of
    other APIs whose controllers make pods. `texts` are the files
    by name, `notes` say what was done to read it, and `others` is what is there beside the
    documents: no Kubernetes object, or left out.

    Of what Pulumi manages there is more: `stack` is what people call the stack, such as `stack dev
    of shop`; `plan` has its resources, those that are deleted included; `existence` says what there
    is before the deployment, on its way and after it, where the source knows that. `cluster` is
    what people call the one of several clusters that this is the part of. `kept` is what was read
    of the documents of a cluster that is followed, as it was before.
    """

    kind: SourceKind
    name: str
    planned: Stage
    deployed: Stage | None = None
    findings: tuple[Finding, ...] = ()
    complete: bool = False
    texts: Mapping[str, bytes] = field(default_factory=dict)
    others: tuple[LedgerEntry, ...] = ()
    notes: tuple[str, ...] = ()
    stack: str = ""
    plan: Plan | None = None
    existence: Existence | None = None
    closed: bool = False
    cluster: str = ""
    acknowledged: frozenset[str] = frozenset()
    pod_kinds: Mapping[tuple[str, str], PodKind] = field(default_factory=lambda: POD_KINDS)
    kept: KeptReadings | None = field(default=None, compare=False)

    def as_deployed(self) -> Source | None:
        """Return what there is before the deployment as a source, None where that is not known."""
        if self.deployed is None:
            return None
        plain = Source(self.kind, self.name, self.deployed, stack=self.stack)
        return replace(
            plain,
            complete=self.complete,
            texts=self.texts,
            closed=self.closed,
            cluster=self.cluster,
            acknowledged=self.acknowledged,
            pod_kinds=self.pod_kinds,
        )
