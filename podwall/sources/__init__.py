"""Where documents come from: manifests, previews, state, clusters. Read, and never judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podwall.on_demand import on_first_use
from podwall.sources.model import ManifestOptions, Source, SourceKind, Stage
from podwall.sources.opening import CLUSTER, source, source_of_cluster, sources, with_options

# Manifests wait for nothing of plans.
if TYPE_CHECKING:
    from podwall.sources.stacks import (
        clusters_of,
        in_cluster,
        source_of_plan,
        source_of_program,
        source_of_steps,
    )

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

_OF_PLANS = ("clusters_of", "in_cluster", "source_of_plan", "source_of_program", "source_of_steps")
__getattr__ = on_first_use(__name__, dict.fromkeys(_OF_PLANS, "podwall.sources.stacks"))
