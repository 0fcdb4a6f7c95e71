"""Turn the Kubernetes objects of a plan into documents for `podwall.reading`.

A namespace that an object takes from the output of a Namespace of the plan is filled in first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from podwall.plan.made_up_names import is_made_up, stand_in_of
from podwall.plan.model import SECRET, Operation, Plan, PlannedResource
from podwall.plan.values import inside, kind_of
from podwall.policies.errors import Finding, Severity
from podwall.policies.unknown import Unknown
from podwall.reading import Document, LedgerEntry

__all__ = [
    "NAMESPACE",
    "ObjectIdentity",
    "documents",
    "identity_of",
    "is_object",
    "stand_ins",
    "unseen_entries",
    "unseen_objects",
    "with_known_namespaces",
]


_CLUSTER_WIDE = {
    "APIService",
    "CSIDriver",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "IngressClass",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "RuntimeClass",
    "StorageClass",
    "ValidatingWebhookConfiguration",
}
# What these bring is not in the program: it is in a chart, a folder, or a live object.
_ELSEWHERE = ("kubernetes:helm.sh/", "kubernetes:kustomize")
_FILES = "kubernetes:yaml/v2:"


def documents(plan: Plan) -> tuple[Document, ...]:
    """Return the plan's Kubernetes objects in the API's own words, each at the line that made it.

    A secret is an `Unknown` here. An object without a name gets one when it is created, for which
    something stands; one without a namespace gets that of its provider.
    """
    by_urn = {resource.urn: resource for resource in plan.resources}
    return tuple(_document(each, by_urn) for each in plan.resources if is_object(each))


def _document(resource: PlannedResource, by_urn: Mapping[str, PlannedResource]) -> Document:
    metadata = resource.inputs.get("metadata") or {}
    known = isinstance(metadata, Mapping) and is_made_up(metadata)
    manifest = _manifest(resource, by_urn)
    return Document(
        manifest, resource.line_or_urn, (resource.called or resource.name) if known else ""
    )


def stand_ins(plan: Plan) -> frozenset[str]:
    """Return what stands in the documents of a plan for names that are not made up yet."""
    found = (
        stand_in_of(metadata, each.urn, each.name)
        for each in plan.resources
        if is_object(each) and isinstance(metadata := each.inputs.get("metadata") or {}, Mapping)
    )
    return frozenset(name for name in found if name is not None)


class ObjectIdentity(NamedTuple):
    """What one object is called in its cluster; `namespace` is empty for those that are in none."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Return the kind and the name, as people call the object."""
        return f"{self.kind} `{'/'.join(filter(None, (self.namespace, self.name)))}`"


def identity_of(
    resource: PlannedResource, provider: PlannedResource | None = None
) -> ObjectIdentity | None:
    """Return what a Kubernetes object is called, None where that is not known before deployment.

    >>> metadata = {"name": "web", "namespace": "shop"}
    >>> type_ = "kubernetes:core/v1:Pod"
    >>> print(identity_of(PlannedResource("", type_, "web", {"metadata": metadata})))
    Pod `shop/web`
    """
    metadata = resource.inputs.get("metadata")
    if not _is_kubernetes(resource) or not isinstance(metadata, Mapping):
        return None
    kind = kind_of(resource.type)
    completed = {**metadata, **_namespace_of(metadata, resource, provider)}
    namespace = "" if kind in _CLUSTER_WIDE else completed.get("namespace") or "default"
    name = completed.get("name")
    if not isinstance(namespace, str) or not isinstance(name, str):
        return None
    version = resource.type.split(":")[1]
    return ObjectIdentity(version.partition("/")[0], kind, namespace, name)


def _is_kubernetes(resource: PlannedResource) -> bool:
    return resource.custom and resource.type.startswith("kubernetes:")


def is_object(resource: PlannedResource) -> bool:
    """Return whether a resource is a Kubernetes object that will be there after deployment."""
    return (
        _is_kubernetes(resource)
        and resource.change is not Operation.DELETE
        and not _is_elsewhere(resource)
    )


def unseen_objects(plan: Plan) -> Iterator[Finding]:
    """Yield a finding for every resource that brings objects which the plan can't show."""
    for entry in unseen_entries(plan):
        yield Finding(
            "unseen-objects",
            Severity.WARNING,
            entry.reason,
            entry.place,
            help="render them to a folder and read that: `podwall reach FOLDER`",
        )


def unseen_entries(plan: Plan) -> Iterator[LedgerEntry]:
    """Yield every resource that brings objects which the plan can't show, with the reason."""
    parents = {resource.parent for resource in plan.resources}
    for resource in plan.resources:
        kind = kind_of(resource.type)
        is_shown = resource.urn in parents and not resource.unseen
        if _is_elsewhere(resource) or (resource.type.startswith(_FILES) and not is_shown):
            part = "some objects" if resource.urn in parents else "the objects"
            why = f": {', and '.join(resource.unseen)}" if resource.unseen else ""
            reason = f"{part} of {kind} `{resource.name}` are not in the plan{why}"
            yield LedgerEntry(kind, resource.name, resource.line_or_urn, reason=reason)


def _is_elsewhere(resource: PlannedResource) -> bool:
    patch = resource.type.startswith("kubernetes:") and resource.type.endswith("Patch")
    return patch or resource.type.startswith(_ELSEWHERE)


def _manifest(
    resource: PlannedResource, by_urn: Mapping[str, PlannedResource]
) -> Mapping[str, Any]:
    fields = {key: value for key, value in resource.inputs.items() if not key.startswith("__")}
    manifest = {key: _without_secrets(value, key, resource) for key, value in fields.items()}
    metadata = manifest.get("metadata") or {}
    if isinstance(metadata, Mapping):
        provider = by_urn.get(resource.provider or "")
        name = stand_in_of(metadata, resource.urn, resource.name)
        named = {} if name is None else {"name": name}
        namespace = _namespace_of(metadata, resource, provider)
        manifest["metadata"] = {**metadata, **named, **namespace}
    return manifest


def _namespace_of(
    metadata: Mapping[str, Any], resource: PlannedResource, provider: PlannedResource | None
) -> Mapping[str, Any]:
    """Return the namespace that the provider fills in."""
    namespace = provider.inputs.get("namespace") if provider else None
    if namespace and "namespace" not in metadata and kind_of(resource.type) not in _CLUSTER_WIDE:
        return {"namespace": namespace}
    return {}


def _without_secrets(value: Any, path: str, resource: PlannedResource) -> Any:
    if value is SECRET:
        return Unknown(f"`{path}` of {kind_of(resource.type)} `{resource.name}` is secret")
    if isinstance(value, Mapping):
        return {k: _without_secrets(v, inside(path, k), resource) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without_secrets(v, f"{path}[{i}]", resource) for i, v in enumerate(value)]
    return value


NAMESPACE: Final = "kubernetes:core/v1:Namespace"


def with_known_namespaces(plan: Plan) -> Plan:
    """Return a plan with every namespace filled in that a Namespace of the plan gives.

    `namespace: ns.metadata.name` is unknown in a first preview, but the engine tells which
    resources `metadata` depends on. With exactly one Namespace among them, its name is meant.
    """
    namespaces = {item.urn: item for item in plan.resources if item.type == NAMESPACE}
    return replace(plan, resources=tuple(_settled(item, namespaces) for item in plan.resources))


def _settled(
    resource: PlannedResource, namespaces: Mapping[str, PlannedResource]
) -> PlannedResource:
    metadata = resource.inputs.get("metadata")
    if not isinstance(metadata, Mapping) or not isinstance(metadata.get("namespace"), Unknown):
        return resource
    urns = {urn for urn in resource.property_dependencies.get("metadata", ()) if urn in namespaces}
    name = _name(namespaces[urns.pop()]) if len(urns) == 1 else None
    if name is None:
        return resource
    inputs = {**resource.inputs, "metadata": {**metadata, "namespace": name}}
    return replace(resource, inputs=MappingProxyType(inputs))


def _name(namespace: PlannedResource) -> str | None:
    """Return a Namespace's name, or the stand-in for one that Pulumi makes up on creation."""
    metadata: Any = namespace.inputs.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        return None
    name = metadata.get("name") or stand_in_of(metadata, namespace.urn, namespace.name)
    return name if isinstance(name, str) else None
