"""A value that Azure would refuse by itself is refused at its argument, with a remedy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from podwall.components.cluster import (
    Access,
    AddOns,
    Entra,
    Lifecycle,
    LoadBalancerEgress,
    MaintenanceWindow,
    NetworkEngine,
    NodeOsChannel,
    Principal,
    PrivateApiServer,
    PublicApiServer,
    Tier,
    UpgradeChannel,
    egress_named,
)
from tests.components.cluster.values import ZONE, cluster, refused

RANGES = "access.api_server.authorized_ip_ranges"


@pytest.mark.parametrize(
    ("make", "argument", "words"),
    [
        pytest.param(
            lambda: NetworkEngine.named("kubenet"),
            "engine",
            "retires on 31 March 2028",
            id="kubenet is on its way out",
        ),
        pytest.param(
            lambda: NetworkEngine.named("none"),
            "engine",
            "every pod open",
            id="no engine means no protection",
        ),
        pytest.param(
            lambda: NetworkEngine.named("silium"),
            "engine",
            "`silium` is not a network policy engine",
            id="an unknown engine",
        ),
        pytest.param(
            lambda: egress_named("managedNATGateway"),
            "egress",
            "network that AKS manages",
            id="a managed NAT gateway needs a managed network",
        ),
        pytest.param(
            lambda: egress_named("none"),
            "egress",
            "registry that nodes start from",
            id="no way out needs a registry",
        ),
        pytest.param(
            lambda: egress_named("vpn"),
            "egress",
            "is not an outbound type",
            id="an unknown way out",
        ),
        pytest.param(
            lambda: LoadBalancerEgress(public_ips=0), "egress.public_ips", "`0`", id="no public IP"
        ),
        pytest.param(
            lambda: LoadBalancerEgress(idle_minutes=3),
            "egress.idle_minutes",
            "`3` is not from 4 to 120",
            id="an idle time that is too short",
        ),
        pytest.param(
            lambda: LoadBalancerEgress(ports_per_node=100),
            "egress.ports_per_node",
            "multiple of 8",
            id="outbound ports that are no multiple of eight",
        ),
        pytest.param(
            lambda: PublicApiServer(("0.0.0.0/0",)),
            RANGES,
            "restricts nothing",
            id="everyone is not an authorised range",
        ),
        pytest.param(
            lambda: PublicApiServer(("10.0.0.1/8",)),
            RANGES,
            "is not an address range",
            id="authorised ranges are network addresses",
        ),
        pytest.param(
            lambda: Access(api_server=PublicApiServer(tuple(f"20.0.0.{n}/32" for n in range(201)))),
            RANGES,
            "201 ranges are more than 200",
            id="more than 200 authorised ranges",
        ),
        pytest.param(
            lambda: PrivateApiServer("none"),
            "access.api_server.private_dns_zone",
            "without any name",
            id="a private API server without any name",
        ),
        pytest.param(
            lambda: PrivateApiServer(ZONE),
            "access.api_server.fqdn_subdomain",
            "belong together",
            id="a zone of one's own without a subdomain",
        ),
        pytest.param(
            lambda: PrivateApiServer(fqdn_subdomain="shop"),
            "access.api_server.fqdn_subdomain",
            "belong together",
            id="a subdomain without a zone of one's own",
        ),
        pytest.param(
            Entra,
            "access.sign_in.admin_groups",
            "nobody would be able",
            id="a cluster that nobody administers",
        ),
        pytest.param(
            lambda: Entra(admins=(Principal("id"),), azure_rbac=False),
            "access.sign_in.admins",
            "mean nothing",
            id="Azure roles without Azure RBAC",
        ),
        pytest.param(
            lambda: Lifecycle(tier=Tier.PREMIUM, upgrades=UpgradeChannel.RAPID),
            "lifecycle.upgrades",
            "long-term support",
            id="long-term support takes patches only",
        ),
        pytest.param(
            lambda: Lifecycle(upgrades=UpgradeChannel.NODE_IMAGE, node_os=NodeOsChannel.NONE),
            "lifecycle.node_os",
            "contradicts",
            id="two channels that contradict each other",
        ),
        pytest.param(
            lambda: MaintenanceWindow(hours=3),
            "lifecycle.maintenance.hours",
            "`3` is not possible",
            id="a maintenance window below four hours",
        ),
        pytest.param(
            lambda: MaintenanceWindow(start="24:00"),
            "lifecycle.maintenance.start",
            "`24:00`",
            id="a time that no clock shows",
        ),
        pytest.param(
            lambda: MaintenanceWindow(utc_offset="1:00"),
            "lifecycle.maintenance.utc_offset",
            "`1:00`",
            id="an offset without a sign",
        ),
        pytest.param(
            lambda: MaintenanceWindow(every_weeks=0),
            "lifecycle.maintenance.every_weeks",
            "`0`",
            id="maintenance that never comes",
        ),
        pytest.param(
            lambda: AddOns(image_cleaner_hours=23),
            "addons.image_cleaner_hours",
            "`23` hours",
            id="an image cleaner more often than daily",
        ),
        pytest.param(
            lambda: AddOns(image_cleaner_hours=2161),
            "addons.image_cleaner_hours",
            "`2161` hours",
            id="an image cleaner less often than every three months",
        ),
    ],
)
def test_refusal(make: Callable[[], object], argument: str, words: str) -> None:
    refused(make, argument, words)


def test_two_thousand_authorised_ranges_are_possible_with_vnet_integration() -> None:
    ranges = tuple(f"20.0.{n // 256}.{n % 256}/32" for n in range(2000))
    found = Access(api_server=PublicApiServer(ranges), vnet_integration=True).api_server
    assert found == PublicApiServer(ranges)


@pytest.mark.parametrize("name", ["azure", "Calico", " cilium "])
def test_engines_are_named_in_any_case(name: str) -> None:
    assert NetworkEngine.named(name).value == name.strip().lower()


def test_an_engine_may_be_given_by_its_name() -> None:
    assert cluster(engine="cilium").engine is NetworkEngine.CILIUM
