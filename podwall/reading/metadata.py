"""Read what every object has (kind, name, namespace, labels, owner), selectors, and Namespaces.

A namespace is nothing but its metadata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from podwall.model import (
    LabelMap,
    Operator,
    Selector,
    SelectorRequirement,
    SnapshotNamespace,
    Unknown,
)
from podwall.policies.errors import Finding, Place, Severity
from podwall.policies.rules import METADATA_NAME
from podwall.quick_dataclass import dataclass
from podwall.reading.fields import Malformed, field, flag, list_of, mapping, one_of, text, texts

__all__ = [
    "GENERATED",
    "ManifestObject",
    "Owner",
    "forged_name",
    "generated_name",
    "read_labels",
    "read_namespace",
    "read_object",
    "read_plain_selector",
    "read_selector",
]

EVERYTHING = Selector()
OPERATOR = one_of(tuple(Operator))


def read_labels(value: Any) -> LabelMap:
    """Return the labels of an object; a `null` value is the empty string, as to the API."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return LabelMap(more=node)
    return _label_map(tuple(sorted(_text_values(node).items(), key=_key)))


def read_selector(value: Any) -> Selector:
    """Return a `LabelSelector`: labels and expressions, all of which must hold.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
    """
    node = mapping(value)
    if isinstance(node, Unknown):
        return Selector(unknown=node)
    labels = field(node, "matchLabels", read_plain_selector, EVERYTHING)
    if not node.get("matchExpressions"):
        return labels
    expressions = field(node, "matchExpressions", _requirements, ())
    if isinstance(expressions, Unknown):
        return Selector(labels.requirements, expressions)
    known = [item for item in expressions if isinstance(item, SelectorRequirement)]
    unknown = [item for item in expressions if isinstance(item, Unknown)]
    return Selector((*labels.requirements, *known), labels.unknown or next(iter(unknown), None))


def read_plain_selector(value: Any) -> Selector:
    """Return a selector that is a mapping of labels, as `matchLabels` and services have."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return Selector(unknown=node)
    return _plain_selector(tuple(sorted(_text_values(node).items(), key=_key)))


def _text_values(node: Mapping[str, Any]) -> dict[str, str | Unknown]:
    labels: dict[str, str | Unknown] = {}
    for key, value in node.items():
        if not isinstance(key, str):
            raise Malformed("must have strings as keys")
        labels[key] = value if isinstance(value, str) else field(node, key, text, "")
    return labels


def _key(label: tuple[str, str | Unknown]) -> str:
    return label[0]


@lru_cache(maxsize=65536)
def _label_map(labels: tuple[tuple[str, str | Unknown], ...]) -> LabelMap:
    """Return the labels; objects repeat them, so one value serves them all."""
    return LabelMap(labels)


@lru_cache(maxsize=65536)
def _plain_selector(labels: tuple[tuple[str, str | Unknown], ...]) -> Selector:
    """Return the selector of some labels; policies repeat them, so one value serves them all."""
    return Selector(tuple(_equals(key, label) for key, label in labels))


def _equals(key: str, value: str | Unknown) -> SelectorRequirement:
    if isinstance(value, Unknown):
        return SelectorRequirement(key, Operator.IN, (), value)
    return SelectorRequirement(key, Operator.IN, (value,))


def _requirement(value: Any) -> SelectorRequirement | Unknown:
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    key = field(node, "key", text, "")
    operator = field(node, "operator", OPERATOR, None)
    values = field(node, "values", texts, ())
    if isinstance(key, Unknown):
        return key
    if operator is None:
        raise Malformed("is required", "operator")
    if isinstance(operator, Unknown):
        return operator
    if isinstance(values, Unknown):
        return SelectorRequirement(key, operator, (), values)
    known = sorted({item for item in values if isinstance(item, str)})
    unknown = [item for item in values if isinstance(item, Unknown)]
    return SelectorRequirement(key, operator, tuple(known), next(iter(unknown), None))


_requirements = list_of(_requirement)


GENERATED: Final = "GENERATED"
"""Stands for the part of a name that only deployment makes up; no real name has capitals."""

EMPTY: Mapping[str, Any] = {}
NO_LABELS = LabelMap()


@dataclass(frozen=True, slots=True)
class Owner:
    """The controller that made an object."""

    kind: str
    name: str


_NAMESPACE: Final = ("", "Namespace")
_GROUP_OF_CLUSTER: Final = "policy.networking.k8s.io"


@dataclass(frozen=True, slots=True)
class ManifestObject:
    """An object with its metadata read, and its `spec` still to be read by its kind.

    `generated` is set where the real name is made up later, by the API server or by Pulumi; `name`
    is then a stand-in (see `generated_name`). `called` is what a program calls an object whose name
    is made up.
    """

    group: str
    version: str
    kind: str
    name: str
    namespace: str | Unknown
    labels: LabelMap
    manifest: Mapping[str, Any]
    place: Place
    owner: Owner | None = None
    generated: Unknown | None = None
    called: str = ""

    @property
    def is_in_a_namespace(self) -> bool:
        """Whether the object is in a namespace, unlike a namespace itself and cluster policies."""
        of_cluster = (self.group, self.kind) == _NAMESPACE or self.group == _GROUP_OF_CLUSTER
        return not of_cluster

    def __str__(self) -> str:
        """Write the object for people, as `Deployment shop/web`, or `Namespace shop`."""
        where = "(unknown)" if isinstance(self.namespace, Unknown) else self.namespace
        return f"{self.kind} {f'{where}/' if self.is_in_a_namespace else ''}{self.name}"


def generated_name(prefix: str) -> str:
    """Return the stand-in for a name that starts with `prefix` and is completed later.

    No real name has capital letters, so it can't be mistaken for one.

    >>> generated_name("web-")
    'web-GENERATED'
    """
    return f"{prefix}{GENERATED}"


def read_object(manifest: Any, place: Place) -> ManifestObject:
    """Return an object with its metadata; a namespace that is left out is `default`."""
    if not isinstance(manifest, Mapping):
        raise Malformed("must be a Kubernetes object, with `apiVersion` and `kind`")
    group, _, version = _required(manifest, "apiVersion").rpartition("/")
    kind = _required(manifest, "kind")
    metadata = field(manifest, "metadata", mapping, EMPTY)
    if isinstance(metadata, Unknown):
        name, labels = generated_name(""), LabelMap(more=metadata)
        return ManifestObject(
            group, version, kind, name, metadata, labels, manifest, place, generated=metadata
        )
    try:
        name, generated = _name(metadata, kind)
        namespace = field(metadata, "namespace", text, "") or "default"
        labels = field(metadata, "labels", read_labels, NO_LABELS)
        owner = field(metadata, "ownerReferences", _controller, None)
    except Malformed as problem:
        raise problem.inside("metadata") from None
    return ManifestObject(
        group, version, kind, name, namespace, labels, manifest, place, owner, generated
    )


def _required(manifest: Mapping[str, Any], key: str) -> str:
    value = field(manifest, key, text, "")
    if isinstance(value, Unknown):
        raise Malformed("must be known before deployment", key)
    if not value:
        raise Malformed("is required", key)
    return value


def _name(metadata: Mapping[str, Any], kind: str) -> tuple[str, Unknown | None]:
    name = field(metadata, "name", text, "")
    if isinstance(name, str) and name:
        return name, None
    prefix = field(metadata, "generateName", text, "")
    if isinstance(name, Unknown):
        return generated_name(prefix if isinstance(prefix, str) else ""), name
    if isinstance(prefix, Unknown):
        return generated_name(""), prefix
    if not prefix:
        raise Malformed("is required", "name")
    cause = f"the name of {kind} `{prefix}...` is generated when it is created"
    return generated_name(prefix), Unknown(cause)


def _controller(value: Any) -> Owner | None:
    owners = list_of(_owner)(value)
    if isinstance(owners, Unknown):
        return None
    return next((owner for owner in owners if owner), None)


def _owner(value: Any) -> Owner | None:
    node = mapping(value)
    if isinstance(node, Unknown) or field(node, "controller", flag, False) is not True:
        return None
    kind, name = field(node, "kind", text, ""), field(node, "name", text, "")
    return Owner(kind, name) if isinstance(kind, str) and isinstance(name, str) else None


_NAME_LABEL_DOC: Final = (
    "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
    "#targeting-a-namespace-by-its-name"
)


def read_namespace(item: ManifestObject) -> SnapshotNamespace:
    """Return a namespace, always with the label that carries its name."""
    labels = {**dict(item.labels.items), METADATA_NAME: item.generated or item.name}
    return SnapshotNamespace(item.name, LabelMap.of(labels, item.labels.more), item.place)


def forged_name(item: ManifestObject) -> Iterator[Finding]:
    """Yield a finding if a namespace claims another name in its name label."""
    written = dict(item.labels.items).get(METADATA_NAME, item.name)
    if written != item.name and isinstance(written, str):
        yield Finding(
            "forged-namespace-name",
            Severity.WARNING,
            f"`{written}` is not the name of namespace `{item.name}`, and is overwritten with it",
            item.place.at(f"metadata.labels[{METADATA_NAME}]"),
            "remove the label: the API server sets it",
            _NAME_LABEL_DOC,
        )
