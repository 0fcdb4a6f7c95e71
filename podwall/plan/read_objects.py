"""Objects that a program only reads: what is known of them before anybody has looked.

A `read` names an object by its id, `namespace/name` in Kubernetes. What the object is like, only
the cluster knows, and a preview does not repeat it.
https://www.pulumi.com/docs/iac/concepts/resources/get/
"""

from __future__ import annotations

from typing import Any, Final

from podwall.plan.values import UNKNOWN, kind_of
from podwall.policies.unknown import Unknown

__all__ = ["api_identity", "read_inputs"]

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
