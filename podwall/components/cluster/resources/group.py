"""The resource group of a cluster: made here, or brought along."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi import Input, Resource, ResourceOptions
from pulumi_azure_native.resources import ResourceGroup

from podwall.components.cluster.args import AksClusterArgs

__all__ = ["Group", "find_or_make_group"]


@dataclass(frozen=True, slots=True)
class Group:
    """A resource group's name and the location of what is put into it."""

    name: Input[str]
    location: Input[str] | None


def find_or_make_group(name: str, args: AksClusterArgs, parent: Resource) -> Group:
    """Return the resource group, and make it where none is named.

    Without a location the provider's own is used.
    """
    if args.resource_group is not None:
        return Group(args.resource_group, args.location)
    made = ResourceGroup(
        name,
        location=args.location,
        tags=dict(args.tags),
        opts=ResourceOptions(parent=parent),
    )
    return Group(made.name, made.location)
