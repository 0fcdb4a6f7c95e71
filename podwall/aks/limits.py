"""How many, how large, how long, until when: the numbers of AKS, its versions, and its VM sizes.

Limits of a network policy engine are in `podwall.aks.network_engine`. Pages without a host are
below `LEARN`.

What exceeds them is refused with the argument, the reason, the remedy and the page that says so.
"""

from __future__ import annotations

import re
from datetime import date
from ipaddress import IPv4Network
from typing import Final

from podwall.policies.errors import InvalidValue, Place
from podwall.quick_dataclass import dataclass

__all__ = [
    "ADDRESS_BATCH",
    "AUTHORIZED_RANGES",
    "AUTHORIZED_RANGES_WITH_VNET_INTEGRATION",
    "AVAILABILITY_ZONES",
    "AZURE_KEEPS",
    "CLUSTER_NAME",
    "DEFAULT_MAX_PODS_KUBENET",
    "DEFAULT_MAX_PODS_NODE_SUBNET",
    "DEFAULT_MAX_PODS_OVERLAY",
    "DEFAULT_MAX_PODS_POD_SUBNET",
    "DNS_PREFIX",
    "FIRST_WITHOUT_WINDOWS_2022",
    "FIRST_WITH_ADVANCED_POLICIES",
    "FIRST_WITH_LOCAL_DNS",
    "FIRST_WITH_STATIC_BLOCKS",
    "FREE_BEFORE_NEXT_BATCH",
    "IDLE_MINUTES",
    "IMAGE_CLEANER_HOURS",
    "IPV6_SUBNET",
    "L7_NODES",
    "L7_PODS",
    "LARGEST_IPV6_SERVICES",
    "LARGEST_SERVICES",
    "LARGEST_STATIC_SUBNET",
    "LEARN",
    "LINUX_POOL_NAME",
    "LOCAL_DNS_CORES",
    "LONGEST_CLUSTER_NAME",
    "LONGEST_DNS_PREFIX",
    "LONGEST_LABEL",
    "LONGEST_LINUX_POOL_NAME",
    "LONGEST_WINDOWS_POOL_NAME",
    "MAINTENANCE_HOURS",
    "MAINTENANCE_WEEKS",
    "MAX_PODS",
    "NEWEST_VERSION",
    "NODES_OF_A_CLUSTER",
    "NODES_OF_A_FREE_CLUSTER",
    "NODES_OF_A_POOL",
    "NODE_BLOCK",
    "OS_DISK_GB",
    "OUTBOUND_IPS",
    "OUTBOUND_PORTS_PER_NODE",
    "OUTBOUND_PORTS_STEP",
    "OVERLAY_RANGES",
    "PODS_OF_A_POOL",
    "RECOMMENDED_FREE_NODES",
    "RECOMMENDED_SYSTEM_NODES",
    "REGIONS_WITHOUT_VNET_INTEGRATION",
    "RESERVED_LABEL_PREFIX",
    "RESERVED_RANGES",
    "SMALLEST_API_SERVER_SUBNET",
    "SMALLEST_SERVICES",
    "SMALLEST_SUBNET",
    "SUPPORT_ENDS",
    "SYSTEM_POOL_CORES",
    "SYSTEM_POOL_NODES",
    "WINDOWS_2022_ENDS",
    "WINDOWS_POOL_NAME",
    "MinorVersion",
    "VmSize",
    "refusal",
    "written_day",
]


LEARN = "https://learn.microsoft.com/azure/aks"
"""Where the rules of Azure Kubernetes Service are written."""


def refusal(argument: str, reason: str, remedy: str, page: str = "") -> InvalidValue:
    """Return the error that refuses `argument`, to be raised by the caller.

    `page` is the page of Microsoft's AKS documentation that states the rule; it follows the remedy.

    >>> str(refusal("engine", "`kubenet` is not an engine", "choose `azure`"))
    'engine: `kubenet` is not an engine'
    >>> refusal("engine", "`kubenet` is retired", "choose `azure`", "use-network-policies").help
    'choose `azure` (https://learn.microsoft.com/azure/aks/use-network-policies)'
    """
    source = f" ({LEARN}/{page})" if page else ""
    return InvalidValue(reason, help=f"{remedy}{source}", place=Place(path=argument))


SUPPORT_ENDS = {
    "1.34": date(2026, 11, 30),
    "1.35": date(2027, 3, 31),
    "1.36": date(2027, 6, 30),
}
"""The last day of community support for each version that AKS documents.

AKS names the month; the last day of that month is taken. Older versions run under long-term support
only, see https://learn.microsoft.com/azure/aks/supported-kubernetes-versions.
"""

_MINOR = re.compile(r"1\.(\d{1,3})")


@dataclass(frozen=True, slots=True, order=True)
class MinorVersion:
    """A Kubernetes minor version such as `1.36`; AKS picks the newest patch of it.

    Giving only the minor version means that a newer patch is never a change of the program.

    >>> MinorVersion.of("1.9") < MinorVersion.of("1.36")
    True
    >>> str(MinorVersion.of("1.36"))
    '1.36'
    """

    minor: int

    @classmethod
    def of(cls, text: str, argument: str = "kubernetes_version") -> MinorVersion:
        """Read `1.36`.

        Raises:
            InvalidValue: `text` is not a minor version, or names a patch as well.
        """
        found = _MINOR.fullmatch(text)
        if found is None:
            raise refusal(
                argument,
                f"`{text}` is not a Kubernetes minor version",
                "give the minor version only, such as `1.36`; AKS picks its newest patch",
                "supported-kubernetes-versions",
            )
        return cls(int(found[1]))

    @property
    def support_ends(self) -> date | None:
        """The last day of support, or None where AKS has not announced it to us."""
        return SUPPORT_ENDS.get(str(self))

    @property
    def is_past_documented_support(self) -> bool:
        """Whether this version is older than every version in `SUPPORT_ENDS`."""
        return self < min(MinorVersion.of(known) for known in SUPPORT_ENDS)

    def __str__(self) -> str:
        """Write the version as `1.36`."""
        return f"1.{self.minor}"


NEWEST_VERSION: Final = str(max(map(MinorVersion.of, SUPPORT_ENDS)))
"""The newest version that AKS documents: what a chart is rendered for where nobody names one.

A helm without a cluster takes the version that it was built for, which may be years old and is
another one on each machine.
"""

FIRST_WITHOUT_WINDOWS_2022 = MinorVersion(36)
WINDOWS_2022_ENDS = date(2027, 3, 15)
"""The first version that Windows Server 2022 does not run, and the last day of its support.

See https://learn.microsoft.com/azure/aks/upgrade-windows-os.
"""


def written_day(day: date) -> str:
    """Return a day as people read it.

    >>> written_day(WINDOWS_2022_ENDS)
    '15 March 2027'
    """
    return f"{day.day} {day:%B %Y}"


# Names, see https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules.

LONGEST_CLUSTER_NAME: Final = 63
CLUSTER_NAME: Final = re.compile(
    rf"[A-Za-z0-9]([\w-]{{0,{LONGEST_CLUSTER_NAME - 2}}}[A-Za-z0-9])?", re.ASCII
)
LONGEST_DNS_PREFIX: Final = 54
DNS_PREFIX: Final = re.compile(
    rf"[A-Za-z0-9]([A-Za-z0-9-]{{0,{LONGEST_DNS_PREFIX - 2}}}[A-Za-z0-9])?"
)

LONGEST_LINUX_POOL_NAME: Final = 12
LONGEST_WINDOWS_POOL_NAME: Final = 6
LINUX_POOL_NAME: Final = re.compile(rf"[a-z][a-z0-9]{{0,{LONGEST_LINUX_POOL_NAME - 1}}}")
WINDOWS_POOL_NAME: Final = re.compile(rf"[a-z][a-z0-9]{{0,{LONGEST_WINDOWS_POOL_NAME - 1}}}")
"""AKS makes host names of the names of pools: create-node-pools#limitations."""

LONGEST_LABEL: Final = 63
"""AKS writes the names of subnet, network and group into labels of nodes: azure-cni-overlay."""

RESERVED_LABEL_PREFIX: Final = "kubernetes.azure.com/"
"""Labels of nodes, pods and namespaces that belong to AKS: use-labels#reserved-prefixes."""


# Sizes of clusters and pools.

NODES_OF_A_CLUSTER: Final = 5000
NODES_OF_A_FREE_CLUSTER: Final = 1000
NODES_OF_A_POOL: Final = 1000
"""The most nodes of a cluster, of one of tier Free, and of a pool: quotas-skus-regions."""

RECOMMENDED_FREE_NODES: Final = 10
"""The tier Free is meant for fewer nodes: free-standard-pricing-tiers."""

SYSTEM_POOL_NODES: Final = 2
SYSTEM_POOL_CORES: Final = 4
RECOMMENDED_SYSTEM_NODES: Final = 3
"""The fewest nodes of a system pool, the fewest cores of each, and what is recommended for
production: use-system-pools."""

MAX_PODS: Final = range(10, 251)
"""What `maxPods` of a pool may be: concepts-network-ip-address-planning."""

PODS_OF_A_POOL: Final = 30
"""How many pods the nodes of a pool must offer together: concepts-network-ip-address-planning."""

DEFAULT_MAX_PODS_OVERLAY: Final = 250
DEFAULT_MAX_PODS_POD_SUBNET: Final = 110
DEFAULT_MAX_PODS_NODE_SUBNET: Final = 30
DEFAULT_MAX_PODS_KUBENET: Final = 110
"""`maxPods` where it is left out, by network: concepts-network-ip-address-planning."""

AVAILABILITY_ZONES: Final = ("1", "2", "3")
"""The names of zones: availability-zones-overview."""

OS_DISK_GB: Final = range(30, 2049)
"""The sizes of an OS disk: concepts-storage."""


# Addresses.

RESERVED_RANGES: Final = tuple(
    IPv4Network(text)
    for text in ("169.254.0.0/16", "192.0.2.0/24", "172.30.0.0/16", "172.31.0.0/16")
)
"""Ranges that AKS keeps for itself: no pod, service or virtual network range may touch them.

See concepts-network-cni-overview.
"""

OVERLAY_RANGES: Final = tuple(
    IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
"""The private ranges that pods of an overlay may have (RFC 1918, RFC 6598): azure-cni-overlay."""

NODE_BLOCK: Final = 24
"""The block of the overlay's range that every node takes: azure-cni-overlay."""

LARGEST_SERVICES: Final = 12
"""A service range has to be smaller than this: concepts-network-ip-address-planning."""

SMALLEST_SERVICES: Final = 28
"""The smallest range that has a tenth address, where the cluster's DNS lives by custom."""

LARGEST_IPV6_SERVICES: Final = 108
"""The largest IPv6 service range: azure-cni-overlay#dual-stack-networking."""

IPV6_SUBNET: Final = 64
"""The one size of IPv6 subnets:
https://learn.microsoft.com/azure/virtual-network/ip-services/ipv6-overview."""

AZURE_KEEPS: Final = 5
SMALLEST_SUBNET: Final = 29
"""What Azure keeps of every subnet, and the smallest one:
https://learn.microsoft.com/azure/virtual-network/virtual-networks-faq."""

SMALLEST_API_SERVER_SUBNET: Final = 28
REGIONS_WITHOUT_VNET_INTEGRATION: Final = frozenset({"qatarcentral"})
"""The smallest subnet of an API server, and where it can have none: api-server-vnet-integration."""

ADDRESS_BATCH: Final = 16
FREE_BEFORE_NEXT_BATCH: Final = 8
"""Nodes take addresses of a pod subnet 16 at a time, and ask for more while fewer than 8 are free:
configure-azure-cni-dynamic-ip-allocation. A static block, a `/28`, is as large."""

LARGEST_STATIC_SUBNET: Final = 12
FIRST_WITH_STATIC_BLOCKS: Final = MinorVersion(28)
"""The largest pod subnet for static blocks, and the first Kubernetes version with them:
configure-azure-cni-static-block-allocation."""


# The way out and the way in.

OUTBOUND_IPS: Final = range(1, 101)
IDLE_MINUTES: Final = range(4, 121)
OUTBOUND_PORTS_PER_NODE: Final = range(64_001)
OUTBOUND_PORTS_STEP: Final = 8
"""What the load balancer takes: load-balancer-standard."""

AUTHORIZED_RANGES: Final = 200
AUTHORIZED_RANGES_WITH_VNET_INTEGRATION: Final = 2000
"""How many ranges may be authorised to call the API server: api-server-authorized-ip-ranges."""


# Maintenance and add-ons.

MAINTENANCE_HOURS: Final = range(4, 25)
MAINTENANCE_WEEKS: Final = range(1, 5)
"""How long a weekly window may be, and after how many weeks it may come: planned-maintenance."""

IMAGE_CLEANER_HOURS: Final = range(24, 24 * 90 + 1)
"""How often the image cleaner may come: image-cleaner."""

FIRST_WITH_ADVANCED_POLICIES: Final = MinorVersion(29)
L7_NODES: Final = 1000
L7_PODS: Final = 40_000
"""The first version with policies by name or request, and how far those by request go:
container-network-security-concepts."""

FIRST_WITH_LOCAL_DNS: Final = MinorVersion(31)
LOCAL_DNS_CORES: Final = 4
"""The first version with LocalDNS, and the cores that it needs on each node: localdns-custom."""


_NAME = re.compile(
    r"(?:Standard_|Basic_)?(?P<family>[A-Z]+)(?P<cores>\d+)(?:-(?P<constrained>\d+))?"
    r"(?P<features>[a-z]*)(?:_[A-Z]+\d*)*?(?:_v(?P<generation>\d+))?(?:_Promo)?"
)
_OLD_D_CORES = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 11: 2, 12: 4, 13: 8, 14: 16, 15: 20}
_OLD_D_GENERATIONS = (1, 2)
_FIRST_WITHOUT_CACHE = 4


@dataclass(frozen=True, slots=True)
class VmSize:
    """A VM size, read from its name.

    Azure's scheme is family, cores, features, version: `Standard_D4ds_v5` is family D, 4 cores, a
    temporary disk (d) and premium storage (s), fifth generation. See
    https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions.

    >>> VmSize("Standard_E8-4ds_v5").cores
    4
    >>> VmSize("Standard_DS3_v2").cores
    4
    >>> VmSize("Standard_Future").cores is None
    True
    """

    name: str

    @property
    def family(self) -> str:
        """The family's letters, such as `D`; empty where the name does not follow the scheme."""
        return self._part("family") or ""

    @property
    def cores(self) -> int | None:
        """How many cores it has, or None where the name does not tell."""
        written = self._part("constrained") or self._part("cores")
        if written is None:
            return None
        if self.family in {"D", "DS"} and self.generation in _OLD_D_GENERATIONS:
            return _OLD_D_CORES.get(int(written))
        return int(written)

    @property
    def generation(self) -> int:
        """The version at the end of the name; 1 where there is none."""
        return int(self._part("generation") or 1)

    @property
    def is_burstable(self) -> bool:
        """Whether it belongs to the B-series."""
        return self.family == "B"

    @property
    def is_confidential_v2(self) -> bool:
        """Whether it belongs to the DCsv2-series."""
        return self.family == "DC" and self.generation == 2  # noqa: PLR2004 - the v2 of the name

    @property
    def lacks_local_disk(self) -> bool:
        """Whether it certainly has neither a temporary disk nor a cache that could hold an OS disk.

        Dsv4, Esv4 and their successors have none unless the name has a `d`.
        """
        return (
            self.family in {"D", "E"}
            and self.generation >= _FIRST_WITHOUT_CACHE
            and "d" not in (self._part("features") or "")
        )

    def _part(self, name: str) -> str | None:
        found = _NAME.fullmatch(self.name)
        return None if found is None else found[name]
