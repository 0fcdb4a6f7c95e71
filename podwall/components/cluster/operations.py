"""How a cluster is supported, kept up to date and changed, and what AKS runs in it besides."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from podwall.aks import limits
from podwall.aks.limits import refusal
from podwall.quick_dataclass import dataclass

if TYPE_CHECKING:
    from pulumi import Input

__all__ = [
    "AddOns",
    "AdvancedNetworking",
    "AdvancedPolicies",
    "EngineChange",
    "Lifecycle",
    "LocalDns",
    "MaintenanceWindow",
    "NodeOsChannel",
    "Tier",
    "UpgradeChannel",
    "Weekday",
]


_START = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_OFFSET = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d")
_MAINTENANCE_PAGE = "planned-maintenance"


class Tier(StrEnum):
    """What Azure promises: `FREE` nothing, `STANDARD` an uptime agreement, `PREMIUM` two years.

    `PREMIUM` is sent together with long-term support, which it exists for.
    See https://learn.microsoft.com/azure/aks/free-standard-pricing-tiers.
    """

    FREE = "Free"
    STANDARD = "Standard"
    PREMIUM = "Premium"

    @property
    def support_plan(self) -> str:
        """`supportPlan`: long-term support with `PREMIUM`, else community support."""
        return "AKSLongTermSupport" if self is Tier.PREMIUM else "KubernetesOfficial"


class UpgradeChannel(StrEnum):
    """Which Kubernetes upgrades come by themselves.

    `PATCH` keeps the minor version and takes its patches. `STABLE` and `RAPID` move the minor
    version too, so it must not be given. `NODE_IMAGE` renews node images only; `NONE` nothing.
    See https://learn.microsoft.com/azure/aks/auto-upgrade-cluster.
    """

    NONE = "none"
    PATCH = "patch"
    STABLE = "stable"
    RAPID = "rapid"
    NODE_IMAGE = "node-image"

    @property
    def chooses_version(self) -> bool:
        """Whether Azure chooses the minor version."""
        return self in {UpgradeChannel.STABLE, UpgradeChannel.RAPID}


class NodeOsChannel(StrEnum):
    """Which updates of the nodes' operating system come by themselves.

    `NODE_IMAGE` replaces nodes by fresh ones every week; `SECURITY_PATCH` is faster and gentler;
    `UNMANAGED` leaves reboots to you; `NONE` leaves everything to you.
    See https://learn.microsoft.com/azure/aks/auto-upgrade-node-os-image.
    """

    NONE = "None"
    UNMANAGED = "Unmanaged"
    SECURITY_PATCH = "SecurityPatch"
    NODE_IMAGE = "NodeImage"


class Weekday(StrEnum):
    """A day of the week."""

    MONDAY = "Monday"
    TUESDAY = "Tuesday"
    WEDNESDAY = "Wednesday"
    THURSDAY = "Thursday"
    FRIDAY = "Friday"
    SATURDAY = "Saturday"
    SUNDAY = "Sunday"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceWindow:
    """When Azure may upgrade the cluster and its nodes: every `every_weeks` weeks on `day`.

    From `start` (local time at `utc_offset`) for `hours` hours, 4 to 24. Azure does its best to
    keep to it. See https://learn.microsoft.com/azure/aks/planned-maintenance.
    """

    day: Weekday = Weekday.SUNDAY
    start: str = "01:00"
    hours: int = 6
    utc_offset: str = "+00:00"
    every_weeks: int = 1

    def __post_init__(self) -> None:
        """Refuse windows that Azure can't plan with."""
        for leaf, holds, allowed in (
            ("start", _START.fullmatch(self.start), "a time such as `01:00`"),
            ("hours", self.hours in limits.MAINTENANCE_HOURS, "4 to 24 hours"),
            ("utc_offset", _OFFSET.fullmatch(self.utc_offset), "an offset such as `+01:00`"),
            ("every_weeks", self.every_weeks in limits.MAINTENANCE_WEEKS, "1 to 4 weeks"),
        ):
            if not holds:
                raise refusal(
                    f"lifecycle.maintenance.{leaf}",
                    f"`{getattr(self, leaf)}` is not possible",
                    f"give {allowed}",
                    _MAINTENANCE_PAGE,
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """Support and updates.

    `maintenance` holds for upgrades of Kubernetes and of the nodes' operating system; None lets
    Azure choose any time.
    """

    tier: Tier = Tier.STANDARD
    upgrades: UpgradeChannel = UpgradeChannel.PATCH
    node_os: NodeOsChannel = NodeOsChannel.NODE_IMAGE
    maintenance: MaintenanceWindow | None = MaintenanceWindow()

    def __post_init__(self) -> None:
        """Refuse channels that contradict the support plan or each other."""
        if self.tier is Tier.PREMIUM and self.upgrades is not UpgradeChannel.PATCH:
            raise refusal(
                "lifecycle.upgrades",
                f"`{self.upgrades}` does not go with long-term support (tier `Premium`)",
                "choose `UpgradeChannel.PATCH`, or another tier",
                "long-term-support",
            )
        if (
            self.upgrades is UpgradeChannel.NODE_IMAGE
            and self.node_os is not NodeOsChannel.NODE_IMAGE
        ):
            raise refusal(
                "lifecycle.node_os",
                f"`{self.node_os}` contradicts the upgrade channel `node-image`",
                "choose `NodeOsChannel.NODE_IMAGE`, or another upgrade channel",
                "auto-upgrade-node-os-image",
            )


class EngineChange(StrEnum):
    """What happens when the network settings differ from those of the last deployment.

    `REFUSE`: the preview fails and says how to migrate. `ALREADY_MIGRATED`: you changed the live
    cluster with `az aks update` and ran `pulumi refresh`. `REPLACE`: the cluster and everything in
    it is made anew; needs `protect=False` as well.
    """

    REFUSE = "refuse"
    ALREADY_MIGRATED = "already-migrated"
    REPLACE = "replace"


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
    Manager among them, so it is always sent. `REQUIRED` needs Kubernetes 1.31 and 4 cores. Policies
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
        if hours is not None and hours not in limits.IMAGE_CLEANER_HOURS:
            raise refusal(
                "addons.image_cleaner_hours",
                f"`{hours}` hours is not possible",
                "give 24 hours to 90 days (2160), or None",
                "image-cleaner",
            )
