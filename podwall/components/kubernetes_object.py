"""A Kubernetes object as a Pulumi resource: the manifest, as it is written."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from pulumi import CustomResource, ResourceOptions

__all__ = ["KubernetesObject"]


class KubernetesObject(CustomResource):
    """An object that the Kubernetes provider creates exactly as its manifest says.

    To the engine and to the provider it is what the class of the same kind in `pulumi_kubernetes`
    is. Those classes would translate every key to Python and back, and importing the ones of
    `core/v1` alone takes longer than to plan a whole stack.
    """

    def __init__(
        self, name: str, manifest: Mapping[str, Any], opts: ResourceOptions | None = None
    ) -> None:
        """Declare the object of a manifest, which has `apiVersion`, `kind` and a name."""
        provider = ResourceOptions(version=_provider_version())
        super().__init__(
            resource_type(manifest), name, dict(manifest), ResourceOptions.merge(provider, opts)
        )


def resource_type(manifest: Mapping[str, Any]) -> str:
    """Return Pulumi's type token of a manifest.

    >>> resource_type({"apiVersion": "v1", "kind": "Pod"})
    'kubernetes:core/v1:Pod'
    >>> resource_type({"apiVersion": "apps/v1", "kind": "Deployment"})
    'kubernetes:apps/v1:Deployment'
    """
    group_version = str(manifest["apiVersion"])
    module = group_version if "/" in group_version else f"core/{group_version}"
    return f"kubernetes:{module}:{manifest['kind']}"


@cache
def _provider_version() -> str:
    return version("pulumi-kubernetes")
