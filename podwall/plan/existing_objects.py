"""Objects that exist without the program: those that it only reads, and those that it patches.

A `read` names an object by its id, `namespace/name` in Kubernetes. What the object is like, only
the cluster knows, and a preview does not repeat it.
https://www.pulumi.com/docs/iac/concepts/resources/get/

A Patch (`NetworkPolicyPatch`, `DeploymentPatch`, ...) applies some fields to an object that exists,
on the server's side. Maps are merged, the lists of containers and ports by their keys, and all else
is replaced, selectors as a whole. The directions that a NetworkPolicy isolates are not computed
again. Where the object itself is not shown, what the Patch does not say is unknown.

https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/
https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from podwall.plan.model import UNKNOWN, PlannedResource, kind_of
from podwall.policies.errors import Unknown

__all__ = [
    "api_identity",
    "is_patch",
    "merged",
    "patched_type",
    "read_inputs",
    "unknown_but",
]

_KUBERNETES: Final = "kubernetes:"


def api_identity(type_: str) -> dict[str, str]:
    """Return the apiVersion and kind that a type token stands for.

    >>> api_identity("kubernetes:core/v1:Pod")
    {'apiVersion': 'v1', 'kind': 'Pod'}
    """
    version, _, kind = type_.removeprefix(_KUBERNETES).rpartition(":")
    return {"apiVersion": version.removeprefix("core/"), "kind": kind}


def read_inputs(type_: str, name: str, id_: str) -> dict[str, Any]:
    """Return what is known of an object that is read: its name, and that the rest is not known.

    Args:
        type_: the type token; of other resources than those of Kubernetes nothing is known.
        name: what the program calls it.
        id_: its id, empty or Pulumi's mark of an unknown where that is not known either.

    >>> found = read_inputs("kubernetes:networking.k8s.io/v1:NetworkPolicy", "other", "shop/deny")
    >>> found["metadata"]["namespace"], found["metadata"]["name"], found["spec"].cause
    ('shop', 'deny', 'NetworkPolicy `shop/deny` is only read, and what it says is not shown')
    """
    if not type_.startswith(_KUBERNETES):
        return {}
    is_known = bool(id_) and id_ != UNKNOWN
    named = f"{kind_of(type_)} `{id_ if is_known else name}`"
    unknown = Unknown(f"{named} is only read, and what it says is not shown")
    namespace, _, object_name = id_.rpartition("/")
    metadata = {"name": object_name if is_known else name, "labels": unknown}
    if namespace or not is_known:
        metadata["namespace"] = namespace if is_known else unknown
    return {**api_identity(type_), "metadata": metadata, "spec": unknown}


_SUFFIX: Final = "Patch"
_SELECTORS: Final = frozenset({"podSelector", "namespaceSelector", "selector"})
_LISTS: Final[Mapping[str, Sequence[str]]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ports": ("containerPort", "port", "protocol"),
}
_IDENTITY: Final = frozenset({"apiVersion", "kind"})
_NAMES: Final = frozenset({"name", "namespace"})
_POLICY: Final = "NetworkPolicy"
_POLICY_FIELDS: Final = ("podSelector", "policyTypes", "ingress", "egress")


def is_patch(type_: str) -> bool:
    """Return whether a type is that of a Patch.

    >>> is_patch("kubernetes:networking.k8s.io/v1:NetworkPolicyPatch")
    True
    """
    return type_.startswith("kubernetes:") and type_.endswith(_SUFFIX)


def patched_type(type_: str) -> str:
    """Return the type of the objects that a type of Patches applies to."""
    return type_.removesuffix(_SUFFIX)


def merged(target: PlannedResource, patch: PlannedResource) -> PlannedResource:
    """Return an object with what a Patch applies to it."""
    inputs = _settled(target)
    fields = {key: value for key, value in patch.inputs.items() if key not in _IDENTITY}
    metadata = fields.get("metadata")
    if isinstance(metadata, Mapping):  # what names the target is no field that it is given
        fields["metadata"] = {key: each for key, each in metadata.items() if key not in _NAMES}
    return replace(target, inputs=MappingProxyType(_merge(inputs, fields, "")))


def _settled(target: PlannedResource) -> Mapping[str, Any]:
    """Return the inputs with the directions that the server has stored for a policy."""
    spec = target.inputs.get("spec")
    if kind_of(target.type) != _POLICY or not isinstance(spec, Mapping) or spec.get("policyTypes"):
        return target.inputs
    egress = spec.get("egress")
    stored = egress if isinstance(egress, Unknown) else ["Ingress", *(["Egress"] if egress else [])]
    return {**target.inputs, "spec": {**spec, "policyTypes": stored}}


def _merge(old: Any, new: Any, key: str) -> Any:
    if isinstance(old, Mapping) and isinstance(new, Mapping) and key not in _SELECTORS:
        return {**old, **{each: _merge(old.get(each), new[each], each) for each in new}}
    if key in _LISTS and isinstance(old, list | tuple) and isinstance(new, list | tuple):
        return _merged_list(old, new, _LISTS[key])
    return new


def _merged_list(old: Iterable[Any], new: Iterable[Any], keys: Sequence[str]) -> list[Any]:
    found: dict[object, Any] = {}
    for each in (*old, *new):
        known = isinstance(each, Mapping)
        key = repr([each.get(key) for key in keys]) if known else len(found)
        found[key] = _merge(found.get(key), each, "")
    return list(found.values())


def unknown_but(patch: PlannedResource) -> PlannedResource:
    """Return the object that a Patch applies to, of which nothing else is shown."""
    type_ = patched_type(patch.type)
    metadata = patch.inputs.get("metadata") or {}
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    called = name if isinstance(name, str) else patch.name
    unknown = Unknown(
        f"{kind_of(type_)} `{called}` is only patched, and what else it says is not shown"
    )
    spec = patch.inputs.get("spec")
    stated = spec if isinstance(spec, Mapping) and kind_of(type_) == _POLICY else {}
    known = {each: stated.get(each, unknown) for each in _POLICY_FIELDS} if stated else unknown
    inputs = {
        **api_identity(type_),
        "metadata": {**dict(metadata), "labels": unknown},
        "spec": known,
    }
    return replace(patch, type=type_, inputs=MappingProxyType(inputs))
