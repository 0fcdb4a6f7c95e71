"""Turn the Kubernetes objects of a plan, and what AKS makes of others, into documents to read.

The policy adds to those of the program. It always isolates both directions; `AllowAll` is a rule
for everyone, `AllowSameNamespace` one for the pods of the namespace, and `DenyAll` no rule. Without
a word, ingress is `AllowSameNamespace` and egress `AllowAll`.

https://learn.microsoft.com/azure/aks/concepts-managed-namespaces

A namespace that an object takes from the output of a Namespace of the plan is filled in first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from podwall.aks.resource_types import is_fleet_namespace, is_managed_namespace
from podwall.model import UnreadPolicy
from podwall.plan.autonaming import is_made_up, stand_in, stand_in_of
from podwall.plan.existing_objects import is_patch, merged, patched_type, unknown_but
from podwall.plan.messages import UNSEEN_OBJECTS, bringing_policies
from podwall.plan.model import SECRET, Operation, Plan, PlannedResource, inside, kind_of
from podwall.plan.providers import PROVIDER, provider_clusters, provider_namespace
from podwall.policies.errors import Finding, Severity, Unknown
from podwall.reading import Document, LedgerEntry

__all__ = [
    "CLUSTER_WIDE",
    "NAMESPACE",
    "ObjectIdentity",
    "brought_policies",
    "documents",
    "identity_of",
    "is_object",
    "stand_ins",
    "unseen_entries",
    "unseen_objects",
    "with_known_namespaces",
]

_MANAGED: Final = "kubernetes.azure.com/managedByArm"
_SAME: Final[Mapping[str, Any]] = {"podSelector": {}}
_DEFAULTS: Final = {"ingress": "AllowSameNamespace", "egress": "AllowAll"}
_PEERS: Final = {"ingress": "from", "egress": "to"}


def _managed_documents(resource: PlannedResource) -> Iterator[Document]:
    """Yield the objects that AKS makes of a resource, none if it is no ManagedNamespace."""
    if not is_managed_namespace(resource.type) or resource.change is Operation.DELETE:
        return
    name = _managed_name(resource)
    called = "" if resource.inputs.get("managedNamespaceName") else resource.name
    metadata = {"name": name, "labels": _labels(_property(resource, "labels"))}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    yield Document(namespace, resource.line_or_urn, called)
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "defaultnetworkpolicy", "namespace": name},
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            **{each: _rules(resource, each) for each in _DEFAULTS},
        },
    }
    yield Document(policy, resource.line_or_urn)


def _managed_name(resource: PlannedResource) -> Any:
    """Return the name of a ManagedNamespace, or what stands for one that Pulumi makes up.

    It is unknown where the program takes it from what is known only after deployment.
    """
    return resource.inputs.get("managedNamespaceName") or stand_in(resource.urn, resource.name)


def _property(resource: PlannedResource, name: str) -> Any:
    """Return a property, which releases of the provider spell inside `properties` or beside it."""
    properties = resource.inputs.get("properties")
    inside = properties.get(name) if isinstance(properties, Mapping) else properties
    found = inside if inside is not None else resource.inputs.get(name)
    return Unknown(f"`{name}` of ManagedNamespace `{resource.name}`") if found is SECRET else found


def _labels(given: Any) -> Any:
    if isinstance(given, Unknown):
        return given
    return {**(given if isinstance(given, Mapping) else {}), _MANAGED: "true"}


def _rules(resource: PlannedResource, direction: str) -> Any:
    default = _property(resource, "defaultNetworkPolicy")
    if isinstance(default, Unknown):
        return default
    given = default.get(direction) if isinstance(default, Mapping) else None
    if isinstance(given, Unknown):
        return given
    match str(given or _DEFAULTS[direction]).lower():
        case "allowall":
            return [{}]
        case "allowsamenamespace":
            return [{_PEERS[direction]: [_SAME]}]
        case "denyall":
            return []
        case _:
            return Unknown(f"podwall does not know the default network policy `{given}`")


#: Kinds of objects that are in no namespace.
CLUSTER_WIDE: Final = {
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
    something stands. What AKS makes of managed namespaces comes last.
    """
    managed = (each for resource in plan.resources for each in _managed_documents(resource))
    return (*map(_document, filter(is_object, plan.resources)), *managed)


def _document(resource: PlannedResource) -> Document:
    metadata = resource.inputs.get("metadata") or {}
    known = isinstance(metadata, Mapping) and is_made_up(metadata)
    manifest = _manifest(resource)
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


def identity_of(resource: PlannedResource) -> ObjectIdentity | None:
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
    namespace = "" if kind in CLUSTER_WIDE else metadata.get("namespace") or "default"
    name = metadata.get("name")
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
    for _, entry in _unseen_resources(plan):
        yield Finding(
            UNSEEN_OBJECTS,
            Severity.WARNING,
            entry.reason,
            entry.place,
            help="render them to a folder and read that: `podwall reach FOLDER`",
        )


def unseen_entries(plan: Plan) -> Iterator[LedgerEntry]:
    """Yield all that brings objects which the plan can't show, with the reason.

    That is a resource, or a line of the program.
    """
    yield from (entry for _, entry in _unseen_resources(plan))
    for each in plan.warnings:
        if each.id == UNSEEN_OBJECTS:
            yield LedgerEntry("", "", each.place, reason=each.message, may_make_pods=True)


def brought_policies(plan: Plan) -> Iterator[UnreadPolicy]:
    """Yield what policies may decide that a chart or a file brings, which the plan can't show.

    They act in the namespace that a release is installed into, or in any where none is named, as of
    a file that was not fetched, and of what the program makes once a value is known.
    """
    for made, name, place in bringing_policies(plan.warnings):
        yield UnreadPolicy(made, name, None, place=place, brings=True)
    for resource, entry in _unseen_resources(plan):
        given = resource.inputs.get("namespace") or resource.inputs.get("managedNamespaceName")
        namespace = given if isinstance(given, str) and given else None
        yield UnreadPolicy(entry.kind, entry.name, namespace, place=entry.place, brings=True)


def _unseen_resources(plan: Plan) -> Iterator[tuple[PlannedResource, LedgerEntry]]:
    parents = {resource.parent for resource in plan.resources}
    for resource in plan.resources:
        kind = kind_of(resource.type)
        is_shown = resource.urn in parents and not resource.unseen
        if resource.built or _patched(resource) is not None:
            continue
        if is_fleet_namespace(resource.type) and resource.change is not Operation.DELETE:
            yield resource, _of_fleet(resource)
        brings = _is_elsewhere(resource) or resource.type.startswith(_FILES)
        if brings and (resource.custom or not is_shown):
            part = "some objects" if resource.urn in parents else "the objects"
            why = f": {', and '.join(resource.unseen)}" if resource.unseen else ""
            reason = f"{part} of {kind} `{resource.name}` are not in the plan{why}"
            place = resource.line_or_urn
            entry = LedgerEntry(kind, resource.name, place, reason=reason, may_make_pods=True)
            yield resource, entry


def _of_fleet(resource: PlannedResource) -> LedgerEntry:
    """Return what a fleet does to its member clusters, each of which may be any cluster.

    https://learn.microsoft.com/azure/kubernetes-fleet/concepts-fleet-managed-namespace
    """
    kind = kind_of(resource.type)
    reason = (
        f"what {kind} `{resource.name}` puts into the clusters of its fleet, a policy among "
        "it, is not in the plan"
    )
    return LedgerEntry(kind, resource.name, resource.line_or_urn, reason=reason)


def _is_elsewhere(resource: PlannedResource) -> bool:
    return is_patch(resource.type) or resource.type.startswith(_ELSEWHERE)


def _manifest(resource: PlannedResource) -> Mapping[str, Any]:
    fields = {key: value for key, value in resource.inputs.items() if not key.startswith("__")}
    manifest = {key: _without_secrets(value, key, resource) for key, value in fields.items()}
    metadata = manifest.get("metadata") or {}
    if isinstance(metadata, Mapping):
        name = stand_in_of(metadata, resource.urn, resource.name)
        named = {} if name is None else {"name": name}
        manifest["metadata"] = {**metadata, **named}
    return manifest


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
    """Return a plan with every namespace filled in that a Namespace or a provider of it gives.

    `namespace: ns.metadata.name` is unknown in a first preview, but the engine tells which
    resources `metadata` depends on. With exactly one Namespace among them, its name is meant, also
    where Azure manages it. What names no namespace is in that of its provider.
    """
    namespaces = {item.urn: item for item in plan.resources if _is_namespace(item)}
    providers = {item.urn: item for item in plan.resources if item.type == PROVIDER}
    given = {urn: _given(each, namespaces) for urn, each in providers.items()}
    default = provider_namespace(plan.default_provider)
    known = [
        _settled(_placed(item, given.get(item.provider or "", default)), namespaces)
        for item in plan.resources
    ]
    if any(_patched(each) for each in known):
        known = list(_with_patches(known, _clusters_by_provider(plan)))
    return replace(plan, resources=tuple(known))


def _is_namespace(resource: PlannedResource) -> bool:
    return resource.type == NAMESPACE or is_managed_namespace(resource.type)


def _clusters_by_provider(plan: Plan) -> Mapping[str, str]:
    """Return the cluster that each provider speaks to; a Patch may come by another provider."""
    return {urn: each.name for each in provider_clusters(plan) for urn in each.providers}


def _with_patches(
    resources: Sequence[PlannedResource], clusters: Mapping[str, str]
) -> Iterator[PlannedResource]:
    """Yield resources with what Patches among them apply, and objects that are only patched."""

    def there(resource: PlannedResource, identity: object) -> object:
        where = resource.provider or ""
        return None if identity is None else (clusters.get(where, where), identity)

    patches: dict[object, list[PlannedResource]] = {}
    for each in resources:
        if (target := there(each, _patched(each))) is not None:
            patches.setdefault(target, []).append(each)
    shown = {there(each, _identity(each)) for each in resources if is_object(each)}
    for each in resources:
        target = there(each, _patched(each))
        if target is not None and target not in shown:
            yield unknown_but(each)
            shown.add(target)
        elif is_object(each):
            yield reduce(merged, patches.get(there(each, _identity(each)), ()), each)
        else:
            yield each


def _patched(resource: PlannedResource) -> ObjectIdentity | None:
    """Return what the object is called that a Patch applies to, None where that is not known."""
    if not is_patch(resource.type) or resource.change is Operation.DELETE:
        return None
    return identity_of(replace(resource, type=patched_type(resource.type)))


def _identity(resource: PlannedResource) -> ObjectIdentity | None:
    """Return what an object is called, with what stands for a name that is made up."""
    metadata, name = resource.inputs.get("metadata") or {}, _name(resource)
    if not isinstance(metadata, Mapping) or name is None:
        return identity_of(resource)
    named = {**resource.inputs, "metadata": {**metadata, "name": name}}
    return identity_of(replace(resource, inputs=named))


def _given(
    provider: PlannedResource, namespaces: Mapping[str, PlannedResource]
) -> str | Unknown | None:
    """Return the namespace of a provider, which may itself be that of a Namespace of the plan."""
    found = provider_namespace(provider)
    named = _named_by("namespace", provider, namespaces) if isinstance(found, Unknown) else None
    return named or found


def _named_by(
    field: str, resource: PlannedResource, namespaces: Mapping[str, PlannedResource]
) -> str | None:
    """Return the name of the one Namespace that an input depends on, None if it is not one."""
    urns = {urn for urn in resource.property_dependencies.get(field, ()) if urn in namespaces}
    return _name(namespaces[urns.pop()]) if len(urns) == 1 else None


def _placed(resource: PlannedResource, namespace: str | Unknown | None) -> PlannedResource:
    """Return an object in its provider's namespace, unless it names one or can be in none."""
    is_no_object = _is_elsewhere(resource) and not is_patch(resource.type)
    if namespace is None or not _is_kubernetes(resource) or is_no_object:
        return resource
    metadata = resource.inputs.get("metadata") or {}
    is_free = isinstance(metadata, Mapping) and not metadata.get("namespace")
    if not is_free or kind_of(resource.type) in CLUSTER_WIDE:
        return resource
    return _in_namespace(resource, metadata, namespace)


def _in_namespace(
    resource: PlannedResource, metadata: Mapping[str, Any], namespace: str | Unknown
) -> PlannedResource:
    inputs = {**resource.inputs, "metadata": {**metadata, "namespace": namespace}}
    return replace(resource, inputs=MappingProxyType(inputs))


def _settled(
    resource: PlannedResource, namespaces: Mapping[str, PlannedResource]
) -> PlannedResource:
    metadata = resource.inputs.get("metadata")
    if not isinstance(metadata, Mapping) or not isinstance(metadata.get("namespace"), Unknown):
        return resource
    name = _named_by("metadata", resource, namespaces)
    return resource if name is None else _in_namespace(resource, metadata, name)


def _name(resource: PlannedResource) -> str | None:
    """Return an object's name, or the stand-in for one that Pulumi makes up on creation."""
    if is_managed_namespace(resource.type):
        name = _managed_name(resource)
        return name if isinstance(name, str) else None
    metadata: Any = resource.inputs.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        return None
    name = metadata.get("name") or stand_in_of(metadata, resource.urn, resource.name)
    return name if isinstance(name, str) else None
