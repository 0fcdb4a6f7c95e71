"""Role assignments: who may do what, and where."""

from __future__ import annotations

from pulumi import Input, Output, Resource, ResourceOptions
from pulumi_azure_native.authorization import RoleAssignment

from podwall.components.cluster.access import Principal
from podwall.components.cluster.identity import Role

__all__ = ["assign", "role_definition"]


def assign(
    name: str, role: Role, principal: Principal, scope: Input[str], parent: Resource
) -> RoleAssignment:
    """Give `principal` the `role` on everything below `scope`, an Azure resource id.

    The principal's type is said so that Azure does not look up an identity that was made a moment
    ago and is not everywhere yet.
    """
    return RoleAssignment(
        name,
        scope=scope,
        role_definition_id=Output.from_input(scope).apply(
            lambda found: role_definition(found, role)
        ),
        principal_id=principal.object_id,
        principal_type=principal.type.value,
        opts=ResourceOptions(parent=parent),
    )


def role_definition(scope: str, role: Role) -> str:
    """Return the id of a built-in role in the subscription that `scope` is in.

    >>> role_definition("/subscriptions/s/resourceGroups/g", Role.ACR_PULL)
    '/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/7f951dda-4ed3-4680-a7ca-43fe172d538d'
    """
    subscription = "/".join(scope.split("/")[:3])
    return f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
