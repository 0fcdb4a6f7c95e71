"""What AKS makes of a ManagedNamespace: the namespace, and the one network policy in it.

The policy adds to those of the program. It always isolates both directions; `AllowAll` is a rule
for everyone, `AllowSameNamespace` one for the pods of the namespace, and `DenyAll` no rule. Without
a word, ingress is `AllowSameNamespace` and egress `AllowAll`.

https://learn.microsoft.com/azure/aks/concepts-managed-namespaces
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from podwall.aks.resource_types import is_managed_namespace
from podwall.plan.made_up_names import stand_in
from podwall.plan.model import SECRET, Operation, PlannedResource
from podwall.policies.unknown import Unknown
from podwall.reading import Document

__all__ = ["managed_documents"]

_MANAGED: Final = "kubernetes.azure.com/managedByArm"
_SAME: Final[Mapping[str, Any]] = {"podSelector": {}}
_DEFAULTS: Final = {"ingress": "AllowSameNamespace", "egress": "AllowAll"}
_PEERS: Final = {"ingress": "from", "egress": "to"}


def managed_documents(resource: PlannedResource) -> Iterator[Document]:
    """Yield the objects that AKS makes of a resource, none if it is no ManagedNamespace."""
    if not is_managed_namespace(resource.type) or resource.change is Operation.DELETE:
        return
    given = resource.inputs.get("managedNamespaceName")
    name = given or stand_in(resource.urn, resource.name)
    called = "" if given else resource.name
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
