"""Where documents come from: manifests, previews, state. Thin edges that read and never judge."""

from __future__ import annotations

from podwall.sources.opening import Source, SourceKind, Stage, source, stage_of

__all__ = ["Source", "SourceKind", "Stage", "source", "stage_of"]
