"""Say what is legal in one object but hardly meant."""

from __future__ import annotations

from collections.abc import Iterator

from podwall.reading.metadata import KubernetesObject
from podwall.reading.namespaces import forged_name
from policies.findings import Finding

__all__ = ["remarks"]


def remarks(item: KubernetesObject) -> Iterator[Finding]:
    """Yield the findings on one object that has been read."""
    if item.kind == "Namespace":
        yield from forged_name(item)
