"""What AKS runs in the cluster besides Kubernetes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from podwall.components.cluster.refusal import refusal

if TYPE_CHECKING:
    from pulumi import Input

__all__ = ["AddOns", "AdvancedNetworking", "AdvancedPolicies", "LocalDns"]

_IMAGE_CLEANER_HOURS = range(24, 24 * 90 + 1)


class AdvancedPolicies(StrEnum):
    """Which policies Azure adds to the standard ones: by DNS name (`FQDN`), or by request (`L7`).

    `L7` includes `FQDN`.
    """

    NONE = "None"
    FQDN = "FQDN"
    L7 = "L7"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvancedNetworking:
    """Advanced Container Networking Services, which cost extra.

    `policies` other than `NONE` need the Cilium engine and Kubernetes 1.29. Taking them away later
    makes existing FQDN and L7 policies block everything they select.
    See https://learn.microsoft.com/azure/aks/advanced-container-networking-services-overview.
    """

    observability: bool = True
    policies: AdvancedPolicies = AdvancedPolicies.NONE


class LocalDns(StrEnum):
    """Whether pods ask a DNS proxy on their own node (169.254.10.10 and .11) or CoreDNS pods.

    AKS turns it on by itself from Kubernetes 1.36 on some clusters, those with Azure Network Policy
    Manager among them, so it is always said. `REQUIRED` needs Kubernetes 1.31 and 4 cores. Policies
    that allow DNS have to name both places. See https://learn.microsoft.com/azure/aks/localdns-custom.
    """

    DISABLED = "Disabled"
    REQUIRED = "Required"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOns:
    """Options; the defaults cost nothing.

    `azure_policy` enforces Azure policies in the cluster. `key_vault_secrets` mounts secrets of Key
    Vault, rotated. `image_cleaner_hours` removes unused images every so many hours, 24 to 2,160;
    None keeps them. `monitoring_workspace_id` sends logs to that Log Analytics workspace (the data
    collection rule that says which logs is yours), `defender_workspace_id` turns Microsoft Defender
    on with that workspace.
    """

    azure_policy: bool = True
    key_vault_secrets: bool = False
    image_cleaner_hours: int | None = 168
    monitoring_workspace_id: Input[str] | None = None
    defender_workspace_id: Input[str] | None = None
    local_dns: LocalDns = LocalDns.DISABLED
    advanced_networking: AdvancedNetworking | None = None

    def __post_init__(self) -> None:
        """Refuse an image cleaner that comes too often or too rarely."""
        hours = self.image_cleaner_hours
        if hours is not None and hours not in _IMAGE_CLEANER_HOURS:
            raise refusal(
                "addons.image_cleaner_hours",
                f"`{hours}` hours is not possible",
                "give 24 hours to 90 days (2160), or None",
                "image-cleaner",
            )
