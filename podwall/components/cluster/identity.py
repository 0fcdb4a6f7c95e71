"""The identities that a cluster acts as."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi import Input

__all__ = ["ExistingIdentity", "Identities", "Role"]


@dataclass(frozen=True, slots=True)
class ExistingIdentity:
    """A user-assigned managed identity of yours: its resource id and its principal id."""

    resource_id: Input[str]
    principal_id: Input[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """Who the cluster is.

    `cluster` is what the control plane acts as; left out, the component makes one. It becomes
    Network Contributor on the cluster's subnets before the cluster exists.

    `kubelet` is what nodes act as, for instance to pull images; left out, AKS makes one. With one
    of yours the cluster's identity becomes Managed Identity Operator on it.

    `registries` are ids of container registries that nodes may pull from (role AcrPull).
    See https://learn.microsoft.com/azure/aks/use-managed-identity.
    """

    cluster: ExistingIdentity | None = None
    kubelet: ExistingIdentity | None = None
    registries: tuple[Input[str], ...] = ()


class Role(StrEnum):
    """Azure's built-in roles that the component assigns, by the id of their definition.

    See https://learn.microsoft.com/azure/role-based-access-control/built-in-roles.
    """

    NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"
    MANAGED_IDENTITY_OPERATOR = "f1a07417-d97a-45cb-824c-7a7467783830"
    PRIVATE_DNS_ZONE_CONTRIBUTOR = "b12aa53e-6015-4669-85d0-8515ebb3ae7f"
    ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
    CLUSTER_ADMIN = "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b"
    CLUSTER_USER = "4abbcc35-e782-43d8-92c5-2d3f1bd2253f"
