"""Resource options that a component hands on to its children."""

from __future__ import annotations

from collections.abc import Sequence

from pulumi import ComponentResource, Resource, ResourceOptions

__all__ = ["child_options"]


def child_options(
    parent: ComponentResource,
    given: ResourceOptions | None,
    *,
    depends_on: Sequence[Resource] = (),
) -> ResourceOptions:
    """Return the options of a child: what the component was given, where Pulumi doesn't hand it on.

    Pulumi inherits providers and protection. `deleted_with` and `depends_on` of a component say
    nothing about its children, yet children are what is created and deleted: a pod must wait for
    the policies that protect it, and nothing is deleted one by one when the cluster goes.
    """
    inherited = given or ResourceOptions()
    own = ResourceOptions(parent=parent, depends_on=list(depends_on))
    handed_on = ResourceOptions(
        depends_on=inherited.depends_on, deleted_with=inherited.deleted_with
    )
    return ResourceOptions.merge(handed_on, own)
