"""The labels that namespace selectors see.

https://kubernetes.io/docs/concepts/services-networking/network-policies/#targeting-a-namespace-by-its-name
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from podwall.model import LabelMap, Unknown

if TYPE_CHECKING:
    from podwall.model import Snapshot

__all__ = ["NAME_LABEL", "NamespaceLabels"]

NAME_LABEL: Final = "kubernetes.io/metadata.name"
"""The label with a namespace's name, which the API server sets and nobody can change."""


class NamespaceLabels:
    """The labels of every namespace, declared in the snapshot or not."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Take the declared labels; where a namespace is declared twice, the last one counts."""
        self._declared = {each.name: each.labels for each in snapshot.namespaces}
        self._complete = snapshot.complete

    def of(self, namespace: str | Unknown) -> LabelMap:
        """Return the labels of a namespace, the label with its name always among them.

        A namespace that a partial source does not declare may carry further labels, except
        `default`, which every cluster makes by itself.
        """
        if isinstance(namespace, Unknown):
            return LabelMap(((NAME_LABEL, namespace),), namespace)
        declared = self._declared.get(namespace)
        if declared is not None:
            return LabelMap.of({**dict(declared.items), NAME_LABEL: namespace}, declared.more)
        certain = self._complete or namespace == "default"
        more = f"the labels of namespace `{namespace}`, which is not declared here"
        return LabelMap(((NAME_LABEL, namespace),), None if certain else Unknown(more))
