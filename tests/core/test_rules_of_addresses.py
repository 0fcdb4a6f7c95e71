"""Which addresses a rule means: the numbered rules 23 to 26, and the ranges of the outside.

That an exception must lie inside its block (rule 23), and that host bits are masked (rule 25), is
about documents, and the reader's to hold.
"""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv6Address,
    ip_address,
    ip_network,
    summarize_address_range,
)
from typing import Any

import pytest

from podwall.model import IpPeer
from podwall.reachability import Reachability, reachability
from tests.core.builders import allow, block, cluster, column, pod, policy, tcp


def reached_from(found: Reachability, destination: str = "x/a") -> set[str]:
    """Return the external ranges that reach a pod."""
    ranges = [each.id for each in found.externals]
    return {each for each in ranges if found.connection(each, destination).allowed}


def found_with(*blocks: IpPeer) -> Reachability:
    """Return the reachability of a pod that only some addresses may reach."""
    return reachability(cluster(pod("x/a"), policy("x", ingress=(allow(*blocks),))))


class TestRule23ABlockWithoutItsExceptions:
    def test_only_the_block_reaches(self) -> None:
        assert reached_from(found_with(block("203.0.113.0/24"))) == {"203.0.113.0/24"}

    def test_not_its_exceptions(self) -> None:
        found = found_with(block("203.0.113.0/24", "203.0.113.0/26", "203.0.113.128/25"))
        assert reached_from(found) == {"203.0.113.64/26"}


class TestRule24AnExceptionBindsItsOwnBlockOnly:
    EXCEPTED = block("203.0.113.0/24", "203.0.113.0/26")

    def test_in_one_rule(self) -> None:
        assert reached_from(found_with(self.EXCEPTED, block("203.0.113.32/27"))) == {
            "203.0.113.32/27", "203.0.113.64/26", "203.0.113.128/25"
        }  # fmt: skip

    def test_in_two_policies(self) -> None:
        policies = (
            policy("x", ingress=(allow(self.EXCEPTED),)),
            policy("x", ingress=(allow(block("203.0.113.32/27"), ports=(tcp(80),)),)),
        )
        found = reachability(cluster(pod("x/a"), *policies))
        assert str(found.connection("203.0.113.32/27", "x/a").allowed) == "TCP 80"
        assert str(found.connection("203.0.113.0/27", "x/a").allowed) == "no ports"


class TestRule26EachFamilyByItself:
    def test_all_of_ipv4_is_nothing_of_ipv6(self) -> None:
        assert reached_from(found_with(block("0.0.0.0/0"))) == {"0.0.0.0/0"}

    def test_all_of_ipv6_is_nothing_of_ipv4(self) -> None:
        assert reached_from(found_with(block("::/0"))) == {"::/0"}

    def test_an_ipv6_block(self) -> None:
        found = found_with(block("2001:db8::/32", "2001:db8:8000::/33"))
        assert reached_from(found) == {"2001:db8::/33"}


class TestTheOutside:
    def test_is_both_families_whole_where_no_block_cuts_it(self) -> None:
        assert [each.id for each in reachability(cluster()).externals] == ["0.0.0.0/0", "::/0"]

    def test_is_cut_at_blocks_and_exceptions_and_shown_as_the_fewest_networks(self) -> None:
        found = found_with(block("128.0.0.0/1", "192.0.0.0/2"))
        assert [each.id for each in found.externals] == [
            "0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/2", "::/0"
        ]  # fmt: skip

    def test_neighbours_that_no_block_tells_apart_are_one_range(self) -> None:
        found = found_with(block("10.0.0.0/9"), block("10.128.0.0/9"), block("10.0.0.0/8"))
        assert "10.0.0.0/8" not in [each.id for each in found.externals]
        found = found_with(block("10.0.0.0/8", "10.0.0.0/9"), block("10.0.0.0/8", "10.128.0.0/9"))
        assert {"10.0.0.0/9", "10.128.0.0/9"} <= {each.id for each in found.externals}

    @pytest.mark.parametrize("cidr", ["203.0.113.77/32", "10.0.0.0/8", "2001:db8::/32", "::1/128"])
    def test_covers_every_address_once(self, cidr: str) -> None:
        networks = [each.network for each in found_with(block(cidr)).externals]
        for family in (4, 6):
            ordered = [each for each in networks if each.version == family]
            assert ordered == sorted(ordered)
            whole = ip_network("0.0.0.0/0" if family == 4 else "::/0")
            assert sum(each.num_addresses for each in ordered) == whole.num_addresses

    def test_never_talks_to_itself(self) -> None:
        connections = reachability(cluster()).connections()
        pairs = {(each.source_id, each.destination_id) for each in connections}
        assert ("0.0.0.0/0", "::/0") not in pairs
        assert ("0.0.0.0/0", "x/a") in pairs

    def test_egress_to_a_block_leaves_the_rest_closed(self) -> None:
        rule = allow(block("203.0.113.0/24"), ports=(tcp(443),))
        found = reachability(cluster(pod("x/a"), policy("x", egress=(rule,))))
        reached = {each.id for each in found.externals if found.connection("x/a", each.id).allowed}
        assert reached == {"203.0.113.0/24"}
        rest = found.connection("x/a", "0.0.0.0/1")
        assert not rest.allowed


def test_summaries_are_those_of_the_standard_library() -> None:
    found = found_with(block("203.0.113.77/32"))
    above = summarize_address_range(
        ip_network("203.0.113.78/32").network_address, ip_network("255.255.255.255").network_address
    )
    assert {str(each) for each in above} <= {each.id for each in found.externals}


def at(*addresses: str) -> tuple[IPv4Address | IPv6Address, ...]:
    """Return some addresses."""
    return tuple(ip_address(each) for each in addresses)


PLACED = [
    pytest.param(("10.244.0.7",), (block("10.244.0.7/32"),), "?yyny", id="its address alone"),
    pytest.param(("10.244.0.7",), (block("10.244.0.0/17"),), "?yyny", id="in the block"),
    pytest.param(("10.244.128.7",), (block("10.244.0.0/17"),), "nnnny", id="beside the block"),
    pytest.param(
        ("10.244.0.7",), (block("10.244.0.0/16", "10.244.0.0/24"),), "nnnny", id="excepted"
    ),
    pytest.param(
        ("10.244.0.7",),
        (block("10.244.0.0/16", "10.244.0.0/24"), block("10.244.0.0/28")),
        "?yyny",
        id="excepted here and allowed there",
    ),
    pytest.param(
        ("10.244.0.7", "fd00::7"), (block("10.244.0.0/16"),), "???ny", id="one of two families"
    ),
    pytest.param(
        ("10.244.0.7", "fd00::7"),
        (block("10.244.0.0/16"), block("fd00::/8")),
        "?yyny",
        id="both families",
    ),
]


class TestAPodWhoseAddressIsKnown:
    """As of a pod that runs: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/."""

    @pytest.mark.parametrize(("addresses", "blocks", "expected"), PLACED)
    @pytest.mark.parametrize("direction", ["ingress", "egress"])
    def test_is_meant_by_the_blocks_that_contain_it(
        self, addresses: tuple[str, ...], blocks: tuple[IpPeer, ...], expected: str, direction: str
    ) -> None:
        rules: dict[str, Any] = {direction: (allow(*blocks),)}
        snapshot = cluster(pod("x/a"), pod("y/b", addresses=at(*addresses)), policy("x", **rules))
        flow = "y/b -> x/a" if direction == "ingress" else "x/a -> y/b"
        assert column(snapshot, flow) == expected

    def test_does_not_tell_where_others_are(self) -> None:
        rules = policy("x", egress=(allow(block("10.244.0.0/17")),))
        snapshot = cluster(pod("x/a"), pod("y/b", addresses=at("10.244.0.7")), pod("y/c"), rules)
        assert column(snapshot, "x/a -> y/c") == "???ny"

    def test_on_the_host_network_is_a_node_with_that_address(self) -> None:
        rules = policy("x", egress=(allow(block("10.1.0.0/24")),))
        near, far = (
            pod(f"y/{name}", host_network=True, addresses=at(address))
            for name, address in (("near", "10.1.0.4"), ("far", "10.1.1.4"))
        )
        snapshot = cluster(pod("x/a"), near, far, rules)
        assert column(snapshot, "x/a -> y/near") == "?yyny"
        assert column(snapshot, "x/a -> y/far") == "??nny"
