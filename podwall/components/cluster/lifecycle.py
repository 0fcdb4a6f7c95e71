"""How the cluster is supported and kept up to date, and when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from podwall.components.cluster.refusal import refusal

__all__ = [
    "Lifecycle",
    "MaintenanceWindow",
    "NodeOsChannel",
    "Tier",
    "UpgradeChannel",
    "Weekday",
]

_START = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_OFFSET = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d")
_PAGE = "planned-maintenance"


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
            ("hours", self.hours in range(4, 25), "4 to 24 hours"),
            ("utc_offset", _OFFSET.fullmatch(self.utc_offset), "an offset such as `+01:00`"),
            ("every_weeks", self.every_weeks in range(1, 5), "1 to 4 weeks"),
        ):
            if not holds:
                raise refusal(
                    f"lifecycle.maintenance.{leaf}",
                    f"`{getattr(self, leaf)}` is not possible",
                    f"give {allowed}",
                    _PAGE,
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
