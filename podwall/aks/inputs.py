"""Read the inputs of a cluster or a node pool, in Azure's names, by the dotted paths of leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podwall.policies.unknown import Unknown

__all__ = ["choice", "leaf"]


def leaf(inputs: Mapping[str, Any], path: str) -> object:
    """Return the value at a dotted path, None where it is absent, the `Unknown` that hides it.

    >>> leaf({"networkProfile": {"networkPolicy": "azure"}}, "networkProfile.networkPolicy")
    'azure'
    """
    found: object = inputs
    for key in path.split("."):
        if isinstance(found, Unknown):
            return found
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def choice(inputs: Mapping[str, Any], path: str) -> str | Unknown | None:
    """Return one of Azure's named choices in lower case; Azure takes them in any.

    What is not text, such as a secret, is unknown. See https://github.com/Azure/AKS/issues/3444.

    >>> choice({"networkProfile": {"networkPolicy": "Cilium"}}, "networkProfile.networkPolicy")
    'cilium'
    """
    found = leaf(inputs, path)
    if found is None or isinstance(found, Unknown):
        return found
    return found.lower() if isinstance(found, str) else Unknown(f"`{path}` is not a readable name")
