"""Which ports a rule means: the numbered rules 13, 14, 16 to 19 and 33.

Rule 15 (a quoted number is no port name) is about documents, and the reader's to hold.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from podwall.engines import SPEC
from podwall.model import IpProtocol, PortRule, Rule, Snapshot, Unknown
from podwall.policies.rules import Direction
from podwall.portset import ALL_PORTS, PortSet
from podwall.reachability import reachability
from podwall.reachability.port_rules import NamedPorts, PortReader, entry_bounds
from tests.core.builders import (
    EVERYTHING,
    allow,
    block,
    cluster,
    load_balancer,
    named,
    pod,
    policy,
    reaches,
    selector,
    tcp,
)
from tests.core.clusters import Size, random_cluster
from tests.core.obscured import obscured

TCP, UDP, SCTP, OTHER = IpProtocol


def allowed(*ports: PortRule) -> PortSet:
    """Return what a rule with these ports allows."""
    found = reachability(cluster(policy("x", ingress=(allow(ports=ports),))))
    return found.connection("y/a", "x/a").allowed


@pytest.mark.parametrize(
    ("ports", "meaning"),
    [
        pytest.param((), "all ports", id="no ports: every port and every protocol"),
        pytest.param((PortRule(),), "all TCP", id="an entry without anything: TCP, not UDP"),
        pytest.param((PortRule(UDP),), "all UDP", id="a protocol alone: all of that protocol only"),
        pytest.param((PortRule(TCP, 80),), "TCP 80", id="a number"),
        pytest.param((PortRule(TCP, 53, 80),), "TCP 53-80", id="endPort is inclusive"),
        pytest.param((PortRule(TCP, 53, 53),), "TCP 53", id="a range of one port"),
        pytest.param((PortRule(SCTP, 1, 65535),), "all SCTP", id="a range over everything"),
        pytest.param((tcp(80), PortRule(UDP, 53), tcp(81)), "TCP 80-81; UDP 53", id="a union"),
        pytest.param((PortRule(TCP), PortRule(UDP), PortRule(SCTP)), "all TCP; all UDP; all SCTP",
                     id="all three protocols are not everything"),
    ],
)  # fmt: skip
def test_rules_7_12_13_and_14_the_ports_of_a_rule(
    ports: tuple[PortRule, ...], meaning: str
) -> None:
    assert str(allowed(*ports)) == meaning


def test_other_protocols_pass_only_where_a_rule_names_no_ports() -> None:
    assert allowed() == ALL_PORTS
    assert not allowed(PortRule(TCP)).other


class TestRule16NamesAreResolvedOnTheDestination:
    """Kubernetes' own tests 17 to 19 in test/e2e/network/netpol/network_policy.go."""

    PODS = (
        pod("x/one", named("http", 80), named("dns", 53, UDP)),
        pod("x/two", named("http", 8080)),
        pod("x/three", named("http", 90, UDP)),
        pod("x/four"),
    )

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            pytest.param("one", "TCP 80", id="its own number"),
            pytest.param("two", "TCP 8080", id="another number on another pod"),
            pytest.param("three", "no ports", id="the protocol must agree"),
            pytest.param("four", "no ports", id="no port of that name"),
        ],
    )
    @pytest.mark.parametrize("direction", ["ingress", "egress"])
    def test_in_both_directions(self, direction: str, name: str, expected: str) -> None:
        where = "x" if direction == "ingress" else "y"
        rules: dict[str, Any] = {direction: (allow(ports=(tcp("http"),)),)}
        found = reachability(cluster(*self.PODS, pod("y/c"), policy(where, **rules)))
        assert str(found.connection("y/c", f"x/{name}").allowed) == expected

    def test_an_entry_that_matches_nothing_does_not_widen_the_rule(self) -> None:
        rule = allow(ports=(tcp("metrics"), tcp(22)))
        found = reachability(cluster(*self.PODS, pod("y/c"), policy("x", ingress=(rule,))))
        assert str(found.connection("y/c", "x/one").allowed) == "TCP 22"

    def test_by_protocol(self) -> None:
        rule = allow(ports=(PortRule(UDP, "dns"), PortRule(UDP, "http")))
        found = reachability(cluster(*self.PODS, pod("y/c"), policy("x", ingress=(rule,))))
        assert str(found.connection("y/c", "x/one").allowed) == "UDP 53"
        assert str(found.connection("y/c", "x/three").allowed) == "UDP 90"


class TestRule17NamesOnEgress:
    def test_match_no_address_and_leave_the_rest_of_the_rule_alone(self) -> None:
        rule = allow(block("0.0.0.0/0"), ports=(tcp("http"), tcp(443)))
        found = reachability(cluster(pod("x/a"), policy("x", egress=(rule,))))
        assert str(found.connection("x/a", "0.0.0.0/0").allowed) == "TCP 443"

    def test_differ_from_destination_to_destination_in_one_rule(self) -> None:
        rule = allow(ports=(tcp("http"),))
        pods = (pod("y/a", named("http", 80)), pod("y/b", named("http", 8080)), pod("x/c"))
        found = reachability(cluster(*pods, policy("x", egress=(rule,))))
        assert str(found.connection("x/c", "y/a").allowed) == "TCP 80"
        assert str(found.connection("x/c", "y/b").allowed) == "TCP 8080"


def test_rule_18_a_name_that_repeats_means_all_its_ports() -> None:
    target = pod("x/a", named("http", 80), named("http", 8080), named("http", 99, UDP))
    rule = allow(ports=(tcp("http"),))
    found = reachability(cluster(target, pod("y/c"), policy("x", ingress=(rule,))))
    assert str(found.connection("y/c", "x/a").allowed) == "TCP 80, 8080"


def test_rule_19_a_port_that_no_container_declares_is_reachable() -> None:
    snapshot = cluster(policy("x", ingress=(allow(ports=(tcp(9999),)),)))
    assert reaches(snapshot, "y/a -> x/a", 9999)


def test_rule_33_a_service_does_not_translate_the_ports_of_rules() -> None:
    service = load_balancer("x/web", 8080, selector(app="a"), type="ClusterIP")
    snapshot = cluster(service, policy("x", EVERYTHING, ingress=(allow(ports=(tcp(80),)),)))
    assert not reaches(snapshot, "y/a -> x/a", 8080)


def test_more_port_ranges_than_fit_in_a_machine_word() -> None:
    rules = tuple(allow(ports=(tcp(10 * n, 10 * n + 4),)) for n in range(1, 200))
    snapshot = cluster(policy("x", ingress=rules))
    connection = reachability(snapshot).connection("y/a", "x/a")
    assert connection.allowed.ranges(TCP) == tuple((10 * n, 10 * n + 4) for n in range(1, 200))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.long(keep=8)
def test_an_entry_allows_what_is_certain_and_at_most_what_is_possible_on_every_pod(
    seed: int,
) -> None:
    rng = Random(f"entries {seed}")
    snapshot = obscured(rng, random_cluster(rng, Size(workloads=6, policies=6)), 0.2)
    reader = PortReader(snapshot, SPEC)
    for entry in written_entries(snapshot):
        bounds, found = entry_bounds(entry), []
        for each in snapshot.workloads:
            names = NamedPorts(each.ports, each.open_ports)
            found.append(reader.bounds((entry,), names, Direction.EGRESS))
        assert [each for each in found if bounds.must - each.must or each.may - bounds.may] == []


def written_entries(snapshot: Snapshot) -> list[PortRule | Unknown]:
    """Return every entry of `ports` in a cluster."""
    policies = (rules for each in snapshot.policies for rules in (each.ingress, each.egress))
    rules = (rule for each in policies if isinstance(each, tuple) for rule in each)
    ports = (rule.ports for rule in rules if isinstance(rule, Rule))
    return [entry for each in ports if isinstance(each, tuple) for entry in each]
