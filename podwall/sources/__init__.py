"""Where documents come from: manifests, previews, state, clusters. Read, and never judged."""

from __future__ import annotations

from podwall.sources.clusters import clusters_of, in_cluster
from podwall.sources.model import ManifestOptions, Source, SourceKind, Stage
from podwall.sources.opening import source, sources, with_options
from podwall.sources.running_clusters import CLUSTER, source_of_cluster
from podwall.sources.stacks import source_of_plan, source_of_program, source_of_steps

__all__ = [
    "CLUSTER",
    "ManifestOptions",
    "Source",
    "SourceKind",
    "Stage",
    "clusters_of",
    "in_cluster",
    "source",
    "source_of_cluster",
    "source_of_plan",
    "source_of_program",
    "source_of_steps",
    "sources",
    "with_options",
]
