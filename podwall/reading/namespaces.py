"""Read Namespaces, and say what is known of those that nobody declared."""

from __future__ import annotations

from collections.abc import Iterator

from podwall.model import LabelMap, Namespace, Unknown
from podwall.policies.findings import Finding, Severity
from podwall.reading.metadata import KubernetesObject

__all__ = ["NAME_LABEL", "forged_name", "read_namespace", "undeclared"]

#: The API server sets this label to the namespace's name and keeps it so.
NAME_LABEL = "kubernetes.io/metadata.name"
NAME_LABEL_DOC = (
    "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
    "#targeting-a-namespace-by-its-name"
)


def read_namespace(item: KubernetesObject) -> Namespace:
    """Return a namespace, always with the label that carries its name."""
    labels = {**dict(item.labels.items), NAME_LABEL: item.generated or item.name}
    return Namespace(item.name, LabelMap.of(labels, item.labels.more), item.place)


def forged_name(item: KubernetesObject) -> Iterator[Finding]:
    """Yield a finding if a namespace claims another name in its name label."""
    written = dict(item.labels.items).get(NAME_LABEL, item.name)
    if written != item.name and isinstance(written, str):
        yield Finding(
            "forged-namespace-name",
            Severity.WARNING,
            f"`{written}` is not the name of namespace `{item.name}`, and is overwritten with it",
            item.place.at(f"metadata.labels[{NAME_LABEL}]"),
            "remove the label: the API server sets it",
            NAME_LABEL_DOC,
        )


def undeclared(name: str, *, complete: bool) -> Namespace:
    """Return a namespace that objects are in, but that the source does not declare.

    Only deployment tells its labels, save for `default`, which every cluster has and few label.
    """
    cause = f"the labels of namespace `{name}`, which the source does not declare"
    more = None if complete or name == "default" else Unknown(cause)
    return Namespace(name, LabelMap.of({NAME_LABEL: name}, more))
