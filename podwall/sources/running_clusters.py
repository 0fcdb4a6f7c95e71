"""A running cluster as a source: what is not in it does not exist, if all of it could be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from podwall.sources.model import ManifestOptions, Source, SourceKind, Stage

if TYPE_CHECKING:
    from podwall.live.cluster import ClusterReading  # it brings the client, which files need not

__all__ = ["CLUSTER", "running_cluster", "source_of_cluster"]

CLUSTER: Final = "cluster"
"""The word that stands for the running cluster, where paths are given."""


def running_cluster(options: ManifestOptions) -> Source:
    """Return what the running cluster shows, one namespace of it if the options name one.

    Raises:
        SourceError: it can't be read.
        MissingExtra: `podwall[live]` is not installed.
    """
    from podwall.live.cluster import read_cluster  # noqa: PLC0415 - files need no client

    return source_of_cluster(read_cluster(options.cluster, options.namespace))


def source_of_cluster(found: ClusterReading) -> Source:
    """Return what was read of a cluster as a source."""
    return Source(
        SourceKind.CLUSTER,
        CLUSTER,
        Stage(found.documents, found.cluster),
        findings=found.findings,
        complete=found.whole,
        others=found.others,
        notes=(found.note,),
    )
