"""Find the namespace of objects that take it from another resource's output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from podwall.plan import Plan, PlannedResource
from podwall.policies.unknown import Unknown
from podwall.reading import generated_name

__all__ = ["with_known_namespaces"]

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
    metadata: Any = namespace.inputs.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else metadata
    if name is None:
        return generated_name(f"{namespace.name}-")
    return name if isinstance(name, str) else None
